"""Asking a person for a line in a terminal: edited with the usual keys, as long as they like.

Python's readline (GNU's, or the libedit of macOS) takes the terminal out of the mode in which its
driver cuts lines at 4,095 bytes, or 1,024 on macOS.
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

# None in a Python that was built without it: lines then are as the terminal's driver has them.
_readline = importlib.import_module("readline") if importlib.util.find_spec("readline") else None

_PROMPT, _MORE = "> ", ". "
# Between two pieces of what is pasted; a person does not type the next line that fast.
_PASTE_GAP_S = 0.03


class LineEditor:
    """Reads what a person types, one question at a time, and remembers it for the arrow keys."""

    def __init__(self) -> None:
        self._marks_pastes = _let_pastes_be_marked()
        if isinstance(sys.stdin, io.TextIOWrapper):  # in the terminal's encoding, whatever is set
            sys.stdin.reconfigure(encoding=_terminal_encoding(), errors="surrogateescape")

    def ask(self) -> str:
        """The next question: a line, or all lines of what was pasted at once.

        Bytes that are no text come as Python's surrogates.
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
        """After a Ctrl-C: whether it threw away a line that had something in it."""
        return _readline is not None and bool(_readline.get_line_buffer().strip())


def _let_pastes_be_marked() -> bool:
    """Have the terminal tell what is pasted, so that its line ends do not send it; if it can."""
    if _readline is None or "libedit" in (_readline.__doc__ or ""):
        return False
    _readline.parse_and_bind("set enable-bracketed-paste on")
    return os.environ.get("TERM", "dumb") != "dumb"  # GNU readline marks nothing there


def _terminal_encoding() -> str:
    """That of the locale; a locale that has ASCII alone says nothing about its terminal."""
    encoding = codecs.lookup(locale.getencoding()).name
    return "utf-8" if encoding == "ascii" else encoding


@contextlib.contextmanager
def _on_the_terminal() -> Iterator[None]:
    """Let stdout be the terminal, where it is not but stderr is: lines are edited there alone."""
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
    """What was pasted behind the line that was read, and is not read yet."""
    if not _has_more(0.0):
        return ""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    parts = []
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)  # also a last line without an end is given then
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
    """Let the person go on with the last line of what was pasted."""
    if _readline is None:
        return text + input(_MORE + text)
    _readline.set_startup_hook(lambda: _readline.insert_text(text))
    try:
        return input(_MORE)
    finally:
        _readline.set_startup_hook(None)
