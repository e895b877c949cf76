"""What a model can do, measured in the same way before the training and after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.exam.probe import (
    Probe,
    answer_losses,
    expected_probe_s,
    is_kept,
    probe_of_base,
    take_probe,
)
from mlx_backend.exam.questions import (
    Examination,
    exam_questions,
    examine,
    expected_exam_s,
)
from mlx_backend.files import write_atomically
from mlx_backend.models.inference import ChatModel
from mlx_backend.run.preparation import Preparation
from mlx_backend.training.stopping import Check, never

_SHORT_RUN_H = 0.3
_FEW = 2  # texts, from which the time for all is estimated
EVERY = 1
EVERY_IN_SHORT_RUN = 8
"""One general question in so many is asked: all of them, and one in eight in a short run."""


class Assessment(msgspec.Struct, frozen=True):
    """The exam of set-aside questions, the general probe, and the loss on held-back text.

    `style` is that loss in nats per token, None where no text was held back; `seconds` is the time
    that all of it took.
    """

    exam: Examination = Examination((), 0.0)
    probe: Probe | None = None
    style: float | None = None
    seconds: float = 0.0

    @property
    def again_s(self) -> float:
        """About how many seconds the assessment after the training takes."""
        # The probe of the base model may come from an earlier run and have taken no time now.
        probe_s = self.probe.seconds if self.probe else 0.0
        return max(self.seconds, self.exam.seconds + probe_s)


@dataclass(frozen=True)
class AssessmentTime:
    """The seconds of both assessments of a run, before the training and after it."""

    before: float
    after: float


def expected_time(
    preparation: Preparation, dataset: Dataset, hours: float | None, is_base: bool
) -> AssessmentTime:
    """About how long both take, from a small part of each; `hours` and `is_base` as in `assess`."""
    loaded = preparation.loaded
    loaded.model.eval()
    every = _every(hours)
    exam = expected_exam_s(ChatModel(loaded), exam_questions(dataset))
    asking = expected_probe_s(loaded, every)
    own = exam + _expected_style(preparation, dataset.style)
    is_asked_before = not (is_base and is_kept(loaded, every))
    return AssessmentTime(own + (asking if is_asked_before else 0.0), own + asking)


def assess(
    preparation: Preparation,
    dataset: Dataset,
    hours: float | None,
    is_base: bool = False,
    check: Check = never,
) -> Assessment:
    """Measure the model as it is now.

    `hours` is how long the run may take: a short one asks fewer general questions. `is_base` tells
    that the model is the base model, whose probe is kept for later runs. `check` is called between
    batches.
    """
    began = time.perf_counter()
    loaded = preparation.loaded
    loaded.model.eval()
    every = _every(hours)
    exam = examine(ChatModel(loaded), exam_questions(dataset), check)
    probe = (probe_of_base if is_base else take_probe)(loaded, every, check)
    style = _style(preparation, dataset.style, check)
    return Assessment(exam, probe, style, time.perf_counter() - began)


def assess_once(
    path: Path,
    preparation: Preparation,
    dataset: Dataset,
    hours: float | None,
    is_base: bool,
    check: Check = never,
) -> Assessment:
    """The same, but written to `path`, from where a resumed run reads it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Assessment)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        found = assess(preparation, dataset, hours, is_base, check)
        write_atomically(path, msgspec.json.encode(found))
        return found


def _every(hours: float | None) -> int:
    return EVERY_IN_SHORT_RUN if hours is not None and hours < _SHORT_RUN_H else EVERY


def _expected_style(preparation: Preparation, samples: Sequence[Sample]) -> float:
    few = samples[:_FEW]
    began = time.perf_counter()
    _style(preparation, few, never)
    return (time.perf_counter() - began) / max(1, len(few)) * len(samples)


def _style(preparation: Preparation, samples: Sequence[Sample], check: Check) -> float | None:
    if not samples:
        return None
    pairs = [(sample.prompt, sample.answer) for sample in samples]
    losses = answer_losses(preparation.loaded, pairs, check)
    return sum(total for total, _ in losses) / max(1, sum(count for _, count in losses))
