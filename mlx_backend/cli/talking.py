"""A conversation in the terminal, until the person ends it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Protocol

from mlx_backend.cli.console import Console
from mlx_backend.cli.line_editing import LineEditor
from mlx_backend.errors import from_exception
from mlx_backend.protocol import Sampling, Turn

_GOODBYES = {"/bye", "/exit", "/quit"}


class Ask(Protocol):
    """Answers the last turn, prints the answer, and returns its fields for --json."""

    def __call__(
        self, turns: Sequence[Turn], sampling: Sampling, cancelled: Callable[[], bool] = ...
    ) -> dict[str, object]: ...


def talk(ask: Ask, sampling: Sampling, console: Console) -> dict[str, object]:
    """Answer questions until /bye or Ctrl-D; return the fields of the last answer.

    Ctrl-C stops an answer or clears the line. Raises KeyboardInterrupt when it is pressed twice in
    a row at an empty prompt.
    """
    turns: list[Turn] = []
    fields: dict[str, object] = {"text": "", "citations": []}
    console.note("Ask about your notes. Ctrl-C stops an answer; /bye or Ctrl-D ends.")
    for question in _questions(console):
        asked = Turn(role="user", text=question)
        answered = _answered(ask, [*turns, asked], sampling, console)
        if answered is not None:
            fields = answered
            turns += [asked, Turn(role="assistant", text=str(fields["text"]))]
    return fields


def readable(text: str) -> str:
    """Text from the terminal, with U+FFFD for each byte that is not UTF-8."""
    try:
        typed = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        typed = text.encode("utf-8", "replace")
    return typed.decode("utf-8", "replace")


def _questions(console: Console) -> Iterator[str]:
    """The questions that the person types, one at a time."""
    editor = LineEditor()
    was_told = False
    while True:
        try:
            question = readable(editor.ask()).strip()
        except EOFError:
            console.note("")
            return
        except KeyboardInterrupt:
            console.note("")
            is_empty = not editor.was_typing()
            if is_empty and was_told:
                raise
            if is_empty:
                console.note("Press Ctrl-C again to end, or ask on.")
            was_told = is_empty
            continue
        was_told = False
        if question in _GOODBYES:
            return
        if question:
            yield question


def _answered(
    ask: Ask, turns: Sequence[Turn], sampling: Sampling, console: Console
) -> dict[str, object] | None:
    """The fields of an answer; None if it has no text or failed. Errors are printed, not raised."""
    try:
        with _interrupts() as interrupted:
            fields = ask(turns, sampling, interrupted)
    except KeyboardInterrupt:
        console.note("\nStopped.")
        return None
    except BrokenPipeError:
        raise
    except Exception as error:
        console.tell(from_exception(error))
        return None
    if fields.get("ended") == "cancelled":
        console.note("Stopped.")
    return fields if fields["text"] else None


@contextlib.contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Yields a function: whether Ctrl-C was pressed. Pressed twice, it raises KeyboardInterrupt."""
    pressed = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
