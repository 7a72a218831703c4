"""The measures that `score` knows; each module declares some, and is all that it takes to add one."""
