"""Reading one file for a question about it: `python -m mlx_backend.importers.attachment PATH`.

The file is read in the same separate process as when notes are imported, and nothing is kept in the
library. The last line of stdout is one JSON object: `name`, `text`, `characters`, or `error`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.sandbox import Sandbox
from mlx_backend.library.turns import Attachment
from mlx_backend.private_data.masked_errors import report_of

MOST_KEPT = 400_000
"""Characters; no model of the size that runs at home reads more."""

_BETWEEN = "\n\n"


def read_attachment(path: Path) -> Attachment:
    """The text of a file, cut after `MOST_KEPT` characters.

    Raises OvernightError with the reason when it cannot be read, or holds no text.
    """
    try:
        with Sandbox() as sandbox:
            content = sandbox.read(path, path, chosen=True)
    except SkippedFile as skipped:
        raise _unreadable(path, str(skipped)) from skipped
    text = _BETWEEN.join(each.text.strip() for each in content.documents if each.text.strip())
    if not text:
        reasons = [skipped.reason for skipped in content.skipped]
        raise _unreadable(path, reasons[0] if reasons else "There is no text in it")
    return Attachment(name=path.name, text=text[:MOST_KEPT], characters=len(text), path=str(path))


def _unreadable(path: Path, reason: str) -> OvernightError:
    return OvernightError(
        ErrorKind.UNREADABLE,
        f"“{path.name}” cannot be attached. {reason.rstrip('.')}.",
        "Attach another file, or paste its text into the question.",
    )


def main(arguments: list[str]) -> int:
    """Read the file at `arguments[0]` and print what it holds; returns the exit code."""
    try:
        reply: object = read_attachment(Path(arguments[0]))
    except Exception as error:
        reply = {"error": report_of(from_exception(error))}
    sys.stdout.buffer.write(msgspec.json.encode(reply) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
