"""The command `tilth`: a table of commands, thin functions, no logic."""

from tilth.cli.application import main

__all__ = ["main"]
