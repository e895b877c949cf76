"""Tonight's plan in words."""

from __future__ import annotations

from dataclasses import dataclass

from app.jobs.planner import Plan
from app.library.base_models import called
from app.text import amounts
from app.tonight.start_menu import Beginning
from mlx_backend.library.notes import Totals

_ESTIMATE = (
    " This is an estimate: first I write questions about the notes, and how many there are decides"
    " how long it takes."
)


@dataclass(frozen=True)
class Hours:
    """When a run is to begin and to be over: Unix times, None where nothing was chosen.

    `longest` is the length of the night in hours.
    """

    longest: float
    start_at: float | None = None
    finish_by: float | None = None

    def begins(self, now: float) -> float:
        """When it begins, if it does not have to wait for anything else."""
        return max(now, self.start_at or 0.0)

    def ends_at_latest(self, now: float) -> float:
        """When it ends at the latest."""
        end = self.begins(now) + self.longest * 3600
        return end if self.finish_by is None else min(end, self.finish_by)

    def is_enough(self, minutes: float, now: float) -> bool:
        """Whether `minutes` of work fit in."""
        return self.begins(now) + minutes * 60 <= self.ends_at_latest(now)


def plan_sentence(plan: Plan, totals: Totals, start: str = "") -> str:
    """Tonight in one sentence or two; `start` is the name of the adapter that it goes on from."""
    way = f" So that it fits, it works {plan.way}." if plan.saves_to_fit else ""
    return (
        f"Tonight I will {_study(totals, start)}"
        f" That takes {amounts.duration(plan.minutes * 60)}"
        f" and {amounts.size(plan.peak_bytes)} of memory.{way}"
        f"{_ESTIMATE if plan.unstudied else ''}"
    )


def unmeasured_sentence(totals: Totals, start: str = "") -> str:
    """The same for a plan that was not measured."""
    return f"Tonight I will {_study(totals, start)} How long that takes was not measured."


def queue_sentence(totals: Totals, before: str, start: str = "") -> str:
    """The same for a run that waits for others; `before` is the last of them."""
    return f"The next run will {_study(totals, start)} It starts when “{before}” is done."


def _study(totals: Totals, start: str) -> str:
    goes_on = f"go on from “{start}” and " if start else ""
    notes, words = amounts.count(totals.notes, "note"), amounts.count(totals.words, "word")
    return f"{goes_on}study {notes} ({words})."


def replayed(start: Beginning) -> str:
    """What of that which an adapter knows is practised again when a night goes on from it."""
    if start.is_foreign:
        return (
            f"Samples of all your notes are practised. What “{start.name}” learned elsewhere is not"
            " among them, because those notes are not here; some of it may be forgotten."
        )
    less = " What it knows by heart comes less often." if start.is_measured else ""
    return (
        f"Samples of all your notes are practised again, also of those that “{start.name}” has"
        f" learned.{less}"
    )


def schedule(hours: Hours, plan: Plan | None, now: float, queued: bool = False) -> str:
    """When it starts and ends, such as 'Starts at 23:00, done by about 0:10 tomorrow.', in words.

    `plan` tells how long it takes, None where that is not known.
    """
    latest = amounts.moment(hours.ends_at_latest(now), now)
    at = None if hours.start_at is None else amounts.moment(hours.start_at, now)
    if queued:
        starts = f"Starts at {at} at the earliest" if at else "Starts after that"
    else:
        starts = f"Starts at {at}" if at else "Starts now"
    if queued or plan is None:
        if queued and hours.finish_by is None:
            return f"{starts}, and takes {amounts.hours(hours.longest)} at most."
        return f"{starts}, done by {latest} at the latest."
    if not hours.is_enough(plan.minutes, now):
        return f"{starts}, and ends by {latest} with what it has learned until then."
    done = amounts.moment(hours.begins(now) + plan.minutes * 60, now)
    bound = f", and by {latest} at the latest" if plan.unstudied else ""
    return f"{starts}, done by about {done}{bound}."


def warning(plan: Plan) -> str:
    """What to know before starting; "" where all is well."""
    if not plan.fits:
        smaller = f"the base model “{called(plan.instead)}”, which fits," if plan.instead else ""
        return (
            f"This computer may not have {amounts.size(plan.peak_bytes)} of memory free. Close"
            f" other large programs, or choose {smaller or 'a smaller base model'} under Models."
        )
    if plan.passes < 1:
        share = amounts.number(max(1, round(plan.passes * 100)))
        return (
            f"The night is too short for all of it: about {share} percent of your notes will be"
            " learned, once. A longer night is under Settings."
        )
    return ""
