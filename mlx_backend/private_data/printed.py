"""Masking what a process prints, because libraries may print texts of the person.

`python -m mlx_backend.private_data.printed` runs beside a process and reads all that it prints, so
that even the last lines before a crash are kept.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import signal
from collections.abc import Callable

from mlx_backend.private_data.masking import mask_part
from mlx_backend.private_data.scan import find_secrets

_CONTEXT = 4_096  # characters: as long as the private key of an RSA pair of 4,096 bits
_LONGEST_LINE = 1 << 16
_PIPE_BYTES = 1 << 16
# A crash message may directly follow an unfinished line; a line break keeps that line apart.
_CRASH = re.compile(r"(?<=[^\n])(?=Fatal Python error: |Traceback \(most recent call last\):)")
_UNCHECKED = "[lines left out, as they could not be searched for what is private]\n"


class PrintedText:
    """Masks text that arrives in pieces, also secrets that span several lines.

    A line is given out once it is complete.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before = ""
        self._pending = ""

    def feed(self, data: bytes) -> bytes:
        """Take in bytes; returns the masked text that is complete, as UTF-8."""
        self._pending = _CRASH.sub("\n", self._pending + self._decoder.decode(data))
        whole = 1 + max(self._pending.rfind("\n"), self._pending.rfind("\r"))
        return self._give_out(max(whole, len(self._pending) - _LONGEST_LINE))

    def end(self) -> bytes:
        """The masked rest of the text, as UTF-8; nothing more may be fed."""
        self._pending += self._decoder.decode(b"", final=True)
        return self._give_out(len(self._pending))

    def _give_out(self, length: int) -> bytes:
        if length <= 0:
            return b""
        text, start = self._before + self._pending, len(self._before)
        shown = _masked(text, start, start + length)
        self._before = text[: start + length][-_CONTEXT:]
        self._pending = text[start + length :]
        return shown.encode(errors="replace")


def pump(source: int, write: Callable[[bytes], object]) -> None:
    """Copy the masked text from the pipe `source` to `write`, until all writers have closed it.

    What cannot be written is dropped, so that the printing process never blocks or fails.
    """
    printed = PrintedText()
    while data := os.read(source, _PIPE_BYTES):
        if shown := printed.feed(data):
            with contextlib.suppress(OSError):
                write(shown)
    if shown := printed.end():
        with contextlib.suppress(OSError):
            write(shown)


def _masked(text: str, start: int, end: int) -> str:
    try:
        return mask_part(text, find_secrets(text), start, end)
    except Exception:  # whatever it is: the printing process must continue, and no secret may show
        return _UNCHECKED


def main() -> None:
    """Copy from stdin to stdout, masked, until stdin closes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with open(1, "wb", buffering=0, closefd=False) as output:
        pump(0, output.write)


if __name__ == "__main__":
    main()
