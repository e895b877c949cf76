"""How the time of a night is shared between its parts.

What one part leaves of its share goes to the training, which has more than half of every night; but
of what study leaves, general answers may take as much again as their own share. A teacher takes its
share of the training's time.
"""

from __future__ import annotations

from dataclasses import dataclass

STUDY = 0.2
"""Most of a run's time for samples about the notes."""

GENERAL = 0.05
"""Most of it for the base model's general answers; up to twice that where study leaves time.

Those that are missing then wait for later runs.
"""

MEASURING = 1 / 6
"""Most of it for exams and general probes, before and after the training and while it goes on."""

RESERVE = 0.05
"""The share that is reserved for loading, checking and saving."""

TEACHING = 0.2
"""Of the time left after study, the most that a teacher may take to say what it finds likely."""

# For a run whose end is given in steps, not in hours.
_UNBOUNDED_STUDY_S, _UNBOUNDED_GENERAL_S, _UNBOUNDED_MEASURING_S = 1200.0, 480.0, 900.0
_UNBOUNDED_TEACHING_S = 900.0


@dataclass(frozen=True)
class Budget:
    """The most seconds that each part of a run may take, and what is reserved."""

    study: float
    general: float
    measuring: float
    reserve: float


def budget_of(seconds: float | None) -> Budget:
    """The budget of a run of so many seconds; None for one that ends after its steps."""
    if seconds is None:
        return Budget(_UNBOUNDED_STUDY_S, _UNBOUNDED_GENERAL_S, _UNBOUNDED_MEASURING_S, 0.0)
    seconds = max(0.0, seconds)
    return Budget(STUDY * seconds, GENERAL * seconds, MEASURING * seconds, RESERVE * seconds)


def answering_s(budget: Budget, study_took: float) -> float:
    """The most seconds that general answers may take after a study of `study_took` seconds."""
    return budget.general + min(budget.general, max(0.0, budget.study - study_took))


def teaching_s(left: float | None) -> float:
    """The most seconds that a teacher may take of those `left` after study; None: of any number."""
    return _UNBOUNDED_TEACHING_S if left is None else TEACHING * max(0.0, left)
