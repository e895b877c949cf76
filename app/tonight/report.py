"""What a finished run reports, read leniently: a field that makes no sense is left out."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class ExamItem(msgspec.Struct, frozen=True):
    """A question that was set aside, what counts as right, and what was answered."""

    question: str
    answers: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    right_before: bool = False
    right_after: bool = False


class NotLearned(msgspec.Struct, frozen=True):
    """A sample whose end, or all of it, was too long to learn."""

    prompt: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report's fields as the window tells them; a run of an older version has few of them."""

    verdict: str = ""
    advice: tuple[str, ...] = ()
    notes: int = 0
    notes_read: int = 0
    passes: float = 1.0
    samples: int = 0
    steps: int = 0
    planned_steps: int = 0
    kept_step: int = 0
    tokens_per_second: float = 0.0
    peak_bytes: int = 0
    watt_hours: float = 0.0
    energy_how: str = ""
    exam_asked: int = 0
    exam_before: int = 0
    exam_after: int = 0
    exam: tuple[ExamItem, ...] = ()
    general_asked: int = 0
    general_before: int = 0
    general_after: int = 0
    perplexity_before: float = 0.0
    perplexity_after: float = 0.0
    style_before: float | None = None
    style_after: float | None = None
    base_valid_loss: float | None = None
    valid_loss: float | None = None
    study_minutes: float = 0.0
    study_written: int = 0
    study_used: int = 0
    study_dropped: dict[str, int] = {}
    recipe: str = ""
    cut: tuple[NotLearned, ...] = ()
    unlearnable: tuple[NotLearned, ...] = ()


def read_report(result: Mapping[str, object]) -> Report:
    """Read what a run gave as its result."""
    kept = {name: value for name, value in result.items() if _fits(name, value)}
    return msgspec.convert(kept, Report)


def _fits(name: str, value: object) -> bool:
    try:
        msgspec.convert({name: value}, Report)
    except msgspec.ValidationError:
        return False
    return name in Report.__struct_fields__
