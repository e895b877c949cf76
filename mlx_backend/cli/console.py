"""What a command says: results to stdout, progress and notes to stderr, JSON when asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from mlx_backend.cli.printing import Harmless, can_print, harmless, one_line, padded, width
from mlx_backend.errors import OvernightError

# A longer cell, such as the path of a folder a thousand levels deep, moves its own row alone.
_WIDEST = 100


class Console:
    """Output in one of two manners: for people, or one JSON object at the end."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._streamed = Harmless()

    def say(self, text: str = "", end: str = "\n") -> None:
        """A part of the result for people; silent with --json."""
        self._put(harmless(text) + end)

    def stream(self, text: str) -> None:
        """The next piece of an answer; what could steer a terminal is left out."""
        self._put(self._streamed.take(text))

    def end_stream(self) -> None:
        """The answer is whole: its last line ends."""
        self._put(self._streamed.end() + "\n")

    def _put(self, text: str) -> None:
        if not self.as_json:
            print(text, end="", flush=True)

    def note(self, text: str) -> None:
        """A remark beside the result."""
        print(harmless(text), file=sys.stderr, flush=True)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns as wide as their widest cell, short of a whole line's; numbers to the right."""
        cells = [[one_line(str(cell)) for cell in row] for row in rows]
        widths = [
            max((w for w in map(width, column) if w <= _WIDEST), default=0)
            for column in zip(heads, *cells, strict=True)
        ]
        numeric = [
            bool(cells) and all(row[i][:1].isdigit() for row in cells) for i in range(len(heads))
        ]
        for row in [list(heads), *cells]:
            columns = zip(row, widths, numeric, strict=True)
            self.say("  ".join(padded(*column) for column in columns).rstrip())

    def finish(self, result: Mapping[str, object]) -> None:
        """The command is done; `result` has the fields of the contract."""
        if self.as_json:
            _print_json(dict(result))

    def fail(self, error: OvernightError, log: str) -> None:
        """The command failed; `log` is the file that says more, "" for none."""
        self.tell(error)
        if log:
            self.note(f"Details: {log}")
        self.report(error)

    def tell(self, error: OvernightError) -> None:
        """What happened and what to do next, beside the result."""
        self.note(error.message)
        if error.hint:
            self.note(error.hint)

    def report(self, error: OvernightError) -> None:
        """The error for programs; silent without --json."""
        if self.as_json:
            report = {"kind": error.kind.value, "message": error.message, "hint": error.hint}
            _print_json({"error": report})


def _print_json(value: object) -> None:
    import msgspec  # here, because a command that prints no JSON starts faster without

    try:
        line = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # an argument or a file name of bytes that are no text
        line = _ascii_json(value)
    print(line if can_print(sys.stdout, line) else _ascii_json(value), flush=True)


def _ascii_json(value: object) -> str:
    import json

    return json.dumps(value)  # what is not ASCII becomes an escape that is
