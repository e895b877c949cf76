"""Quantising in the process of the test, and a probe that asks nothing: quick, for most tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlx_backend.adoption.forms import packing
from mlx_backend.adoption.trial import messages
from mlx_backend.adoption.trial.refusing import refused
from mlx_backend.adoption.trial.watched import Assignment, Moment, Progress
from mlx_backend.exam.probe import Probe
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.training.stop_requests import StoppedEarly


def packed_here(
    what: Assignment, progress: Progress, stop: Callable[[], bool], _: object
) -> messages.Outcome:
    """What the process of quantising would tell."""

    def tell(reply: messages.TrialReply) -> None:
        if stop():
            raise StoppedEarly
        assert isinstance(reply, messages.Asked)
        progress.take(reply, Moment(0.0, 0.0))

    new, bits = what.more
    try:
        job = packing.Packing(what.folder, Path(new), int(bits), what.name)
        return messages.Packed(packing.pack(job, tell))
    except StoppedEarly:
        raise
    except Exception as error:
        return refused(error, what.folder)


def quick_probe_of(
    asked: list[int], loaded: LoadedModel, every: int = 1, check: Any = None
) -> Probe:
    """A probe that says how often it was asked."""
    asked.append(every)
    (check or (lambda: None))()
    return Probe(120 // every, 60 // every - len(asked), 100.0 + len(asked), 0.01)
