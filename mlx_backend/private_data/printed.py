"""What a process prints, without what is private: no library asks before it prints a text.

`python -m mlx_backend.private_data.printed` stands behind a process as the reader of all that it
prints, and so has its last lines whatever becomes of it.
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
# What a crash prints comes right after a line that was not ended, and would hide its last word.
_CRASH = re.compile(r"(?<=[^\n])(?=Fatal Python error: |Traceback \(most recent call last\):)")
_UNCHECKED = "[lines left out, as they could not be searched for what is private]\n"


class PrintedText:
    """Text that comes in pieces; what is private in it is masked, also across lines.

    A line is given out once it is whole.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before = ""
        self._pending = ""

    def feed(self, data: bytes) -> bytes:
        """What can be given out, now that these bytes have come."""
        self._pending = _CRASH.sub("\n", self._pending + self._decoder.decode(data))
        whole = 1 + max(self._pending.rfind("\n"), self._pending.rfind("\r"))
        return self._give_out(max(whole, len(self._pending) - _LONGEST_LINE))

    def end(self) -> bytes:
        """All that is left, as nothing more comes."""
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
    """Pass on what comes from a pipe until all of its writers are gone.

    What cannot be written is dropped: whoever prints is never to wait or fail for it.
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
    except Exception:  # whatever it is, the process that prints goes on, and nothing private shows
        return _UNCHECKED


def main() -> None:
    """From stdin to stdout, until the end of whoever prints."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with open(1, "wb", buffering=0, closefd=False) as output:
        pump(0, output.write)


if __name__ == "__main__":
    main()
