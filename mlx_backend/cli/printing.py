"""Text for a terminal: without control sequences, in any encoding, and its width in cells."""

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
# Bidirectional controls: those that open embeddings and isolates, and what closes each.
_EMBEDDING_ENDS, _ISOLATE_ENDS = "\u202c", "\u2069"
_CLOSED_BY = dict.fromkeys("\u202a\u202b", _EMBEDDING_ENDS) | dict.fromkeys(
    "\u2066\u2067\u2068", _ISOLATE_ENDS
)
_CLOSING = frozenset(_CLOSED_BY.values())
_OVERRIDES = frozenset("\u202d\u202e")  # only useful to disguise a name by showing it reversed
_JOINER, _AS_EMOJI = "\u200d", "\ufe0f"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_HANGUL_INSIDE = range(0x1160, 0x1200)  # vowels and finals, drawn in the cell of their initial
# ASCII replacements for typographic characters that have no decomposition into ASCII.
_PLAIN = {"…": "...", "€": "EUR"} | dict(zip("‘’‚“”„–—−‐‑•·×÷⁄", '\'\',"""-----**x:/', strict=True))


class Harmless:
    """Removes from text, which comes in pieces, all that could control a terminal.

    Drops control characters and bidirectional overrides. Closes every bidirectional embedding at
    the end of the line that opened it, and drops closing marks without an opening one. Joiners,
    variation selectors, combining marks and all kinds of spaces stay.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    def take(self, piece: str) -> str:
        """Take the next piece; returns it cleaned."""
        return "".join(map(self._shown, piece))

    def end(self) -> str:
        """The marks that close what the last line left open."""
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
            return "\ufffd"  # a lone surrogate, which stands for a byte that is not valid UTF-8
        is_control = unicodedata.category(char) == "Cc" and char != "\t"
        return "" if is_control or char in _OVERRIDES else char

    def _closes(self, char: str) -> bool:
        """Whether `char` closes something open; the end of an isolate closes all that is inside."""
        within = self._open.count(char) and (char == _ISOLATE_ENDS or self._open[-1] == char)
        while within and self._open.pop() != char:
            pass
        return bool(within)


def harmless(text: str) -> str:
    """A whole text without anything that could control a terminal."""
    sieve = Harmless()
    return sieve.take(text) + sieve.end()


def one_line(text: str) -> str:
    """`harmless` on one line: line ends, tabs and control characters become spaces."""
    spaced = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return harmless(spaced)


def width(text: str) -> int:
    """The number of terminal cells that a text takes."""
    return len(text) if text.isascii() else sum(cells for cells in _cells(text))


def padded(text: str, cells: int, to_the_right: bool = False) -> str:
    """A text padded with spaces to a number of cells; right-aligned if `to_the_right`."""
    space = " " * max(0, cells - width(text))
    return space + text if to_the_right else text + space


def _cells(text: str) -> Iterator[int]:
    """The cells of each character, depending on the character before it."""
    before, taken = "", 0
    for char in text:
        code = ord(char)
        if char == _AS_EMOJI and taken == 1 and not before.isalpha():
            taken = 2
            yield 1
        elif before == _JOINER or (code in _SKIN_TONES and taken == 2):
            yield 0  # combines with the emoji before it
        elif _is_drawn_over(char, code):
            yield 0
        else:
            taken = 2 if unicodedata.east_asian_width(char) in "WF" else 1
            yield taken
        before = char


def _is_drawn_over(char: str, code: int) -> bool:
    return unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc") or code in _HANGUL_INSIDE


def print_whatever_comes() -> None:
    """From now on, print a similar character, or "?", for one that the encoding lacks."""
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
    """Whether the encoding of a stream has all characters of a text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def fill_closed_streams() -> None:
    """Open the null device in place of any standard stream that is closed.

    Otherwise the next opened file, such as the database, would get the descriptor of a standard
    stream, and libraries would print into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def nobody_reads() -> bool:
    """Whether stdout or stderr is a pipe whose reader is gone."""
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, 0)  # errors are always reported
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def discard_output() -> None:
    """Flush the output; if that fails, discard it, so that the interpreter can exit cleanly."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
