"""What happened along a run besides learning, to be marked below its curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from app.text import amounts
from mlx_backend import protocol
from mlx_backend.jobs import JobState, JobStatus

STAGES = {
    "reading": "Reading your notes",
    "curating": "Looking through your notes",
    "answering": "Getting to know the base model",
    "studying": "Studying your notes",
    "preparing": "Preparing the model",
    "loading": "Loading the model",
    "training": "Learning your notes",
    "checking": "Checking what was learned",
    "saving": "Saving the adapter",
}

MarkKind = Literal["stage", "checkpoint", "wait", "interruption", "skipped", "rolled back"]

# More marks of one kind than this cannot be told apart.
_MOST = 128


@dataclass(frozen=True)
class Mark:
    """One thing that happened after `step` steps, at a Unix time, in a sentence."""

    kind: MarkKind
    step: int
    at: float
    text: str


def stage_name(stage: str) -> str:
    """A stage of a run in words."""
    return STAGES.get(stage, stage.capitalize() or "Working")


def mark_of(event: protocol.JobEvent, before: JobStatus) -> Mark | None:
    """The mark that an event leaves, if any; `before` is the run's status without it."""
    kind: MarkKind
    match event:
        case protocol.StageBegan():
            kind, text = "stage", f"{stage_name(event.stage)}."
        case protocol.CheckpointSaved():
            return Mark("checkpoint", event.step, event.at, "Saved: it can go on from here.")
        case protocol.AttemptEnded():
            return Mark("interruption", event.step, event.at, event.text)
        case protocol.Launched() if before.launched_at:
            kind, text = "interruption", _after_a_break(before)
        case protocol.StepSkipped():
            text = "Skipped: the numbers made no sense, so nothing was learned here."
            return Mark("skipped", event.step, event.at, text)
        case protocol.RolledBack():
            kind = "rolled back"
            text = "The error grew, so it went back a little, to learn more slowly."
        case protocol.WaitOver() if before.waiting is not None:
            waited = amounts.span(event.at - before.waiting.at)
            kind, text = "wait", f"Waited {waited}. {before.waiting.text}"
        case _:
            return None
    return Mark(kind, before.step, event.at, text)


def _after_a_break(before: JobStatus) -> str:
    if before.state is JobState.STOPPED:
        return "Stopped here, and continued later."
    return "Interrupted here, and continued later."


@dataclass
class _Thinned:
    """Marks of one kind: every one, every second one, every fourth one and so on."""

    marks: list[Mark] = field(default_factory=list)
    seen: int = 0
    stride: int = 1

    def add(self, mark: Mark) -> None:
        if self.seen % self.stride == 0:
            self.marks.append(mark)
        self.seen += 1
        if len(self.marks) > _MOST:
            self.marks = self.marks[::2]
            self.stride *= 2

    def forget_from(self, step: int) -> None:
        while self.marks and self.marks[-1].step >= step:
            self.marks.pop()


class RunMarks:
    """The marks of one run; very many of one kind are thinned out evenly."""

    def __init__(self) -> None:
        self._kinds: dict[MarkKind, _Thinned] = {}
        self._all: tuple[Mark, ...] = ()

    def add(self, mark: Mark) -> None:
        """Add a mark; what a run does again after an interruption is marked once."""
        kept = self._kinds.setdefault(mark.kind, _Thinned())
        if mark.kind == "stage" and any(mark.text == known.text for known in kept.marks):
            return
        if mark.kind == "checkpoint":
            kept.forget_from(mark.step)
        kept.add(mark)
        self._all = ()

    def all(self) -> tuple[Mark, ...]:
        """All marks that are kept; the same object until one is added."""
        if not self._all:
            self._all = tuple(mark for kind in self._kinds.values() for mark in kind.marks)
        return self._all
