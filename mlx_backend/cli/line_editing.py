"""Reading lines of any length from a terminal, edited with the usual keys.

Python's readline (GNU's, or libedit on macOS) switches the terminal out of canonical mode, in which
its driver cuts lines at 4,095 bytes, or 1,024 on macOS.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib.util
import io
import locale
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator

# None if Python was built without it: the terminal's driver then edits the lines.
_readline = importlib.import_module("readline") if importlib.util.find_spec("readline") else None

_PROMPT, _MORE = "> ", ". "
# Longest gap between two pieces of pasted text; nobody types the next line that fast.
_PASTE_GAP_S = 0.03


class LineEditor:
    """Reads one question at a time, with a history for the arrow keys."""

    def __init__(self) -> None:
        self._marks_pastes = _let_pastes_be_marked()
        if isinstance(sys.stdin, io.TextIOWrapper):  # PYTHONIOENCODING is not the terminal's
            sys.stdin.reconfigure(encoding=_terminal_encoding(), errors="surrogateescape")

    def ask(self) -> str:
        """The next question: a line, or all lines that were pasted at once.

        Invalid bytes become surrogates (`surrogateescape`).
        Raises EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C.
        """
        with _on_the_terminal():
            text = input(_PROMPT)
            if self._marks_pastes:
                return text
            while rest := _waiting():
                *lines, last = rest.replace("\r\n", "\n").replace("\r", "\n").split("\n")
                text = "\n".join([text, *lines])
                if last:
                    text = "\n".join([text, _ask_on(last)])
            return text

    def was_typing(self) -> bool:
        """Whether the line that Ctrl-C cleared had text."""
        return _readline is not None and bool(_readline.get_line_buffer().strip())


def _let_pastes_be_marked() -> bool:
    """Turn bracketed paste on, so that pasted line ends do not submit; return whether it works."""
    if _readline is None or "libedit" in (_readline.__doc__ or ""):
        return False
    _readline.parse_and_bind("set enable-bracketed-paste on")
    return os.environ.get("TERM", "dumb") != "dumb"  # GNU readline does not use it there


def _terminal_encoding() -> str:
    """The encoding of the locale; UTF-8 for ASCII, because that is only the default locale."""
    encoding = codecs.lookup(locale.getencoding()).name
    return "utf-8" if encoding == "ascii" else encoding


@contextlib.contextmanager
def _on_the_terminal() -> Iterator[None]:
    """Point stdout to the terminal of stderr if it is redirected: readline edits only on stdout."""
    sys.stdout.flush()
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield
        return
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(out, 1)
        os.close(out)


def _waiting() -> str:
    """Pasted text that follows the line just read; "" for none."""
    if not _has_more(0.0):
        return ""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    parts = []
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)  # also gives a last line without a line end
        while _has_more(_PASTE_GAP_S):
            part = os.read(descriptor, 1 << 16)
            if not part:
                break
            parts.append(part)
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
    return b"".join(parts).decode(sys.stdin.encoding, "surrogateescape")


def _has_more(patience: float) -> bool:
    return bool(select.select([sys.stdin.fileno()], [], [], patience)[0])


def _ask_on(text: str) -> str:
    """Let the person continue the last pasted line; return all of it."""
    if _readline is None:
        return text + input(_MORE + text)
    _readline.set_startup_hook(lambda: _readline.insert_text(text))
    try:
        return input(_MORE)
    finally:
        _readline.set_startup_hook(None)
