"""The command `overnight plan`: what a run would do."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlx_backend.cli.amounts import counted, duration
from mlx_backend.cli.console import Console
from mlx_backend.cli.run_spec import requested_spec
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.locks import held
from mlx_backend.protocol import TrainSpec

if TYPE_CHECKING:
    from mlx_backend.dataset.samples import Dataset
    from mlx_backend.exam.sizing import Measuring
    from mlx_backend.run.plan import RunPlan

# A plan that was cancelled may take a moment to end.
_LANE_PATIENCE_S = 5.0


def plan(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight plan`: measure a few real training steps, and say what a run would take.

    Raises OvernightError while a run trains, or other work with a model goes on: both would slow
    down, and the measurements would be wrong.
    """
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    library = Library.open()
    spec = requested_spec(library, options, "plan")
    with held(library.lane, _LANE_PATIENCE_S) as alone:
        if not alone:
            raise OvernightError(
                ErrorKind.BUSY,
                "A run is training in this library, or a model is being tried or exported, so the"
                " speed of another run cannot be measured.",
                "Plan when that is done (see `overnight runs`), or start the next run now: it waits"
                " for its turn and makes its own plan.",
            )
        night = _measured(library, spec)
    _tell(night, options, console)
    planned = night.plan
    fields = {name: getattr(planned, name) for name in planned.__struct_fields__}
    return fields | {
        "unstudied": night.unstudied,
        "exam": night.measuring.exam,
        "shares": {name: round(s / 60, 2) for name, s in night.parts().items()},
    }


@dataclass(frozen=True)
class _Night:
    """What a night would do: the `plan` of the whole of it, and the seconds of its parts.

    unstudied: passages that the base model has not studied yet. training_s: of the steps alone.
    """

    plan: RunPlan
    unstudied: int
    study_s: float
    general_s: float
    training_s: float
    measuring: Measuring

    def parts(self) -> dict[str, float]:
        """The seconds of each part, by its name."""
        return {
            "study": self.study_s,
            "general": self.general_s,
            "training": self.training_s,
            "measuring": self.measuring.seconds,
        }


def _measured(library: Library, spec: TrainSpec) -> _Night:
    """Measure what a run would take."""
    import msgspec

    from mlx_backend.dataset.compose import Additions, gather
    from mlx_backend.dataset.planned import planned_dataset
    from mlx_backend.library import database
    from mlx_backend.library.notes import Notes
    from mlx_backend.library.samples import Samples
    from mlx_backend.models.starter import find_base_model
    from mlx_backend.night.deadline import latest_end
    from mlx_backend.night.shares import answering_s
    from mlx_backend.run.study_stage import (
        budget,
        expected_answering,
        expected_writing,
        unstudied,
    )

    model = find_base_model(library, spec.model)
    with database.opened(library.database) as connection:
        material, samples = gather(Notes(connection)), Samples(connection)
        dataset = planned_dataset(samples, material, spec.study, Additions.of(model), spec.seed)
        now = time.time()
        may_take = budget(latest_end(spec, now), now)
        to_study, study_s, general_s = 0, 0.0, 0.0
        if spec.study:
            to_study = unstudied(samples, material, model)
            study_s = expected_writing(samples, material, model, may_take.study)
            general_s = expected_answering(model, answering_s(may_take, study_s))
    planned, measuring = _training(library, spec, dataset, now, study_s + general_s)
    beside_s = study_s + general_s + measuring.seconds
    whole = msgspec.structs.replace(planned, minutes=round(planned.minutes + beside_s / 60, 4))
    return _Night(whole, to_study, study_s, general_s, planned.minutes * 60, measuring)


def _training(
    library: Library, spec: TrainSpec, dataset: Dataset, began: float, study_s: float
) -> tuple[RunPlan, Measuring]:
    """The plan of the training, with the base model as teacher, and what is measured beside it."""
    import msgspec

    from mlx_backend.night.deadline import length_of, training_deadline
    from mlx_backend.night.shares import budget_of, teaching_s
    from mlx_backend.run.assessment import expected_measuring
    from mlx_backend.run.plan import plan_what_fits
    from mlx_backend.run.preparation import expected_targets_s, prepare

    _keep_to_free_cores()
    preparation = prepare(library, spec, dataset)
    budget_s = budget_of(length_of(spec, began)).measuring
    is_base = spec.start_from is None
    measuring = expected_measuring(preparation.loaded, dataset, budget_s, is_base)
    deadline = training_deadline(spec, began, study_s)
    most_s = teaching_s(None if deadline is None else deadline - began)
    taught_s = min(expected_targets_s(preparation, dataset), most_s)
    if deadline is not None:
        deadline -= measuring.seconds + taught_s
    planned, _ = plan_what_fits(spec, dataset, preparation, deadline)
    minutes = planned.minutes + taught_s / 60
    planned = msgspec.structs.replace(planned, minutes=minutes, choosing=measuring.choosing)
    return planned, measuring


def _keep_to_free_cores() -> None:
    """Compute on as many cores as a run that starts now would use."""
    from mlx_backend.machine.accelerator import has_gpu
    from mlx_backend.machine.cores import fix_cores, fixed_cores, free_cores

    if not has_gpu() and not fixed_cores():
        fix_cores(free_cores())


def _tell(night: _Night, options: argparse.Namespace, console: Console) -> None:
    planned, to_study = night.plan, night.unstudied
    about = "about " if to_study else ""
    console.say(
        f"{about.capitalize()}{counted(planned.samples, 'sample')}"
        f" from {counted(planned.notes, 'note')}, {about}{counted(planned.steps, 'step')}:"
        f" about {duration(planned.minutes * 60)} and {planned.peak_bytes / 1e9:.1f} GB of memory."
    )
    console.say(
        f"The adapter has rank {planned.rank}, at a learning rate of {planned.learning_rate:g}."
    )
    if to_study:
        console.say(
            f"{counted(to_study, 'passage')} are not studied yet. The run plans again after"
            " studying them, because the new samples take more steps."
        )
    console.say(_parts(night))
    if options.hours and planned.passes < 1:
        share = max(1, round(planned.passes * 100))
        console.say(
            f"The time is too short for everything: training sees about {share} percent of the"
            " samples."
        )
    if options.hours and planned.steps == 1 and planned.minutes > options.hours * 60:
        console.say("Even one step with its exams takes longer than the time given.")
    if options.steps and planned.steps < options.steps:
        console.say(f"Not all of the {options.steps:,} steps fit into the time.")
    if planned.saves_to_fit:
        console.say(f"So that it fits into memory, it is computed {planned.way}.")
    if not planned.fits:
        console.say("This does not fit into the memory that is free now.")
        if planned.instead:
            console.say(f"With another base model it would fit: --model {planned.instead}")


_PARTS = {
    "study": "for study of the notes",
    "general": "for general answers of the base model",
    "training": "for training",
    "measuring": "for exams",
}


def _parts(night: _Night) -> str:
    """How the time is shared, in a sentence or two."""
    parts = {name: seconds for name, seconds in night.parts().items() if seconds >= 1.0}
    told = ", ".join(f"about {duration(s)} {_PARTS[name]}" for name, s in parts.items())
    asked = counted(night.measuring.exam, "question")
    general = " and no general ones" if not night.measuring.every else ""
    return f"{told[:1].upper()}{told[1:]}: {asked} about your notes{general}, before and after."
