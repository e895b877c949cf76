"""The report of a run: what it achieved and what that took.

A report has parts. On disk, in the finished event and in `train --json`, the fields of all parts
stand side by side in one object, whose names are a contract; see `RunReport.fields`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import Struct, field

from mlx_backend.protocol.chance import may_be_chance

_P = TypeVar("_P", bound="ReportPart")


MOST_FORGOTTEN = 0.02
"""The share of the general questions that may be lost; a smaller difference is chance."""

MOST_PERPLEXITY = 1.05
"""How many times as high as before the perplexity of general text may be."""


class TrainingEnd(StrEnum):
    """Why a training ended."""

    STOPPED = "stopped"
    ALL_STEPS = "all steps"
    NO_GAIN = "no gain"
    NO_TIME = "no time"
    TOO_FAR = "too far"


class OpenBookWords(StrEnum):
    """Who words the answers from passages."""

    ADAPTER = "adapter"
    BOTH = "base where the adapter declines"
    BASE = "base"


class NotLearned(Struct, frozen=True, kw_only=True):
    """A sample of which the end, or all of it, was too long to learn; `note` is its note's id."""

    note: int = 0
    prompt: str


class HeldOutNote(Struct, frozen=True, kw_only=True):
    """The held-out loss (nats per target token) of one note, before and after the training."""

    note: int
    before: float | None = None
    after: float | None = None


class ExamItem(Struct, frozen=True, kw_only=True):
    """A held-out question, which answers are right, and what the model answered.

    by_words: whether the answer has the right words, before and after; by_meaning: whether it says
    the same as the notes, as the base model judges; None where that was not judged. Long answers
    are right by their meaning where it was judged, all others by their words. by_other: whether its
    fact was trained in another writer's wordings alone (rules or model).
    """

    question: str
    answers: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    right_before: bool = False
    right_after: bool = False
    by_words_before: bool | None = None
    by_words_after: bool | None = None
    by_meaning_before: bool | None = None
    by_meaning_after: bool | None = None
    by_other: bool | None = None


class ReportPart(Struct, frozen=True, kw_only=True):
    """A part of the report. Every field has a default: earlier versions wrote fewer."""

    def fields(self) -> dict[str, object]:
        """The part's fields as they are written, by the names that they have there."""
        told: dict[str, object] = msgspec.to_builtins(self)
        return told


class FiledAdapter(ReportPart, frozen=True, kw_only=True):
    """Which run made which adapter; `path` is the adapter's folder, `report` this report's file."""

    run: str = ""
    path: str = ""
    adapter: str = ""
    report: str = ""

    def fields(self) -> dict[str, object]:
        """Without `report` where there is none: the file itself does not name its own place."""
        told = super().fields()
        if not self.report:
            del told["report"]
        return told


class TrainingReport(ReportPart, frozen=True, kw_only=True):
    """What was trained: notes, samples, steps, losses, speed, memory.

    valid_loss, base_valid_loss: nats per target token. train_loss: the mean of the last steps'
    `StepDone.loss`, whose targets are weighted, soft ones of a temperature T with T squared.
    ended: None where the report does not tell. passes: over all samples.
    kept_step: the step whose parameters were kept. skipped_steps: batches whose loss or gradient
    was not a number.
    """

    notes: int = 0
    samples: int = 0
    steps: int = 0
    train_loss: float = 0.0
    valid_loss: float | None = None
    base_valid_loss: float | None = None
    tokens: int = 0
    tokens_per_second: float = 0.0
    peak_bytes: int = 0
    minutes: float = 0.0
    planned_minutes: float = 0.0
    planned_steps: int = 0
    ended: TrainingEnd | None = None
    passes: float = 1.0
    planned_bytes: int = 0
    kept_step: int = 0
    skipped_steps: int = 0
    held_out: tuple[HeldOutNote, ...] = ()


class AdaptationReport(ReportPart, frozen=True, kw_only=True):
    """How the adapter was trained: its rank and the peak learning rate; 0 where not told.

    divergence: KL divergence (nats per token) to the base model on general prompts afterwards, None
    where it was not measured.
    """

    rank: int = 0
    learning_rate: float = 0.0
    divergence: float | None = None

    def fields(self) -> dict[str, object]:
        """No fields where the report does not tell."""
        return super().fields() if self.rank else {}


