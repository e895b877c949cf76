"""A run from notes to a filed adapter, stage by stage; each stage can be resumed."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx

from mlx_backend.dataset.samples import Dataset
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.exam.questions import count_right, exam_questions
from mlx_backend.exam.sizing import FEWEST_FOR_CHOOSING
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.memory_wait import NoRoomYet
from mlx_backend.library.home import Library
from mlx_backend.locks import held
from mlx_backend.models.inference import ChatModel
from mlx_backend.night.deadline import check_time_is_left
from mlx_backend.night.overtime import keep_time_granted, with_time_granted
from mlx_backend.protocol import TrainingEnd, TrainSpec
from mlx_backend.protocol.report import FiledAdapter, RunReport
from mlx_backend.run.assessment import Assessment, assess_again, judged_meanings
from mlx_backend.run.attempt_way import way_of
from mlx_backend.run.context import RunContext
from mlx_backend.run.coverage import coverage_report
from mlx_backend.run.dataset_stage import DatasetStage
from mlx_backend.run.filing_stage import FiledCard, FilingStage, filed_adapter
from mlx_backend.run.plan import planned_rate
from mlx_backend.run.plan_stage import PlanStage, PreparedPlan
from mlx_backend.run.preparation import check_base_model, check_embeddings
from mlx_backend.run.preparing_clock import PreparingClock
from mlx_backend.run.reporting import (
    exam_scores,
    general_scores,
    how_it_was_adapted,
    judged,
    open_book_scores,
    study_report,
    style_losses,
    what_it_took,
    what_was_left_out,
    why_it_ended,
)
from mlx_backend.run.study_stage import studied_before
from mlx_backend.training.checkpoints import TrainingState
from mlx_backend.training.choosing import Choosing
from mlx_backend.training.hosts.crew import Crew
from mlx_backend.training.looks import Look
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from mlx_backend.training.stop_requests import StoppedEarly

_LANE_PATIENCE_S = 2.0
_LONGEST_ANSWER = 64  # tokens of what the model says to the run's prompt at a checkpoint


class TrainingRun:
    """One attempt at a run, on this machine or together with a crew of others."""

    def __init__(
        self, library: Library, folder: JobFolder, spec: TrainSpec, crew: Crew | None = None
    ) -> None:
        self._library = library
        self._folder = folder
        self._spec = spec
        self._crew = crew
        self._began = time.time()
        self._studied_s = studied_before(folder).seconds
        self._preparing = PreparingClock(folder)

    def run(self, stop_requested: Callable[[], bool]) -> dict[str, object] | None:
        """Work until done; returns the result, or None when stopped before.

        Raises OvernightError: another run holds the lane, no notes, a damaged model, no memory.
        """
        with held(self._library.lane, _LANE_PATIENCE_S) as is_alone:
            if not is_alone:
                raise OvernightError(
                    ErrorKind.BUSY,
                    "Another run is training with this library.",
                    "Wait until it is done, or stop it: `overnight runs`, `overnight stop RUN`.",
                )
            run = self._context(stop_requested)
            try:
                return _Stages(run).work()
            except StoppedEarly:
                run.dismiss_crew()
                return None
            except NoRoomYet:
                run.dismiss_crew()
                keep_time_granted(self._folder)
                raise

    def _context(self, stop_requested: Callable[[], bool]) -> RunContext:
        return RunContext(
            library=self._library,
            folder=self._folder,
            spec=with_time_granted(self._folder, self._spec),
            crew=self._crew,
            began=self._began,
            studied_s=self._studied_s,
            preparing=self._preparing,
            stop_requested=stop_requested,
        )


@dataclass(frozen=True)
class _Trained:
    """How a training ended: its state, why it ended, and which facts the model knew then."""

    state: TrainingState
    end: TrainingEnd
    coverage: Look


class _Stages:
    """The stages of a run, in the order of the night."""

    def __init__(self, run: RunContext) -> None:
        self._run = run

    def work(self) -> dict[str, object] | None:
        run = self._run
        if not run.folder.newest_checkpoint():  # what was learned is filed, even after the time
            check_time_is_left(run.spec, run.began)
        check_base_model(run.library, run.spec.model)
        check_embeddings(run.library, run.spec)
        dataset = DatasetStage(run, way_of(run)).dataset()
        if dataset is None:
            return None
        run.begin_stage("preparing")
        run.files.keep_to_cores()
        prepared = PlanStage(run, dataset, way_of(run)).plan()
        trained = self._train(prepared, dataset)
        if trained.end is TrainingEnd.STOPPED:
            return None
        run.begin_stage("saving")
        filing = FilingStage(run, dataset, prepared.preparation)
        filed = filing.file(trained.state, trained.coverage)
        run.files.forget_targets()
        run.begin_stage("checking")
        run.tell_remaining(prepared.before.again_s)
        after = assess_again(prepared.preparation.loaded, dataset, prepared.before, run.watch)
        filed = filing.with_open_book(filed, prepared.before, after)
        return self._report(dataset, prepared, filed, trained, after)

    def _train(self, prepared: PreparedPlan, dataset: Dataset) -> _Trained:
        run, plan = self._run, prepared.plan
        loop = self._loop(prepared, dataset)
        run.begin_stage("training")
        mx.reset_peak_memory()
        end = loop.run(run.stop_requested)
        run.dismiss_crew()
        if end is not TrainingEnd.STOPPED:
            for text in why_it_ended(end, loop.state, plan.steps):
                run.notice(text)
        return _Trained(loop.state, end, loop.coverage)

    def _loop(self, prepared: PreparedPlan, dataset: Dataset) -> TrainingLoop:
        """The training loop, at the step of the last checkpoint."""
        run, preparation = self._run, prepared.preparation
        loop = TrainingLoop(
            preparation.training,
            preparation.batches,
            preparation.held_out,
            self._loop_plan(prepared, dataset),
            run.folder.append,
        )
        # Measuring the plan drew random numbers. A run that is cut short before its first
        # checkpoint does not measure again, and must end with the same adapter.
        mx.random.seed(run.spec.seed)
        if loop.resume():
            run.notice("Continuing from the last checkpoint.")
        return loop

    def _loop_plan(self, prepared: PreparedPlan, dataset: Dataset) -> LoopPlan:
        run, spec, before = self._run, self._run.spec, prepared.before
        # Two of the four rounds of choosing come after the last step.
        deadline = run.deadline(before.again_s + before.choosing_s / 2)
        if filed_adapter(run):  # what is filed learns no more
            deadline = 0.0
        return LoopPlan(
            steps=prepared.plan.steps,
            learning_rate=planned_rate(prepared.plan, spec),
            checkpoint_every=spec.checkpoint_every,
            checkpoints=run.folder.checkpoints,
            deadline=deadline,
            prompt=spec.prompt,
            ask=functools.partial(_ask, ChatModel(prepared.preparation.loaded)),
            choosing=self._choosing(prepared, dataset),
        )

    def _choosing(self, prepared: PreparedPlan, dataset: Dataset) -> Choosing | None:
        """The questions by which the best state is chosen; None where the loss chooses."""
        questions = exam_questions(dataset.choosing)[: prepared.plan.choosing]
        if len(questions) < FEWEST_FOR_CHOOSING:
            return None
        chat = ChatModel(prepared.preparation.loaded)
        return Choosing(
            len(questions), functools.partial(count_right, chat, questions, self._run.check)
        )

    def _report(
        self,
        dataset: Dataset,
        prepared: PreparedPlan,
        filed: FiledCard,
        trained: _Trained,
        after: Assessment,
    ) -> dict[str, object]:
        """Write the report of what was measured before and `after` the training."""
        run, preparation, card = self._run, prepared.preparation, filed.card
        before, loaded, state = prepared.before, preparation.loaded, trained.state
        meanings = judged_meanings(loaded, dataset, before, after, run.watch)
        path = str(run.library.adapters / card.name)
        report = RunReport(
            filed=FiledAdapter(run=run.folder.id, path=path, adapter=card.name),
            training=what_it_took(card, prepared.plan, state, trained.end),
            adaptation=how_it_was_adapted(card, planned_rate(prepared.plan, run.spec), state),
            left_out=what_was_left_out(dataset, preparation),
            exam=exam_scores(before, after, dataset, meanings),
            open_book=open_book_scores(card),
            style=style_losses(before, after),
            general=general_scores(before, after),
            study=study_report(studied_before(run.folder)),
            coverage=coverage_report(filed.facts),
        )
        fields = judged(report).fields()
        return fields | {"report": str(run.folder.write_report(fields))}


def _ask(chat: ChatModel, prompt: str) -> str:
    (text,) = chat.answer_all([prompt], _LONGEST_ANSWER)
    return text
