"""The study of a model that reads: it writes samples genre by genre, and saves them as it goes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample, Yield, digest
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.study import choices
from mlx_backend.study.by_model.reader import checks
from mlx_backend.study.by_model.reader.genres import ALL, ROUNDS, Genre
from mlx_backend.study.by_model.reader.group_writing import About, written_about
from mlx_backend.study.by_model.reader.reader import Reader, StopAskedError
from mlx_backend.study.by_model.reader.subjects import Subjects
from mlx_backend.study.by_model.reader.views import PointedTo, Views
from mlx_backend.study.study import StudyPlan, StudyProgress

PASSAGES_AT_ONCE = 4
"""Passages of a group: what a night loses when it is killed. Each has up to eight sentences, which
make a batch of all that a machine computes about as fast as one."""


@dataclass(frozen=True)
class _Task:
    """A group of passages, and the genres to write about them."""

    passages: Sequence[Passage]
    genres: Sequence[Genre]


class ReaderStudy:
    """Writes samples about passages, saves them in `samples`, and tells `on_progress`.

    It ends early, between two groups of passages, at the deadline; once `stop_requested` at once.
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
        self._kept = 0

    def run(self, passages: Sequence[Passage], loaded: LoadedModel, pointed_to: PointedTo) -> Yield:
        """Write what was not written before about the passages; return what there is by the model.

        Each round of genres goes over all passages, in random order, before the next begins, so
        that a short night serves all notes alike. A first group is written even past the deadline,
        where there is none yet.
        """
        reader = Reader(loaded, self._stop_requested)
        self._samples.forget_old((p.note_id, digest(p)) for p in passages)
        choices.carry_over(
            self._samples, [list(note) for _, note in groupby(passages, key=lambda p: p.note_id)]
        )
        about = About(Views(passages, pointed_to, self._plan.seed), Subjects(passages))
        tasks, begun = self._tasks(passages, reader.name)
        visits, done = sum(len(task.passages) for task in tasks), 0
        total = len({p.id for task in tasks for p in task.passages})
        for task in tasks:
            if self._stop_requested() or (begun and self._is_late()):
                break
            try:
                self._write(reader, task, about)
            except StopAskedError:
                break
            begun = True
            done += len(task.passages)
            self._on_progress(
                StudyProgress(done * total // visits, total, self._kept, by_model=True)
            )
        return self._samples.yielded(reader.name)

    def _is_late(self) -> bool:
        return self._plan.deadline is not None and time.time() >= self._plan.deadline

    def _tasks(self, passages: Sequence[Passage], writer: str) -> tuple[list[_Task], bool]:
        """What is left to write, in order; and whether anything was written before."""
        done = self._samples.genres_studied(writer)
        order = list(passages)
        random.Random(self._plan.seed).shuffle(order)
        tasks = [task for genres in ROUNDS for task in _groups(order, genres, done)]
        begun = any(done.get((p.note_id, digest(p))) for p in passages)
        return tasks, begun

    def _write(self, reader: Reader, task: _Task, about: About) -> None:
        """Write about a group in all genres of a task, and save it."""
        written = written_about(reader, task.genres, task.passages, about)
        names = [genre.name for genre in task.genres]
        for i, passage in enumerate(task.passages):
            there = self._samples.of_passage(passage.note_id, digest(passage))
            known = [_as_draft(s) for s in there if _stays(s, reader.name, names)]
            written[i] = checks.without_repeats(written[i], known)
        self._kept += sum(not draft.dropped for drafts in written for draft in drafts)
        self._samples.save(reader.name, zip(task.passages, written, strict=True), names)


def passages_to_study(samples: Samples, passages: Sequence[Passage], writer: str) -> int:
    """How many passages a reader has yet to write about in some genre."""
    done = samples.genres_studied(writer)
    return sum(not ALL.keys() <= done.get((p.note_id, digest(p)), frozenset()) for p in passages)


def _groups(
    order: Sequence[Passage],
    genres: Sequence[Genre],
    done: dict[tuple[int, bytes], frozenset[str]],
) -> Iterator[_Task]:
    names = {genre.name for genre in genres}
    todo = [p for p in order if not names <= done.get((p.note_id, digest(p)), frozenset())]
    for start in range(0, len(todo), PASSAGES_AT_ONCE):
        yield _Task(todo[start : start + PASSAGES_AT_ONCE], genres)


def _stays(sample: StoredSample, writer: str, genres: Sequence[str]) -> bool:
    """Whether a used sample is the writer's, and not replaced by what it writes in `genres`."""
    is_replaced = not sample.choice and (sample.kind in genres or sample.kind not in ALL)
    return sample.is_used and sample.writer == writer and not is_replaced


def _as_draft(sample: StoredSample) -> Draft:
    return Draft(
        kind=sample.kind,
        prompt=sample.prompt,
        answer=sample.answer,
        key=sample.key,
        quote=sample.quote,
    )