class LeftOut(ReportPart, frozen=True, kw_only=True):
    """How many notes were read, and the samples that were cut short or not learned at all."""

    notes_read: int = 0
    cut: tuple[NotLearned, ...] = ()
    unlearnable: tuple[NotLearned, ...] = ()


class ExamScores(ReportPart, frozen=True, kw_only=True):
    """How many held-out questions about the notes were asked and answered right; each of them.

    set_aside: how many there were; where time was short, not all are asked. by_words, by_meaning:
    answers that are right by their words alone, or as the base model judges; None where not marked.
    """

    asked: int = field(default=0, name="exam_asked")
    before: int = field(default=0, name="exam_before")
    after: int = field(default=0, name="exam_after")
    items: tuple[ExamItem, ...] = field(default=(), name="exam")
    set_aside: int | None = field(default=None, name="exam_set_aside")
    by_words_before: int | None = field(default=None, name="exam_by_words_before")
    by_words_after: int | None = field(default=None, name="exam_by_words_after")
    by_meaning_before: int | None = field(default=None, name="exam_by_meaning_before")
    by_meaning_after: int | None = field(default=None, name="exam_by_meaning_after")

    def fields(self) -> dict[str, object]:
        """Without what was not measured, which earlier versions did not know of."""
        told = _told(super().fields(), _LATER_SCORES)
        items: list[dict[str, object]] = [msgspec.to_builtins(item) for item in self.items]
        return told | {"exam": [_told(item, _LATER_ITEM) for item in items]}

    @property
    def not_asked(self) -> int:
        """How many of the questions that were set aside there was no time to ask."""
        return max(0, (self.set_aside or 0) - self.asked)

    @property
    def gained(self) -> int:
        """The questions that are answered right now, but were not before."""
        return sum(item.right_after and not item.right_before for item in self.items)

    @property
    def lost(self) -> int:
        """The questions that were answered right before, but are not now."""
        return sum(item.right_before and not item.right_after for item in self.items)

    @property
    def may_be_chance(self) -> bool:
        """Whether chance alone may bring the difference between before and after.

        By each question, or roughly by the counts where the report does not have all questions.
        """
        if self.items and self.gained - self.lost == self.after - self.before:
            return may_be_chance(self.gained, self.lost)
        return (self.after - self.before) ** 2 <= self.after + self.before


_LATER_ITEM = frozenset(
    {"by_words_before", "by_words_after", "by_meaning_before", "by_meaning_after", "by_other"}
)
_LATER_SCORES = frozenset({"exam_set_aside", *(f"exam_{name}" for name in _LATER_ITEM)})
_LATER_GENERAL = frozenset({"general_gained", "general_lost"})


def _told(fields: dict[str, object], later: frozenset[str]) -> dict[str, object]:
    """Fields without those of `later` that have no value."""
    return {n: value for n, value in fields.items() if n not in later or value is not None}


class StyleLosses(ReportPart, frozen=True, kw_only=True):
    """The loss (nats per token) on the person's own writing; None where there was none to test."""

    before: float | None = field(default=None, name="style_before")
    after: float | None = field(default=None, name="style_after")


class OpenBookScores(ReportPart, frozen=True, kw_only=True):
    """How a reader answers held-out questions from passages, before and after the training.

    told, untold: questions asked with the right passage among others, and without it. right_before,
    right_after: of the former, how many answers are right. declined_before, declined_after: of the
    latter, how many were declined.
    """

    told: int = field(default=0, name="open_book_told")
    untold: int = field(default=0, name="open_book_untold")
    right_before: int = field(default=0, name="open_book_right_before")
    right_after: int = field(default=0, name="open_book_right_after")
    declined_before: int = field(default=0, name="open_book_declined_before")
    declined_after: int = field(default=0, name="open_book_declined_after")
    words: OpenBookWords = field(default=OpenBookWords.ADAPTER, name="open_book_words")

    def fields(self) -> dict[str, object]:
        """No fields where nothing was asked."""
        return super().fields() if self.told or self.untold else {}


