"""The command line: `turnout`. Everything it prints for a person, it also prints as JSON."""

from turnout.cli.entry import main

__all__ = ["main"]
