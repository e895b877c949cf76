"""The study stage of a run: it writes samples passage by passage and saves them as it goes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample, Yield, digest
from mlx_backend.study import choices
from mlx_backend.study.by_model import filters
from mlx_backend.study.by_model.group_writing import (
    PassageGroup,
    groups,
    questions,
    restatements,
    summaries,
)
from mlx_backend.study.by_model.screening import screen
from mlx_backend.study.by_model.writer import Writer
from mlx_backend.study.by_rule import rule_writer
from mlx_backend.study.by_rule.rule_writer import QuotedStatement
from mlx_backend.study.by_rule.twins import without_twins

_WRITE = (questions, restatements, summaries)
_NOTES_AT_ONCE = 50
# Below this share of samples kept of the first 160, a model is too small to write that kind.
_LEAST_KEPT = 0.04
_TRIED = 160


@dataclass(frozen=True)
class StudyProgress:
    """`done` of `total` notes (by rule) or passages (`by_model`), and the samples `kept` so far."""

    done: int
    total: int
    kept: int
    by_model: bool


@dataclass(frozen=True)
class StudyPlan:
    """deadline: Unix time in seconds, None for no limit. seed: for the order of the passages."""

    deadline: float | None
    seed: int


class Study:
    """Writes samples about passages, saves them in `samples`, and tells `on_progress`.

    It ends early, between two groups of passages, at the deadline or once `stop_requested`.
    """

    def __init__(
        self,
        samples: Samples,
        plan: StudyPlan,
        on_progress: Callable[[StudyProgress], object],
        stop_requested: Callable[[], bool],
    ) -> None:
        self._samples = samples
        self._plan = plan
        self._on_progress = on_progress
        self._stop_requested = stop_requested

    def run(self, passages: Sequence[Passage], load_writer: Callable[[], Writer]) -> Yield:
        """Write samples about the passages that were not studied before; return what there is.

        The rules come first, because they are quick. Then the base model screens their samples and
        writes its own, in random order, so that a short night serves all notes alike.
        """
        self._samples.forget_old((p.note_id, digest(p)) for p in passages)
        stated = self.by_rule(passages)
        if not self._is_over():
            self._by_model(passages, stated, load_writer)
        return self._samples.yielded()

    def _is_over(self) -> bool:
        deadline = self._plan.deadline
        return self._stop_requested() or (deadline is not None and time.time() >= deadline)

    def by_rule(self, passages: Sequence[Passage]) -> dict[int, list[QuotedStatement]]:
        """Study with the rules alone; return what each passage states, by its id."""
        notes = [list(group) for _, group in groupby(passages, key=lambda p: p.note_id)]
        choices.carry_over(self._samples, notes)
        done = self._samples.studied(rule_writer.WRITER)
        found: dict[int, list[QuotedStatement]] = {}
        written: list[tuple[Passage, list[Draft]]] = []
        kept = 0
        for number, note in enumerate(notes):
            for passage, stated in zip(note, rule_writer.quoted_statements(note), strict=True):
                found[passage.id] = stated
                if (passage.note_id, digest(passage)) in done:
                    continue
                drafts = without_twins(list(rule_writer.write(passage.note_title, stated)))
                kept += sum(not draft.dropped for draft in drafts)
                written.append((passage, drafts))
            if number % _NOTES_AT_ONCE == _NOTES_AT_ONCE - 1:
                if written:  # nothing new is no progress
                    self._samples.save(rule_writer.WRITER, written)
                    written = []
                    self._on_progress(StudyProgress(number + 1, len(notes), kept, by_model=False))
                if self._stop_requested():
                    break
        self._samples.save(rule_writer.WRITER, written)
        return found

    def _by_model(
        self,
        passages: Sequence[Passage],
        stated: dict[int, list[QuotedStatement]],
        load_writer: Callable[[], Writer],
    ) -> None:
        writer = load_writer()
        studied = self._samples.studied(writer.name)
        todo = [p for p in passages if stated.get(p.id) and (p.note_id, digest(p)) not in studied]
        random.Random(self._plan.seed).shuffle(todo)
        tallies = [_Tally() for _ in _WRITE]
        done = 0
        for group in groups(todo, stated):
            if self._is_over():
                return
            self._study(writer, group, tallies)
            done += len(group.passages)
            kept = self._samples.yielded().used  # those of the rules, too
            self._on_progress(StudyProgress(done, len(todo), kept, by_model=True))

    def _study(self, writer: Writer, group: PassageGroup, tallies: Sequence[_Tally]) -> None:
        there = [self._samples.of_passage(p.note_id, digest(p)) for p in group.passages]
        read = screen(writer, [s for each in there for s in each], self._is_over)
        if read is None:
            return  # a later run studies these passages
        self._samples.drop(read)
        written: list[list[Draft]] = [[] for _ in group.passages]
        for write, tally in zip(_WRITE, tallies, strict=True):
            if self._is_over():
                return  # a later run studies these passages
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
    """Study with the rules alone, which need no model: a plan needs to know what they find."""

    def stop() -> bool:
        return False

    plan = StudyPlan(deadline=0.0, seed=0)
    Study(samples, plan, on_progress=lambda _: None, stop_requested=stop).by_rule(passages)


@dataclass
class _Tally:
    """How many samples of a kind the model tried to write, and how many of them were kept."""

    tried: int = 0
    kept: int = 0

    @property
    def is_worth_it(self) -> bool:
        return self.tried < _TRIED or self.kept >= self.tried * _LEAST_KEPT

    def add(self, drafts: Sequence[Draft]) -> None:
        self.tried += len(drafts)
        self.kept += sum(not draft.dropped for draft in drafts)


def _as_draft(sample: StoredSample) -> Draft:
    return Draft(
        kind=sample.kind,
        prompt=sample.prompt,
        answer=sample.answer,
        key=sample.key,
        quote=sample.quote,
    )
