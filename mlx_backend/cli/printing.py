"""Text for a terminal: nothing that steers it, in whatever encoding, and how wide it is there."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_REPLACE = "overnight-replace"
# Bidirectional marks: what opens embeddings and isolates, and what closes each.
_EMBEDDING_ENDS, _ISOLATE_ENDS = "\u202c", "\u2069"
_CLOSED_BY = dict.fromkeys("\u202a\u202b", _EMBEDDING_ENDS) | dict.fromkeys(
    "\u2066\u2067\u2068", _ISOLATE_ENDS
)
_CLOSING = frozenset(_CLOSED_BY.values())
_OVERRIDES = frozenset("\u202d\u202e")  # only good for showing a name in another order than it has
_JOINER, _AS_EMOJI = "\u200d", "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_HANGUL_INSIDE = range(0x1160, 0x1200)  # vowels and finals, drawn into their initial's cell
# What stands in for typographic characters that have no decomposition into ASCII.
_PLAIN = {"…": "...", "€": "EUR"} | dict(zip("‘’‚“”„–—−‐‑•·×÷⁄", '\'\',"""-----**x:/', strict=True))


class Harmless:
    """Takes text in pieces; gives it back without what could steer a terminal.

    Control characters and bidirectional overrides are left out. Each bidirectional embedding that a
    line opens is closed by its end, and nothing is closed that the line did not open. Joiners,
    variation selectors, combining marks and every kind of space stay.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    def take(self, piece: str) -> str:
        """The next piece."""
        return "".join(map(self._shown, piece))

    def end(self) -> str:
        """What closes the line that the pieces ended in."""
        closing = "".join(reversed(self._open))
        self._open.clear()
        return closing

    def _shown(self, char: str) -> str:
        if " " <= char <= "~":
            return char
        if char in "\n\u2028\u2029":
            return self.end() + "\n"
        if char in _CLOSED_BY:
            self._open.append(_CLOSED_BY[char])
            return char
        if char in _CLOSING:
            return char if self._closes(char) else ""
        if "\ud800" <= char <= "\udfff":
            return "\ufffd"  # half a character, or a byte that is no text
        is_control = unicodedata.category(char) == "Cc" and char != "\t"
        return "" if is_control or char in _OVERRIDES else char

    def _closes(self, char: str) -> bool:
        """Whether it closes anything; the end of an isolate also closes what was opened within."""
        within = self._open.count(char) and (char == _ISOLATE_ENDS or self._open[-1] == char)
        while within and self._open.pop() != char:
            pass
        return bool(within)


def harmless(text: str) -> str:
    """A whole text without what could steer a terminal."""
    sieve = Harmless()
    return sieve.take(text) + sieve.end()


def one_line(text: str) -> str:
    """A text on one line, likewise; line ends, tabs and control characters become spaces."""
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return harmless(spaced)


def width(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return len(text) if text.isascii() else sum(cells for cells in _cells(text))


def padded(text: str, cells: int, to_the_right: bool = False) -> str:
    """A text with spaces up to a number of cells."""
    space = " " * max(0, cells - width(text))
    return space + text if to_the_right else text + space


def _cells(text: str) -> Iterator[int]:
    """The cells of each character, in view of the one before it."""
    before, taken = "", 0
    for char in text:
        code = ord(char)
        if char == _AS_EMOJI and taken == 1 and not before.isalpha():
            taken = 2
            yield 1
        elif before == _JOINER or (code in _SKIN_TONES and taken == 2):
            yield 0  # drawn into the emoji before it
        elif _is_drawn_over(char, code):
            yield 0
        else:
            taken = 2 if unicodedata.east_asian_width(char) in "WF" else 1
            yield taken
        before = char


def _is_drawn_over(char: str, code: int) -> bool:
    return unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc") or code in _HANGUL_INSIDE


def print_whatever_comes() -> None:
    """From now on, print something like it, or "?", for what the terminal's encoding lacks."""
    codecs.register_error(_REPLACE, _something_like_it)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_REPLACE)


def _something_like_it(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end]
    return "".join(_in_ascii(char) for char in missing), error.end


def _in_ascii(char: str) -> str:
    if char in _PLAIN:
        return _PLAIN[char]
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return ""
    parts = "".join(c for c in unicodedata.normalize("NFKD", char) if c.isascii())
    return parts or "?" * max(1, width(char))


def can_print(stream: TextIO, text: str) -> bool:
    """Whether the stream's encoding has all of a text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def fill_closed_streams() -> None:
    """Let the null device take the place of whichever standard streams are closed.

    Else the next file that is opened, such as the library's, would get the number of one, and with
    it what libraries print.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def nobody_reads() -> bool:
    """Whether what read stdout or stderr over a pipe went away."""
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, 0)  # errors are told unasked
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def discard_output() -> None:
    """What is still buffered must not fail at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
