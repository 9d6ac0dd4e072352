"""The command line: one file per verb; each parses, calls the API and prints a short result."""

from aofl.cli.main import main

__all__ = ["main"]
