"""Tells how an exam goes on: each batch of answers, how many there are, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend import protocol
from mlx_backend.exam.marking import Item
from mlx_backend.training.stop_requests import Check, never

_EVERY_S = 1.0  # between two events where nothing was answered


def _ignore(_: protocol.JobEvent) -> None:
    """Where nobody listens."""


@dataclass(frozen=True)
class Watch:
    """Who looks on: `append` takes events, `check` is called between the parts of the work."""

    append: Callable[[protocol.JobEvent], object] = _ignore
    check: Check = never


NOBODY = Watch()


class ExamTelling:
    """Tells of one exam and the general questions after it.

    `exam_s` and `seconds` are about how long the exam takes, and all of it.
    """

    def __init__(self, watch: Watch, exam_s: float, seconds: float) -> None:
        self._append = watch.append
        self._check = watch.check
        self._began = time.monotonic()
        self._ends = self._began + seconds
        self._after_exam_s = max(0.0, seconds - exam_s)
        self._told = self._began

    def begin(self, total: int) -> None:
        """Tell how many questions are asked, before the first is answered."""
        if total:
            self._tell(0, total)

    def heard(self, items: Sequence[Item], done: int, total: int) -> None:
        """Tell the answers of a batch, and how far the exam is."""
        answers = tuple(
            protocol.ExamAnswer(question=item.question, text=item.text, right=item.right)
            for item in items
        )
        self._append(protocol.Examined(answers=answers))
        now = time.monotonic()
        left = (now - self._began) / max(1, done) * (total - done)
        self._ends = now + left + self._after_exam_s
        self._tell(done, total)

    def check(self) -> None:
        """Between two batches of other work: tell how long it still takes."""
        self._check()
        if time.monotonic() - self._told >= _EVERY_S:
            self._tell(0, 0)

    def _tell(self, done: int, total: int) -> None:
        self._told = time.monotonic()
        left = round(max(0.0, self._ends - self._told), 1)
        self._append(protocol.Progress(done=done, total=total, unit="questions", remaining_s=left))
