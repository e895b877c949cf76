"""The plan: what a run will do and need, measured with a few real steps on this machine."""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx
import msgspec
import psutil

from mlx_backend.dataset.samples import Dataset
from mlx_backend.jobs.memory_ladder import MemoryWay, thriftier
from mlx_backend.library.model_fit import weights_in_memory
from mlx_backend.library.models import BaseModel, list_models
from mlx_backend.library.training_recipes import recipe_of
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models.lora import linear_sizes
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.preparation import Preparation, prepare_another_way, way_at_start
from mlx_backend.training import rate_trial
from mlx_backend.training.evaluating import evaluation_interval
from mlx_backend.training.recall import Recall
from mlx_backend.training.stop_requests import Check, never

_REST_S = 5.0  # for checkpoints, the adapter's files and the like, once in a run


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will do: `minutes` of training in `steps` steps, `peak_bytes` of memory.

    `passes` is how often it sees each sample; below 1, it does not see all of them. `memory_way` is
    how a step saves memory (None in a plan of version 0.1), `way` the same in words for the person,
    and `saves_to_fit` whether it saves more than was asked for, so that the run fits into
    `machine_bytes`. Where it does not fit all the same, `instead` names a base model of the library
    that would; "" where there is none. `choosing` questions choose the best state of the training;
    0 where the held-out loss does.
    """

    notes: int
    samples: int
    held_out: int
    steps: int
    passes: float
    minutes: float
    peak_bytes: int
    machine_bytes: int
    fits: bool
    tokens_per_second: float
    saves_to_fit: bool = False
    way: str = ""
    memory_way: MemoryWay | None = None
    instead: str = ""
    rank: int | None = None
    learning_rate: float | None = None
    choosing: int = 0


@dataclass(frozen=True)
class _Measured:
    """Means over the measured steps.

    step_s: seconds of a step. evaluation_s: seconds of one evaluation of the held-out loss. tokens:
    learned in a step. peak_bytes: the most memory in use.
    """

    step_s: float
    evaluation_s: float
    tokens: float
    peak_bytes: int

    def seconds(self, steps: int, preparation: Preparation) -> float:
        """The seconds of `steps` steps, with the evaluations and the questions for facts."""
        held_out = preparation.held_out.size
        evaluations = steps // evaluation_interval(steps, held_out) + 2
        recall = Recall(preparation.batches, steps).steps_of_all
        return (steps + recall) * self.step_s + evaluations * self.evaluation_s


def plan_what_fits(
    spec: TrainSpec,
    dataset: Dataset,
    preparation: Preparation,
    deadline: float | None,
    check: Check = never,
) -> tuple[RunPlan, Preparation]:
    """The plan that goes fastest among those that fit, and what it was measured with.

    Where nothing fits, the plan that takes the least memory, with `fits` false.
    `deadline` and `check` are those of `make_plan`.
    """
    while True:
        plan = make_plan(spec, dataset, preparation, deadline, check)
        if plan.fits:
            return plan, preparation
        following = thriftier(preparation.way, spec.dropout)
        if following is None:
            instead = _model_that_fits(plan, preparation)
            return msgspec.structs.replace(plan, instead=instead), preparation
        preparation = prepare_another_way(preparation, spec, dataset, following)


def make_plan(
    spec: TrainSpec,
    dataset: Dataset,
    preparation: Preparation,
    deadline: float | None,
    check: Check = never,
) -> RunPlan:
    """Measure real steps and plan as many as the passes make and the time allows.

    How many passes, and which rate, the spec says, or else the model's recipe. The training ends by
    `deadline` (Unix time). The measured steps change no parameter: their learning rate is zero, and
    the optimizer's state is reset. `check` is called before each.
    """
    available = memory_available()
    measured = _measure(preparation, check)
    batches = preparation.batches
    recipe = recipe_of(preparation.loaded.info)
    steps = spec.steps or batches.steps(spec.passes or recipe.passes)
    if deadline is not None:
        left = deadline - time.time() - _REST_S
        # With fewer steps, the held-out loss is evaluated less often, too.
        fitting = bisect.bisect_right(
            range(1, steps + 1), left, key=lambda number: measured.seconds(number, preparation)
        )
        steps = max(1, fitting)
    return RunPlan(
        notes=dataset.notes,
        samples=len(dataset.train),
        held_out=len(dataset.held_out) + len(dataset.choosing),
        steps=steps,
        passes=steps / batches.steps(1),
        minutes=round(measured.seconds(steps, preparation) / 60, 4),
        peak_bytes=measured.peak_bytes,
        machine_bytes=available,
        fits=measured.peak_bytes <= available,
        tokens_per_second=measured.tokens / measured.step_s,
        saves_to_fit=preparation.way != way_at_start(spec),
        way=preparation.way.text,
        memory_way=preparation.way,
        rank=preparation.shape.rank,
        learning_rate=recipe.learning_rate if spec.learning_rate is None else spec.learning_rate,
    )


def planned_rate(plan: RunPlan, spec: TrainSpec) -> float:
    """The peak learning rate of a run; a plan of an earlier version leaves it to the spec."""
    rate = spec.learning_rate if plan.learning_rate is None else plan.learning_rate
    assert rate is not None, "a spec as old as such a plan has a rate"
    return rate


def with_tried_rate(
    plan: RunPlan, spec: TrainSpec, preparation: Preparation, check: Check = never
) -> RunPlan:
    """The plan with the best of the recipe's learning rates, tried for a few steps each.

    The same plan where the person chose a rate, the run is too short for that, or several machines
    train together. The steps of a trial are taken off the plan where its time is limited.
    """
    recipe = recipe_of(preparation.loaded.info)
    is_chosen = spec.learning_rate is not None or preparation.crew is not None
    if is_chosen or not rate_trial.is_worth_it(plan.steps, recipe.rates):
        return plan
    held_out = preparation.held_out.batches
    losses = rate_trial.try_rates(
        preparation.training, preparation.batches, held_out, recipe.rates, check
    )
    is_limited = spec.hours is not None or spec.finish_by is not None
    return msgspec.structs.replace(
        plan,
        learning_rate=rate_trial.best_rate(losses, recipe.learning_rate),
        steps=plan.steps - is_limited * len(losses) * rate_trial.STEPS,
    )


def memory_available() -> int:
    """The memory (bytes) that this process may use, including what it uses already."""
    own = mx.get_active_memory() + mx.get_cache_memory()
    free = psutil.virtual_memory().available + own
    if not has_gpu():
        return int(free)
    gpu = mx.device_info()
    if "free_memory" in gpu:  # a card with memory of its own
        return int(gpu["free_memory"]) + own
    # With more than Metal recommends, a Mac becomes unusably slow before anything fails.
    recommended = gpu.get("max_recommended_working_set_size")
    return int(free) if recommended is None else min(int(free), int(recommended))


def _model_that_fits(plan: RunPlan, preparation: Preparation) -> str:
    """The largest base model of the library with which this training would fit; "" for none.

    A careful estimate: only the weights count as smaller, activations as large as with this model.
    """
    here = preparation.loaded.info
    beside_weights = plan.peak_bytes - _weight_bytes(here)
    fitting = [
        model
        for model in list_models(here.path.parent)
        if model.card.parameters < here.card.parameters
        and beside_weights + _weight_bytes(model) <= plan.machine_bytes
    ]
    largest = max(fitting, key=lambda model: model.card.parameters, default=None)
    return largest.card.name if largest is not None else ""


def _weight_bytes(model: BaseModel) -> int:
    return weights_in_memory(model.card.parameters, model.bytes, has_gpu())


def _measure(preparation: Preparation, check: Check) -> _Measured:
    """Take real steps with the fullest batch of each row length; the others take in proportion."""
    training, batches = preparation.training, preparation.batches
    loads = batches.workloads()
    of_target = _cost_of_a_target(preparation)
    costs = [computed + targets * of_target for _, computed, targets in loads]
    mx.reset_peak_memory()
    seconds = 0.0
    for length in {length for length, _, _ in loads}:
        members = [i for i, load in enumerate(loads) if load[0] == length]
        fullest = max(members, key=lambda i: costs[i])
        spent = _time_of(lambda i=fullest: training(batches[i], rate=0.0), check)  # type: ignore[misc]
        seconds += spent / costs[fullest] * sum(costs[i] for i in members)
    training.reset_optimizer()
    peak = mx.get_peak_memory()
    held_out = (*preparation.held_out.batches, *preparation.held_out.general)
    of_a_batch = _time_of(lambda: training.losses(held_out[0]), check) if held_out else 0.0
    return _Measured(
        step_s=seconds / len(loads),
        evaluation_s=of_a_batch * len(held_out),
        tokens=sum(targets for _, _, targets in loads) / len(loads),
        peak_bytes=max(peak, mx.get_peak_memory()),
    )


def _time_of(work: Callable[[], object], check: Check) -> float:
    """Seconds that the second call takes, when everything is compiled."""
    check()
    work()
    check()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _cost_of_a_target(preparation: Preparation) -> float:
    """The cost of predicting one token (the output head), relative to that of one position."""
    blocks, head = linear_sizes(preparation.loaded.model)
    return head / blocks
