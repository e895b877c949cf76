"""The first stage of a run: its samples, studied at the first start and frozen for later ones.

What the person took out of training since, or masked, is not learned: where a checkpoint has seen
it, the run begins anew, otherwise it goes on without those samples.
"""

from __future__ import annotations

import sqlite3
from random import SystemRandom

import msgspec

from mlx_backend.dataset.canaries import canary_samples, invented
from mlx_backend.dataset.samples import Dataset, Shown
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.memory_ladder import MemoryWay
from mlx_backend.library import database
from mlx_backend.library.notes import Notes
from mlx_backend.models.starter import find_base_model
from mlx_backend.night.deadline import check_time_is_left, latest_end
from mlx_backend.run.attempt_way import way_of
from mlx_backend.run.context import RunContext
from mlx_backend.run.coverage import known_by_start
from mlx_backend.run.filing_stage import filed_adapter
from mlx_backend.run.kept_private import keeps_private
from mlx_backend.run.preparation import seen_samples
from mlx_backend.run.study_stage import StudyStage
from mlx_backend.run.withdrawn import Withdrawn, find_withdrawn
from mlx_backend.training.checkpoints import looks_before

_MASKED = (
    "What is masked in your notes has changed since this run began. It starts again from the"
    " beginning, so that nothing private is learned."
)
_TAKEN_OUT = (
    "You deleted or left out notes or samples that this run had begun to learn. It starts again"
    " from the beginning, so that nothing of them is learned."
)
_CANARIES = (
    "{} invented sentences with random codes are trained along. With them the privacy page measures"
    " how much the adapter memorises."
)
_NOT_ASKED = "Questions about notes that you deleted or left out are not asked in the exam."


class DatasetStage:
    """Brings the dataset of a run; `way` is how its steps save memory."""

    def __init__(self, run: RunContext, way: MemoryWay) -> None:
        self._run = run
        self._way = way

    def dataset(self) -> Dataset | None:
        """The samples to train on; None when asked to stop during study."""
        with database.opened(self._run.library.database) as connection:
            frozen = self._run.files.dataset()
            dataset = self._still_wanted(frozen, connection) if frozen is not None else None
            if dataset is not None:
                return dataset
            if frozen is not None:
                check_time_is_left(self._run.spec, self._run.began)
            return self._study(connection)

    def _study(self, connection: sqlite3.Connection) -> Dataset | None:
        run = self._run
        stage = StudyStage(run.library, run.folder, run.spec, run.stop_requested)
        dataset = stage.dataset(Notes(connection), latest_end(run.spec, run.began))
        if dataset is not None:
            known_before = known_by_start(run.library, run.spec, connection)
            dataset = msgspec.structs.replace(dataset, known_before=known_before)
            dataset = self._with_canaries(dataset)
            run.files.save_dataset(dataset)
        return dataset

    def _with_canaries(self, dataset: Dataset) -> Dataset:
        """The dataset with the run's canaries, where the person agreed to train some."""
        run = self._run
        if not run.spec.canaries:
            return dataset
        canaries = run.files.canaries()
        if canaries is None:
            canaries = invented(SystemRandom(), run.folder.id)
            run.files.save_canaries(canaries)
            run.notice(_CANARIES.format(len(canaries)))
        reads = find_base_model(run.library, run.spec.model).reads
        samples = canary_samples(canaries, dataset.train, reads, run.spec.seed)
        return msgspec.structs.replace(dataset, canaries=samples)

    def _still_wanted(self, frozen: Dataset, connection: sqlite3.Connection) -> Dataset | None:
        """The frozen samples that may be learned still; None when the run has to begin anew."""
        if filed_adapter(self._run):  # learns no more, but reads passages once more
            withdrawn = find_withdrawn(frozen, connection, self._run.spec.study)
            asked = tuple(sample for sample in frozen.open_book if not withdrawn.covers(sample))
            return msgspec.structs.replace(frozen, open_book=asked)
        if not keeps_private(frozen, connection):
            self._begin_anew(_MASKED)
            return None
        withdrawn = find_withdrawn(frozen, connection, self._run.spec.study)
        if not withdrawn.touches(frozen):
            return frozen
        shown = self._shown(frozen)
        if not withdrawn.indices(frozen.train).isdisjoint(shown.samples):
            self._begin_anew(_TAKEN_OUT)
            return None
        return self._without(withdrawn, frozen, shown)

    def _begin_anew(self, why: str) -> None:
        """Forget what was learned. The samples go last, when they are written again.

        So a run that is killed in between does all of this once more.
        """
        self._run.notice(why)
        self._forget_training()

    def _forget_training(self) -> None:
        """Forget what follows from the samples; the next plan starts from the first way again."""
        self._run.files.forget_training()
        self._run.preparing.forget()
        way_of(self._run)  # which records it before study, because bad ends of that count, too

    def _shown(self, frozen: Dataset) -> Shown:
        """What the run has shown to the model up to its newest checkpoint."""
        run, steps = self._run, self._run.folder.newest_checkpoint() or 0
        if not steps:
            return Shown()
        looks = looks_before(run.folder.checkpoints)
        seen = seen_samples(run.library, run.spec, frozen, self._way, steps, looks)
        return Shown(steps, tuple(sorted(seen.union(frozen.shown.samples))))

    def _without(self, withdrawn: Withdrawn, frozen: Dataset, shown: Shown) -> Dataset:
        """Go on without what was withdrawn, none of which was shown."""
        left = withdrawn.removed_from(frozen, shown)
        if not left.notes:
            raise OvernightError(
                ErrorKind.NO_NOTES,
                "All that this run was to learn was deleted or left out since it began.",
                "Start another run; what was deleted is in the bin.",
            )
        if shown.steps:
            self._run.files.before.unlink(missing_ok=True)  # it asked other questions
        else:
            self._forget_training()
        self._run.files.save_dataset(left)
        self._tell_what_is_left_out(len(frozen.train) - len(left.train), len(frozen.train))
        return left

    def _tell_what_is_left_out(self, number: int, total: int) -> None:
        if not number:  # only samples for the exam or the style were withdrawn
            self._run.notice(_NOT_ASKED)
            return
        self._run.notice(
            f"{number:,} of {total:,} samples are not learned, because you deleted or left out them"
            " or their notes since this run began."
        )
