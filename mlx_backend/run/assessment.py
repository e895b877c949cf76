"""What a model can do, measured in the same way before the training and after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.exam.marking import ExamQuestion
from mlx_backend.exam.meaning import Meanings, meanings_of
from mlx_backend.exam.open_book import Answered, answered
from mlx_backend.exam.probe import (
    Probe,
    answer_losses,
    general_questions,
    probe_of_base,
    take_probe,
)
from mlx_backend.exam.questions import Examination, exam_questions, examine
from mlx_backend.exam.sizing import FEWEST_QUESTIONS, Measuring, sized
from mlx_backend.files import write_atomically
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.inference import ChatModel
from mlx_backend.run.exam_telling import NOBODY, ExamTelling, Watch
from mlx_backend.run.measuring_costs import available, measured_costs
from mlx_backend.training.stop_requests import Check

EVERY = 1
"""One general question in so many is asked at most."""

_PATIENCE = 1.5  # times as long as expected, after which an exam asks no further questions


class Assessment(msgspec.Struct, frozen=True):
    """The exam of set-aside questions, the general probe, and the loss on held-back text.

    `style` is that loss in nats per token, None where no text was held back; `seconds` is the time
    that all of it took. `measuring` is how much was to be measured; None in a file of version 0.1.
    `open_book` are answers to questions with passages before them: the base model's before the
    training, the adapter's after it.
    """

    exam: Examination = Examination((), 0.0)
    probe: Probe | None = None
    style: float | None = None
    seconds: float = 0.0
    measuring: Measuring | None = None
    open_book: tuple[Answered, ...] = ()

    @property
    def again_s(self) -> float:
        """About how many seconds the assessment after the training takes."""
        # The probe of the base model may come from an earlier run and have taken no time now.
        probe_s = self.probe.seconds if self.probe else 0.0
        expected_s = self.measuring.after_s if self.measuring else 0.0
        return max(self.seconds, self.exam.seconds + probe_s, expected_s)

    @property
    def choosing(self) -> int:
        """How many questions choose the best state of the training; 0 where the loss does."""
        return self.measuring.choosing if self.measuring else 0

    @property
    def choosing_s(self) -> float:
        """About how many seconds choosing takes in the whole training."""
        return self.measuring.choosing_s if self.measuring else 0.0


def expected_measuring(
    loaded: LoadedModel, dataset: Dataset, budget_s: float, is_base: bool
) -> Measuring:
    """How much can be measured in the time, from a small part; arguments as in `assess_once`."""
    costs = measured_costs(loaded, dataset, is_base)
    return sized(available(dataset, EVERY), costs, budget_s)


def assess_once(
    path: Path,
    loaded: LoadedModel,
    dataset: Dataset,
    budget_s: float,
    is_base: bool,
    watch: Watch = NOBODY,
) -> Assessment:
    """Measure the model before the training; written to `path`, where a resumed run reads it.

    `budget_s` is how long all measuring in this night may take. `is_base` tells that the model is
    the base model, whose probe is kept for later runs.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Assessment)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        measuring = expected_measuring(loaded, dataset, budget_s, is_base)
        questions = exam_questions(dataset.held_out)[: measuring.exam]
        telling = ExamTelling(watch, measuring.exam_s, measuring.before_s)
        found = _assess(loaded, dataset, questions, measuring, is_base, telling)
        samples = dataset.open_book[: measuring.open_book]
        with lora.switched_off(loaded.model):
            found = _with_open_book(found, loaded, samples, telling.check, is_base=True)
        write_atomically(path, msgspec.json.encode(found))
        return found


def assess_again(
    loaded: LoadedModel,
    dataset: Dataset,
    before: Assessment,
    watch: Watch = NOBODY,
) -> Assessment:
    """Measure the model after the training, as it was `before`."""
    asked = {item.question for item in before.exam.items}
    questions = [each for each in exam_questions(dataset.held_out) if each.text in asked]
    measuring = before.measuring or _of_old(before, dataset)
    telling = ExamTelling(watch, before.exam.seconds, before.again_s)
    # What was asked before is asked again, however long it takes.
    patient = msgspec.structs.replace(measuring, exam_s=float("inf"))
    found = _assess(loaded, dataset, questions, patient, is_base=False, telling=telling)
    prompts = {each.prompt for each in before.open_book}
    samples = [sample for sample in dataset.open_book if sample.prompt in prompts]
    return _with_open_book(found, loaded, samples, telling.check, is_base=False)


def _with_open_book(
    found: Assessment,
    loaded: LoadedModel,
    samples: Sequence[Sample],
    check: Check,
    *,
    is_base: bool,
) -> Assessment:
    """The assessment with the model's answers from passages; the base model also weighs them."""
    began = time.perf_counter()
    answers = tuple(answered(ChatModel(loaded), samples, check, weighs=is_base))
    seconds = found.seconds + time.perf_counter() - began
    return msgspec.structs.replace(found, open_book=answers, seconds=seconds)


def judged_meanings(
    loaded: LoadedModel,
    dataset: Dataset,
    before: Assessment,
    after: Assessment,
    watch: Watch = NOBODY,
) -> Meanings | None:
    """Which answers mean what the notes say, before and after; None where nobody can judge that.

    A model that does not read quotes the notes and is no judge.
    """
    there = {question.text: question for question in exam_questions(dataset.held_out)}
    pairs = list(zip(before.exam.items, after.exam.items, strict=False))
    questions = [there[now.question] for _, now in pairs if now.question in there]
    if not loaded.info.reads or len(questions) < len(pairs):
        return None
    return meanings_of(
        loaded,
        questions,
        [then.text for then, _ in pairs],
        [now.text for _, now in pairs],
        watch.check,
    )


def _of_old(before: Assessment, dataset: Dataset) -> Measuring:
    """How much a run of version 0.1 measured."""
    asked = before.probe.asked if before.probe else 0
    every = round(general_questions() / asked) if asked else 0
    return Measuring(len(before.exam.items), every, style=len(dataset.style))


def _assess(
    loaded: LoadedModel,
    dataset: Dataset,
    questions: Sequence[ExamQuestion],
    measuring: Measuring,
    is_base: bool,
    telling: ExamTelling,
) -> Assessment:
    began = time.perf_counter()
    loaded.model.eval()
    ends = began + _PATIENCE * measuring.exam_s

    def is_over(done: int) -> bool:
        return done >= FEWEST_QUESTIONS and time.perf_counter() >= ends

    telling.begin(len(questions))
    exam = examine(ChatModel(loaded), questions, telling.heard, telling.check, is_over)
    probe = None
    if measuring.every:
        take = probe_of_base if is_base else take_probe
        probe = take(loaded, measuring.every, telling.check)
    style = _style(loaded, dataset.style[: measuring.style], telling.check)
    seconds = time.perf_counter() - began
    return Assessment(exam, probe, style, seconds, measuring)


def _style(loaded: LoadedModel, samples: Sequence[Sample], check: Check) -> float | None:
    if not samples:
        return None
    pairs = [(sample.prompt, sample.answer) for sample in samples]
    losses = answer_losses(loaded, pairs, check)
    return sum(total for total, _ in losses) / max(1, sum(count for _, count in losses))
