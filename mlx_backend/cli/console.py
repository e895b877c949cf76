"""What a command says: results to stdout, progress and notes to stderr, JSON when asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from mlx_backend.cli.width import display_width, padded
from mlx_backend.errors import OvernightError


class Console:
    """Output in one of two manners: for people, or one JSON object at the end."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: str = "", end: str = "\n") -> None:
        """A part of the result for people; silent with --json."""
        if not self.as_json:
            print(text, end=end, flush=True)

    def stream(self, text: str) -> None:
        """The next piece of an answer; what could steer a terminal is left out."""
        self.say("".join(c for c in text if c.isprintable() or c in "\n\t"), end="")

    def note(self, text: str) -> None:
        """A remark beside the result."""
        print(text, file=sys.stderr, flush=True)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns as wide as their longest cell; numbers to the right."""
        cells = [[_one_line(cell) for cell in row] for row in rows]
        widths = [max(map(display_width, column)) for column in zip(heads, *cells, strict=True)]
        numeric = [
            bool(cells) and all(row[i][:1].isdigit() for row in cells) for i in range(len(heads))
        ]
        for row in [list(heads), *cells]:
            line = [
                padded(cell, width, right)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            ]
            self.say("  ".join(line).rstrip())

    def finish(self, result: Mapping[str, object]) -> None:
        """The command is done; `result` has the fields of the contract."""
        if self.as_json:
            _print_json(dict(result))

    def fail(self, error: OvernightError, log: str) -> None:
        """The command failed; `log` is the file that says more, "" for none."""
        print(error.message, file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
        if log:
            print(f"Details: {log}", file=sys.stderr)
        self.report(error)

    def report(self, error: OvernightError) -> None:
        """The error for programs; silent without --json."""
        if self.as_json:
            report = {"kind": error.kind.value, "message": error.message, "hint": error.hint}
            _print_json({"error": report})


def _print_json(value: object) -> None:
    import msgspec  # here, for a command that prints no JSON starts faster without

    try:
        line = msgspec.json.encode(value)
    except UnicodeEncodeError:  # an argument or a file name of bytes that are no text
        import json

        line = json.dumps(value).encode()  # such a byte becomes an escape that is ASCII
    print(line.decode(), flush=True)


def _one_line(value: object) -> str:
    """A cell's text without anything that could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in str(value))