class GeneralScores(ReportPart, frozen=True, kw_only=True):
    """What was kept of what the base model knew: general questions, perplexity of general text.

    gained, lost: questions that were answered right only after, or only before; None where that is
    not known.
    """

    asked: int = field(default=0, name="general_asked")
    before: int = field(default=0, name="general_before")
    after: int = field(default=0, name="general_after")
    perplexity_before: float = 0.0
    perplexity_after: float = 0.0
    gained: int | None = field(default=None, name="general_gained")
    lost: int | None = field(default=None, name="general_lost")

    @property
    def may_be_chance(self) -> bool:
        """Whether chance alone may bring the difference; False where that is not known."""
        if self.gained is None or self.lost is None:
            return False
        return may_be_chance(self.gained, self.lost)

    def fields(self) -> dict[str, object]:
        """No fields where nothing was asked, and none of what is not known."""
        return _told(super().fields(), _LATER_GENERAL) if self.asked else {}


class StudyReport(ReportPart, frozen=True, kw_only=True):
    """Samples that study wrote, how many it kept, and how many each filter dropped.

    `recipe` says in words what the samples teach; "" in a run without study.
    """

    minutes: float = field(default=0.0, name="study_minutes")
    written: int = field(default=0, name="study_written")
    used: int = field(default=0, name="study_used")
    dropped: dict[str, int] = field(default_factory=dict, name="study_dropped")
    recipe: str = ""


class Coverage(ReportPart, frozen=True, kw_only=True):
    """How many facts of the notes were trained, and how many of them the adapter knows by heart.

    asked: of how many that was found out; in a short night not of all. both_ways: of how many
    different parts were asked for in the training.
    """

    facts: int = 0
    asked: int = field(default=0, name="facts_asked")
    known: int = field(default=0, name="facts_known")
    both_ways: int = field(default=0, name="facts_both_ways")

    def fields(self) -> dict[str, object]:
        """No fields where no facts were taught, as in a run without study."""
        return super().fields() if self.facts else {}


class Judgement(ReportPart, frozen=True, kw_only=True):
    """Whether the training helped, in a sentence, and what to do next, in some more."""

    verdict: str = ""
    advice: tuple[str, ...] = ()


class EnergyReport(ReportPart, frozen=True, kw_only=True):
    """The energy (Wh) that the run used, and how that is known; "" where it was not measured."""

    watt_hours: float = 0.0
    how: str = field(default="", name="energy_how")

    def fields(self) -> dict[str, object]:
        """No fields where nothing was measured."""
        return super().fields() if self.how else {}


class RunReport(Struct, frozen=True, kw_only=True):
    """All that a run reports."""

    filed: FiledAdapter = FiledAdapter()
    training: TrainingReport = TrainingReport()
    adaptation: AdaptationReport = AdaptationReport()
    left_out: LeftOut = LeftOut()
    exam: ExamScores = ExamScores()
    open_book: OpenBookScores = OpenBookScores()
    style: StyleLosses = StyleLosses()
    general: GeneralScores = GeneralScores()
    study: StudyReport = field(default_factory=StudyReport)
    coverage: Coverage = Coverage()
    judgement: Judgement = Judgement()
    energy: EnergyReport = EnergyReport()

    def fields(self) -> dict[str, object]:
        """The fields of all parts side by side: what report.json and `train --json` hold."""
        told: dict[str, object] = {}
        for name in self.__struct_fields__:
            told |= getattr(self, name).fields()
        return told


def read_report(fields: Mapping[str, object]) -> RunReport:
    """Read a report that any version wrote: what makes no sense or is not known is left out."""
    parts = {part.name: _read(part.type, fields) for part in msgspec.structs.fields(RunReport)}
    return RunReport(**parts)


def _read(kind: type[_P], fields: Mapping[str, object]) -> _P:
    names = [part.encode_name for part in msgspec.structs.fields(kind)]
    kept = {name: fields[name] for name in names if name in fields}
    return msgspec.convert({n: v for n, v in kept.items() if _fits(kind, n, v)}, kind)


def _fits(kind: type[ReportPart], name: str, value: object) -> bool:
    try:
        msgspec.convert({name: value}, kind)
    except msgspec.ValidationError:
        return False
    return True
