"""The stage of a run that studies: passage by passage, saved as it goes, within its time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

import msgspec

from mlx_backend.library import drop_reasons
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import Draft, worded
from mlx_backend.library.samples import Samples, StoredSample, Yield, digest
from mlx_backend.models.likelihood import Reading
from mlx_backend.study import choices
from mlx_backend.study.by_model import filters
from mlx_backend.study.by_model.writer import Writer, to_ask
from mlx_backend.study.by_rule import rules
from mlx_backend.study.by_rule.questions import NAMED_KINDS
from mlx_backend.study.by_rule.rules import Told

_NOTES_AT_ONCE = 50
_PASSAGES_AT_ONCE = 8
_STATEMENTS_AT_ONCE = 60
_READ_AT_ONCE = 64
# Below this share of questions kept, a model is too small to write; the rules did it already.
_LEAST_KEPT = 0.04
_TRIED = 160
_FEWEST_SUMMARISED = 3  # statements in a passage
# Log probabilities (nats): of a question's tokens on the mean; and that it ends where it does, also
# by how much it lies below what is usual for the model. About real notes two in three of the
# questions below these were broken off or worse.
_WORST_READING = -6.5
_WORST_END = -4.0
_BELOW_USUAL_END = -3.0


@dataclass(frozen=True)
class Progress:
    """`done` of `total` passages; `kept` samples so far; whether it is the model that writes."""

    done: int
    total: int
    kept: int
    by_model: bool


@dataclass(frozen=True)
class StudyPlan:
    """Until when to study (Unix time; None: as long as it takes), and in which order."""

    deadline: float | None
    seed: int


class Study:
    """Studies all passages of a library that were not studied yet."""

    def __init__(
        self,
        samples: Samples,
        plan: StudyPlan,
        on_progress: Callable[[Progress], object],
        stop_requested: Callable[[], bool],
    ) -> None:
        self._samples = samples
        self._plan = plan
        self._on_progress = on_progress
        self._stop_requested = stop_requested

    def run(self, passages: Sequence[Passage], load_writer: Callable[[], Writer]) -> Yield:
        """Write samples about the passages; what was studied before is not studied again.

        The rules come first and are quick. Then the base model reads what they wrote and writes
        its own, in an order drawn by the seed, so that a short night serves all notes alike.
        """
        self._samples.forget_old((p.note_id, digest(p)) for p in passages)
        told = self.by_rule(passages)
        if not self._is_over():
            self._by_model(passages, told, load_writer)
        return self._samples.yielded()

    def _is_over(self) -> bool:
        deadline = self._plan.deadline
        return self._stop_requested() or (deadline is not None and time.time() >= deadline)

    def by_rule(self, passages: Sequence[Passage]) -> dict[int, list[Told]]:
        """What each passage states, by its id; written about where that was not done yet."""
        notes = [list(group) for _, group in groupby(passages, key=lambda p: p.note_id)]
        choices.carry_over(self._samples, notes)
        done = self._samples.studied(rules.WRITER)
        found: dict[int, list[Told]] = {}
        written: list[tuple[Passage, list[Draft]]] = []
        kept = 0
        for number, note in enumerate(notes):
            for passage, told in zip(note, rules.told_in_note(note), strict=True):
                found[passage.id] = told
                if (passage.note_id, digest(passage)) in done:
                    continue
                drafts = _without_twins(list(rules.write(passage.note_title, told)))
                kept += sum(not draft.dropped for draft in drafts)
                written.append((passage, drafts))
            if number % _NOTES_AT_ONCE == _NOTES_AT_ONCE - 1:
                if written:  # what was there before is no progress
                    self._samples.save(rules.WRITER, written)
                    written = []
                    self._on_progress(Progress(number + 1, len(notes), kept, by_model=False))
                if self._stop_requested():
                    break
        self._samples.save(rules.WRITER, written)
        return found

    def _by_model(
        self,
        passages: Sequence[Passage],
        told: dict[int, list[Told]],
        load_writer: Callable[[], Writer],
    ) -> None:
        writer = load_writer()
        studied = self._samples.studied(writer.name)
        todo = [p for p in passages if told.get(p.id) and (p.note_id, digest(p)) not in studied]
        random.Random(self._plan.seed).shuffle(todo)
        tallies = [_Tally() for _ in _KINDS]
        done = 0
        for group in _groups(todo, told):
            if self._is_over():
                return
            self._study(writer, group, tallies)
            done += len(group.passages)
            kept = sum(tally.kept for tally in tallies)
            self._on_progress(Progress(done, len(todo), kept, by_model=True))

    def _study(self, writer: Writer, group: _Group, tallies: Sequence[_Tally]) -> None:
        there = [self._samples.of_passage(p.note_id, digest(p)) for p in group.passages]
        read = _read_by_model(writer, [s for each in there for s in each], self._is_over)
        if read is None:
            return  # these passages come again
        self._samples.drop(read)
        written: list[list[Draft]] = [[] for _ in group.passages]
        for write, tally in zip(_KINDS, tallies, strict=True):
            if self._is_over():
                return  # these passages come again
            if tally.is_worth_it:
                drafts = write(writer, group)
                tally.add([draft for _, draft in drafts])
                for number, draft in drafts:
                    written[number].append(draft)
        for number, samples in enumerate(there):
            known = [_as_draft(sample) for sample in samples if sample.is_used]
            written[number] = filters.without_repeats(written[number], known)
        self._samples.save(writer.name, zip(group.passages, written, strict=True))


def study_by_rule(samples: Samples, passages: Sequence[Passage]) -> None:
    """Only what needs no model, for who wants to know what there will be to learn."""

    def stop() -> bool:
        return False

    plan = StudyPlan(deadline=0.0, seed=0)
    Study(samples, plan, on_progress=lambda _: None, stop_requested=stop).by_rule(passages)


def _without_twins(drafts: Sequence[Draft]) -> list[Draft]:
    """Of questions that differ in "who" and "what" alone, the first stays until the model chose."""
    seen: set[tuple[str, str]] = set()
    checked = []
    for draft in drafts:
        twin = (_behind_question_word(draft.prompt), draft.quote)
        checked.append(draft.drop(drop_reasons.READS_WORSE) if twin in seen else draft)
        seen.add(twin)
    return checked


def _behind_question_word(prompt: str) -> str:
    first, _, rest = prompt.partition(" ")
    return rest if first in {"Who", "What"} else prompt


def _read_by_model(
    writer: Writer, samples: Sequence[StoredSample], is_over: Callable[[], bool]
) -> list[tuple[int, str]] | None:
    """Which samples are thrown out, and why, "" for those that stay; None once time is over.

    Of twins the one that the model finds likelier stays, and nothing that it finds absurd.
    """
    own = [s for s in samples if s.writer == rules.WRITER and not s.choice]
    weighed: list[Reading] = []
    for first in range(0, len(own), _READ_AT_ONCE):
        if is_over():
            return None
        chosen = own[first : first + _READ_AT_ONCE]
        weighed += writer.weigh([(sample.quote, sample.prompt) for sample in chosen])
    return list(_judged(own, weighed))


def _judged(own: Sequence[StoredSample], weighed: Sequence[Reading]) -> Iterator[tuple[int, str]]:
    best: dict[tuple[str, str], float] = {}
    for sample, reading in zip(own, weighed, strict=True):
        twin = (_behind_question_word(sample.prompt), sample.quote)
        best[twin] = max(reading.mean, best.get(twin, reading.mean))
    usual_end = median(reading.end for reading in weighed) if weighed else 0.0
    worst_end = min(_WORST_END, usual_end + _BELOW_USUAL_END)
    for sample, reading in zip(own, weighed, strict=True):
        twin = (_behind_question_word(sample.prompt), sample.quote)
        worse = drop_reasons.READS_WORSE if reading.mean < best[twin] else ""
        is_broken = sample.kind not in NAMED_KINDS and (
            reading.mean < _WORST_READING or reading.end < worst_end
        )
        yield sample.id, drop_reasons.READS_BADLY if is_broken else worse


@dataclass
class _Tally:
    """How much of a kind the model wrote, and how much of it was kept."""

    tried: int = 0
    kept: int = 0

    @property
    def is_worth_it(self) -> bool:
        return self.tried < _TRIED or self.kept >= self.tried * _LEAST_KEPT

    def add(self, drafts: Sequence[Draft]) -> None:
        self.tried += len(drafts)
        self.kept += sum(not draft.dropped for draft in drafts)


@dataclass(frozen=True)
class _Group:
    """Passages that the model writes about at once, and what each states."""

    passages: Sequence[Passage]
    told: Sequence[Sequence[Told]]

    @property
    def contexts(self) -> list[str]:
        return [f"{p.note_title} {p.heading} {p.text}" for p in self.passages]


def _groups(passages: Sequence[Passage], told: dict[int, list[Told]]) -> Iterator[_Group]:
    """Passages as they are studied at once: what is cut short comes again, so not too much."""
    group: list[Passage] = []
    statements = 0
    for passage in passages:
        stated = len(told[passage.id])
        if group and (len(group) == _PASSAGES_AT_ONCE or statements + stated > _STATEMENTS_AT_ONCE):
            yield _Group(group, [told[each.id] for each in group])
            group, statements = [], 0
        group.append(passage)
        statements += stated
    if group:
        yield _Group(group, [told[each.id] for each in group])


_Written = list[tuple[int, Draft]]  # drafts with the places of their passages in the group


def _questions(writer: Writer, group: _Group) -> _Written:
    asked = [
        (number, each)
        for number, (passage, told) in enumerate(zip(group.passages, group.told, strict=True))
        for each in to_ask(passage.note_title, told)
    ]
    contexts = group.contexts
    drafts = [
        filters.check_wording(draft, contexts[number])
        for (number, _), draft in zip(
            asked, writer.questions([each for _, each in asked]), strict=True
        )
    ]
    numbers = [number for number, _ in asked]
    return list(zip(numbers, _round_trip(writer, drafts), strict=True))


def _round_trip(writer: Writer, drafts: Sequence[Draft]) -> list[Draft]:
    """Ask the model its own questions with the passage's words in view."""
    open_ones = [draft for draft in drafts if not draft.dropped]
    answers = iter(writer.read(open_ones) if open_ones else [])
    return [
        draft if draft.dropped else filters.check_round_trip(draft, next(answers))
        for draft in drafts
    ]


