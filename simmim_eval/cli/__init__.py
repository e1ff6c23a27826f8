"""The command ``simmim-eval``: one file a command; nothing heavy is imported before a command runs."""

from simmim_eval.cli.main import main

__all__ = ["main"]
