"""The parser of the command line: how commands are added to it, and what wrong arguments raise."""

from __future__ import annotations

import argparse
from typing import NoReturn


class WrongUsage(SystemExit):
    """Raised for wrong arguments of the command `prog`; `usage` is its usage line."""

    def __init__(self, message: str, usage: str, prog: str) -> None:
        super().__init__(2)
        self.message = message
        self.usage = usage
        self.prog = prog


class CommandParser(argparse.ArgumentParser):
    """A parser whose help tells the fields of --json, and which raises WrongUsage."""

    def format_help(self) -> str:
        from mlx_backend.cli.json_fields import told  # here: most calls ask for no help

        fields = told(self.prog.rpartition(" ")[2])
        return f"{super().format_help()}\n{fields}" if fields else super().format_help()

    def error(self, message: str) -> NoReturn:
        raise WrongUsage(message, self.format_usage(), self.prog)


class Commands:
    """Adds commands to a parser; each of them takes the options of `shared`."""

    def __init__(self, parser: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
        self._subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
        self._shared = shared

    def add(self, name: str, module: str, function: str, text: str) -> argparse.ArgumentParser:
        """Add a command that runs `mlx_backend.cli.<module>.<function>`; `text` is its help."""
        command = self._subparsers.add_parser(
            name, help=text, description=text, parents=[self._shared]
        )
        command.set_defaults(run=(module, function))
        return command