def _restatements(writer: Writer, group: _Group) -> _Written:
    stated = [
        (number, (passage.note_title, each))
        for number, (passage, told) in enumerate(zip(group.passages, group.told, strict=True))
        for each in told
    ]
    drafts = writer.restatements([each for _, each in stated])
    return _borne_out(group, [number for number, _ in stated], drafts)


def _summaries(writer: Writer, group: _Group) -> _Written:
    stated = [
        (number, (passage.topic, told))
        for number, (passage, told) in enumerate(zip(group.passages, group.told, strict=True))
        if len(told) >= _FEWEST_SUMMARISED
    ]
    drafts = writer.summaries([each for _, each in stated])
    return _borne_out(group, [number for number, _ in stated], drafts)


def _borne_out(group: _Group, numbers: Sequence[int], drafts: Sequence[Draft]) -> _Written:
    contexts = group.contexts
    written = []
    for number, draft in zip(numbers, drafts, strict=True):
        checked = filters.check_support(draft, contexts[number])
        answer = worded(group.passages[number].topic, draft.answer)
        written.append((number, msgspec.structs.replace(checked, answer=answer)))
    return written


_KINDS = (_questions, _restatements, _summaries)


def _as_draft(sample: StoredSample) -> Draft:
    return Draft(
        kind=sample.kind,
        prompt=sample.prompt,
        answer=sample.answer,
        key=sample.key,
        quote=sample.quote,
    )
