"""The output of commands: results to stdout, remarks to stderr, and JSON when asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from mlx_backend.cli.printing import Harmless, can_print, harmless, one_line, padded, width
from mlx_backend.errors import OvernightError

# A wider cell, such as a very long path, does not widen its column; it only shifts its own row.
_WIDEST = 100


class Console:
    """Prints for people or, `as_json`, one JSON object at the end."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._streamed = Harmless()
        self._thought: Harmless | None = None
        self._attached: dict[str, object] = {}

    def say(self, text: str = "", end: str = "\n") -> None:
        """Print a part of the result for people; nothing with --json."""
        self._put(harmless(text) + end)

    def stream(self, text: str) -> None:
        """Print the next piece of an answer, without anything that could control the terminal."""
        self._end_thought()
        self._put(self._streamed.take(text))

    def stream_thought(self, text: str) -> None:
        """Print the next piece of what a model thinks before the answer; to stderr."""
        self._thought = self._thought or Harmless()
        print(self._thought.take(text), end="", file=sys.stderr, flush=True)

    def _end_thought(self) -> None:
        if self._thought is not None:
            print(self._thought.end() + "\n", file=sys.stderr, flush=True)
            self._thought = None

    def end_stream(self) -> None:
        """End the last line of a streamed answer."""
        self._end_thought()
        self._put(self._streamed.end() + "\n")

    def _put(self, text: str) -> None:
        if not self.as_json:
            print(text, end="", flush=True)

    def note(self, text: str) -> None:
        """Print a remark to stderr."""
        print(harmless(text), file=sys.stderr, flush=True)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table; columns fit their widest cell up to a limit, numbers are right-aligned."""
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

    def begin(self, result: Mapping[str, object]) -> None:
        """With --json, print an object ahead of the last one, for who has to know it now."""
        if self.as_json:
            _print_json(dict(result))

    def finish(self, result: Mapping[str, object]) -> None:
        """The command succeeded: with --json, print `result`, whose fields are a contract."""
        if self.as_json:
            _print_json(dict(result))

    def attach(self, fields: Mapping[str, object]) -> None:
        """With --json, have these fields in the last object if the command fails."""
        self._attached.update(fields)

    def fail(self, error: OvernightError, log: str) -> None:
        """The command failed: print the error, and the path of the log with details unless ""."""
        self.tell(error)
        if log:
            self.note(f"Details: {log}")
        self.report(error)

    def tell(self, error: OvernightError) -> None:
        """Print the message and the hint of an error to stderr."""
        self.note(error.message)
        if error.hint:
            self.note(error.hint)

    def report(self, error: OvernightError) -> None:
        """With --json, print the error for programs."""
        if self.as_json:
            report = {"kind": error.kind.value, "message": error.message, "hint": error.hint}
            _print_json({"error": report, **self._attached})


def _print_json(value: object) -> None:
    import msgspec  # here, because commands that print no JSON start faster without it

    try:
        line = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # an argument or a file name that is not valid UTF-8
        line = _ascii_json(value)
    print(line if can_print(sys.stdout, line) else _ascii_json(value), flush=True)


def _ascii_json(value: object) -> str:
    import json

    return json.dumps(value)  # escapes everything that is not ASCII
