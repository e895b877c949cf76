"""A trial of a model before it is adopted, in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mlx_backend.adoption.trial import messages, stages
from mlx_backend.adoption.trial.memory import limit_for, weights_in_memory
from mlx_backend.adoption.trial.reading_exam import questions
from mlx_backend.adoption.trial.stages import TRIAL_STAGES, Extent
from mlx_backend.adoption.trial.watched import (
    STANDARD,
    Assignment,
    Progress,
    TrialLimits,
    WatchedProcess,
    refusal,
)
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.pace import Pace
from mlx_backend.library.abilities import Abilities
from mlx_backend.training.trial import keep_trial

_MODULE = "mlx_backend.adoption.trial.process"

OnProgress = Callable[[int, int, float | None], object]
"""Gets the numbers of steps done and in all, and the seconds left, where they can be estimated."""


def try_model(
    candidate: Path,
    name: str,
    on_progress: OnProgress,
    stop_requested: Callable[[], bool],
    limits: TrialLimits = STANDARD,
) -> Abilities:
    """Try the model in the folder `candidate`, to be called `name`; returns what it can.

    The folder holds weights in MLX's or Hugging Face's form, config.json and tokenizer.json. What
    the trial tells of training is written beside them. Raises OvernightError with a sentence that
    says what was tried and how it failed (NO_MEMORY where it may pass on another day), and
    StoppedEarly once `stop_requested` returns true.
    """
    weights = _weights(candidate, name)
    progress = Progress(_Steps(on_progress).take)
    with _process(candidate, name, weights, limits) as process:
        passed = process.outcome(progress, stop_requested)
    if not isinstance(passed, messages.Passed):
        raise refusal(name, passed, progress.stage)
    keep_trial(candidate, passed.training, passed.abilities.tried_with)
    return passed.abilities


def try_tokenizer(
    folder: Path,
    name: str,
    stop_requested: Callable[[], bool],
    limits: TrialLimits = STANDARD,
) -> None:
    """Try the tokenizer and the chat template in `folder`, which need no weights.

    Raises OvernightError and StoppedEarly as `try_model` does.
    """
    progress = Progress(lambda _: None)
    with _process(folder, name, None, limits) as process:
        found = process.outcome(progress, stop_requested)
    if not isinstance(found, messages.Readable):
        raise refusal(name, found, progress.stage)


class _Steps:
    """Counts stages and questions of the exam as steps. How long the exam takes, its pace tells."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._before = 0
        self._pace = Pace()

    def take(self, reply: messages.Began | messages.Asked) -> None:
        asked, left = 0, None
        if isinstance(reply, messages.Began):
            self._before = TRIAL_STAGES.index(stages.STAGES[reply.stage])
        else:
            asked = min(reply.done, len(questions()))
        if self._before == len(TRIAL_STAGES) - 1:
            left = self._pace.remaining(asked, len(questions()), time.time())
        self._on_progress(self._before + asked, len(TRIAL_STAGES) - 1 + len(questions()), left)


def _process(folder: Path, name: str, weights: int | None, limits: TrialLimits) -> WatchedProcess:
    """The process of a trial. weights: bytes they will take; None: they are not there yet."""
    extent: Extent = "all" if weights is not None else "tokenizer"
    known = weights or 0
    return WatchedProcess(
        Assignment(_MODULE, folder, name, known, limit_for(known), (extent,)), limits
    )


def _weights(candidate: Path, name: str) -> int:
    """The bytes that its weights will take. Raises OvernightError where they do not fit."""
    try:
        weights = weights_in_memory(candidate)
    except (OSError, ValueError, RecursionError) as error:
        reason = "its files are not what they say"
        refused = messages.Refused(reason=reason, detail=str(error))
        raise refusal(name, refused, stages.WEIGHTS) from error
    room = limit_for(weights)
    if weights > room:
        raise OvernightError(
            ErrorKind.NO_MEMORY,
            f"The model '{name}' takes {weights / 1e9:.1f} GB of memory here,"
            f" and {max(0, room) / 1e9:.1f} GB are free.",
            "Close other large programs, then go on: what is there already is kept. Or choose a"
            " smaller model.",
        )
    return weights
