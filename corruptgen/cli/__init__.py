"""The command line: one function of the library per command, its answers on stdout, everything else on stderr."""

from corruptgen.cli.app import app, main

__all__ = ["app", "main"]
