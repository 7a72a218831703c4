"""Run the command line as `python -m corruptgen`."""

from corruptgen.cli import main

main()
