"""The stage that prepares the training: model, batches, what it can before, and the plan."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec

from mlx_backend import protocol
from mlx_backend.dataset.samples import Dataset
from mlx_backend.jobs.memory_ladder import MemoryWay, is_thriftiest, write_computed_way
from mlx_backend.jobs.pace import Pace
from mlx_backend.night.shares import teaching_s
from mlx_backend.run.assessment import Assessment, assess_once
from mlx_backend.run.attempt_way import planned_way
from mlx_backend.run.context import RunContext
from mlx_backend.run.filing_stage import filed_adapter
from mlx_backend.run.memory_check import check_fit, check_room
from mlx_backend.run.plan import RunPlan, plan_what_fits, with_tried_rate
from mlx_backend.run.preparation import Preparation, prepare
from mlx_backend.training.distillation import TargetWork


@dataclass(frozen=True)
class PreparedPlan:
    """What stands ready before the first step; `before` is what the model can by then."""

    plan: RunPlan
    preparation: Preparation
    before: Assessment


class PlanStage:
    """Makes the plan at a run's first start; a resumed run takes as many steps as planned then."""

    def __init__(self, run: RunContext, dataset: Dataset, way: MemoryWay) -> None:
        self._run = run
        self._dataset = dataset
        self._way = way

    def plan(self) -> PreparedPlan:
        """Prepare the training, and tell the plan.

        Raises OvernightError where it does not fit, NoRoomYet where it would if other programs gave
        memory back and the run is to wait for that.
        """
        frozen = self._run.files.plan()
        with self._run.preparing.counted():
            prepared = self._make_plan() if frozen is None else self._prepare_again(frozen)
        self._tell_what_is_not_learned(prepared.preparation)
        return prepared

    def _make_plan(self) -> PreparedPlan:
        run, spec = self._run, self._run.spec
        preparation = self._prepare()
        before = self._assess(preparation)
        deadline = run.deadline(before.again_s + before.choosing_s)
        plan, preparation = plan_what_fits(spec, self._dataset, preparation, deadline, run.check)
        plan = msgspec.structs.replace(plan, choosing=before.choosing)
        check_fit(plan, waits=spec.patience.when_memory_is_short)
        plan = with_tried_rate(plan, spec, preparation, run.check)
        run.files.save_plan(plan)
        write_computed_way(run.folder, preparation.way)
        self._tell(plan)
        return PreparedPlan(plan, preparation, before)

    def _prepare_again(self, plan: RunPlan) -> PreparedPlan:
        run = self._run
        # A way other than the planned one takes less memory, nobody has measured how much.
        is_measured = self._way == planned_way(run, plan)
        if run.spec.patience.when_memory_is_short and is_measured and self._learns_more():
            check_room(plan, could_take_less=not is_thriftiest(self._way, run.spec.dropout))
        preparation = self._prepare()
        self._tell(plan)  # before the assessment, which can take minutes
        return PreparedPlan(plan, preparation, self._assess(preparation))

    def _prepare(self) -> Preparation:
        run = self._run
        work = self._target_work()
        return prepare(run.library, run.spec, self._dataset, self._way, run.crew, work)

    def _target_work(self) -> TargetWork:
        """How soft targets are computed: a teacher's only for what is still to be learned."""
        run, pace = self._run, Pace()
        if not self._learns_more():
            return TargetWork(run.check)

        def on_progress(done: int, total: int) -> None:
            left = pace.remaining(done, total, time.time())
            if left is not None:
                left = min(left, max(0.0, until - time.time()))
            run.folder.append(
                protocol.Progress(
                    done=done,
                    total=total,
                    unit="samples",
                    remaining_s=None if left is None else round(left, 1),
                )
            )

        end = run.deadline(after_training_s=0.0)
        began = time.time() - run.preparing.before_s  # as if without a break
        until = began + teaching_s(None if end is None else end - began)
        return TargetWork(run.check, run.files.targets, until, on_progress)

    def _assess(self, preparation: Preparation) -> Assessment:
        """Measure the model before anything is learned, once in a run."""
        run = self._run
        is_base = run.spec.start_from is None
        return assess_once(
            run.files.before,
            preparation.loaded,
            self._dataset,
            run.budget.measuring,
            is_base,
            run.watch,
        )

    def _learns_more(self) -> bool:
        """Whether steps are still to be taken: everything else hardly needs memory."""
        deadline = self._run.deadline(after_training_s=0.0)
        return not filed_adapter(self._run) and (deadline is None or time.time() < deadline)

    def _tell(self, plan: RunPlan) -> None:
        names = ("notes", "samples", "held_out", "steps", "peak_bytes", "machine_bytes")
        self._run.folder.append(protocol.Planned(**{name: getattr(plan, name) for name in names}))

    def _tell_what_is_not_learned(self, preparation: Preparation) -> None:
        total = len(self._dataset.train)
        if preparation.cut:
            self._run.notice(
                f"{len(preparation.cut)} of {total} samples were longer than the model is trained"
                " on; their ends are not learned."
            )
        if preparation.unlearnable:
            self._run.notice(
                f"{len(preparation.unlearnable)} of {total} samples hold nothing to learn, because"
                " their question alone is too long; the report lists them."
            )
