"""Run the command line as `python -m corruptgen.cli`."""

from corruptgen.cli.app import main

main()
