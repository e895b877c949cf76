"""The parts of a run's report, each made from what the stages of the run left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from mlx_backend.dataset.samples import Dataset
from mlx_backend.exam.marking import ExamQuestion, Item
from mlx_backend.exam.meaning import LONGEST_KEY, Meanings
from mlx_backend.exam.probe import Probe
from mlx_backend.exam.questions import exam_questions
from mlx_backend.exam.verdict import advice, verdict
from mlx_backend.library.adapters import AdapterCard
from mlx_backend.protocol.report import (
    AdaptationReport,
    ExamItem,
    ExamScores,
    GeneralScores,
    HeldOutNote,
    Judgement,
    LeftOut,
    NotLearned,
    OpenBookScores,
    OpenBookWords,
    RunReport,
    StudyReport,
    StyleLosses,
    TrainingEnd,
    TrainingReport,
)
from mlx_backend.run.assessment import Assessment
from mlx_backend.run.plan import RunPlan
from mlx_backend.run.preparation import Preparation
from mlx_backend.run.study_stage import Studied
from mlx_backend.text.words import count_words
from mlx_backend.training.checkpoints import TrainingState


def what_it_took(
    card: AdapterCard, plan: RunPlan, state: TrainingState, end: TrainingEnd
) -> TrainingReport:
    """The training of the adapter on the card: steps, losses, time and memory, and their plan."""
    return TrainingReport(
        notes=card.notes,
        samples=card.samples,
        steps=card.steps,
        train_loss=state.train_loss,
        valid_loss=card.valid_loss,
        base_valid_loss=card.base_valid_loss,
        tokens=state.tokens,
        tokens_per_second=state.tokens_per_second,
        peak_bytes=state.peak_bytes,
        minutes=round(state.elapsed_s / 60, 2),
        planned_minutes=plan.minutes,
        planned_steps=plan.steps,
        ended=end,
        passes=round(plan.passes * state.step / plan.steps, 2),
        planned_bytes=plan.peak_bytes,
        kept_step=state.kept_step or state.step,
        skipped_steps=state.course.skipped,
        held_out=_held_out(state),
    )


def how_it_was_adapted(card: AdapterCard, rate: float, state: TrainingState) -> AdaptationReport:
    """The adapter's rank, its peak learning `rate`, and how far it leads from the base model."""
    far = None if state.divergence is None else round(state.divergence, 4)
    return AdaptationReport(rank=card.rank, learning_rate=rate, divergence=far)


def _held_out(state: TrainingState) -> tuple[HeldOutNote, ...]:
    return tuple(
        HeldOutNote(note=note, before=state.base_valid_by_note.get(note), after=loss)
        for note, loss in sorted(state.valid_by_note.items())
    )


def exam_scores(
    before: Assessment, after: Assessment, dataset: Dataset, meanings: Meanings | None = None
) -> ExamScores:
    """The held-out questions, each with its answer before and after the training.

    `meanings` tells which answers mean what the notes say, None where that was not judged.
    """
    questions = exam_questions(dataset.held_out)
    asked = {question.text: question for question in questions}
    pairs = list(zip(before.exam.items, after.exam.items, strict=False))
    items = tuple(
        _exam_item(then, now, asked.get(now.question), meanings.of(number) if meanings else None)
        for number, (then, now) in enumerate(pairs)
    )
    return ExamScores(
        asked=len(items),
        before=sum(item.right_before for item in items),
        after=sum(item.right_after for item in items),
        items=items,
        set_aside=max(len(questions), len(items)),
        by_words_before=sum(then.right for then, _ in pairs) if meanings else None,
        by_words_after=sum(now.right for _, now in pairs) if meanings else None,
        by_meaning_before=sum(meanings.before) if meanings else None,
        by_meaning_after=sum(meanings.after) if meanings else None,
    )


def _exam_item(
    then: Item, now: Item, question: ExamQuestion | None, means: tuple[bool, bool] | None
) -> ExamItem:
    is_long = means is not None and any(count_words(a) > LONGEST_KEY for a in now.answers)
    right = means if means is not None and is_long else (then.right, now.right)
    return ExamItem(
        question=now.question,
        answers=tuple(now.answers),
        before=then.text,
        after=now.text,
        right_before=right[0],
        right_after=right[1],
        by_words_before=then.right,
        by_words_after=now.right,
        by_meaning_before=means[0] if means else None,
        by_meaning_after=means[1] if means else None,
        by_other=question is not None and question.by_other,
    )


def open_book_scores(card: AdapterCard) -> OpenBookScores:
    """What the card says of answers from passages; nothing where that was not measured."""
    found = card.open_book
    if found is None:
        return OpenBookScores()
    goes_again = None if found.again_from is None else OpenBookWords.BOTH
    return OpenBookScores(
        told=found.told,
        untold=found.untold,
        right_before=found.base_right,
        right_after=found.right,
        declined_before=found.base_declined,
        declined_after=found.declined,
        words=OpenBookWords.BASE if found.by_base else goes_again or OpenBookWords.ADAPTER,
    )


def style_losses(before: Assessment, after: Assessment) -> StyleLosses:
    """The loss on the person's own writing, before and after the training."""
    return StyleLosses(before=before.style, after=after.style)


def general_scores(before: Assessment, after: Assessment) -> GeneralScores:
    """The general probe before and after the training; empty where one of them was not taken."""
    if not (before.probe and after.probe):
        return GeneralScores()
    return GeneralScores(
        asked=after.probe.asked,
        before=before.probe.right,
        after=after.probe.right,
        perplexity_before=round(before.probe.perplexity, 3),
        perplexity_after=round(after.probe.perplexity, 3),
        gained=_only(after.probe, before.probe),
        lost=_only(before.probe, after.probe),
    )


def _only(one: Probe, other: Probe) -> int | None:
    """How many questions only the first answered right; None where it is not known of which."""
    if not one.marks or len(one.marks) != len(other.marks):
        return None
    return sum(a and not b for a, b in zip(one.marks, other.marks, strict=True))


def study_report(studied: Studied) -> StudyReport:
    """What study wrote, and how many samples each filter dropped."""
    return StudyReport(
        minutes=round(studied.seconds / 60, 2),
        written=studied.written,
        used=studied.used,
        dropped=studied.dropped,
        recipe=studied.recipe,
    )


def what_was_left_out(dataset: Dataset, preparation: Preparation) -> LeftOut:
    """How many notes were read, and the samples that are learned in part or not at all."""
    return LeftOut(
        notes_read=len(dataset.versions),
        cut=_named(dataset, preparation.cut),
        unlearnable=_named(dataset, preparation.unlearnable),
    )


def _named(dataset: Dataset, numbers: Sequence[int]) -> tuple[NotLearned, ...]:
    samples = (dataset.train[i] for i in numbers)
    return tuple(NotLearned(note=sample.note, prompt=sample.prompt) for sample in samples)


def judged(report: RunReport) -> RunReport:
    """The report with its verdict and advice, which follow from its other parts."""
    judgement = Judgement(verdict=verdict(report), advice=tuple(advice(report)))
    return msgspec.structs.replace(report, judgement=judgement)


def why_it_ended(end: TrainingEnd, state: TrainingState, steps: int) -> Iterator[str]:
    """Sentences for the person about how a training of `steps` planned steps ended."""
    if end is TrainingEnd.NO_TIME:
        yield (
            f"The time was over after step {state.step} of {steps};"
            " what was learned until then is kept."
        )
    elif end is TrainingEnd.NO_GAIN:
        yield (
            f"Stopped at step {state.step} of {steps}: the model got no better at wordings it"
            " was not trained on, and would have begun to learn by rote."
        )
    elif end is TrainingEnd.TOO_FAR:
        yield (
            f"Stopped at step {state.step} of {steps}: the model answered general questions so"
            " differently from the base model that it was about to forget what it knew."
        )
    if state.kept_step is not None:
        yield f"The best state, that after step {state.kept_step}, is kept."
    if state.has_no_gain:
        yield (
            "At wordings it was not trained on, the model is no better than before. A lower"
            " learning rate (Settings, Details) or more notes may help."
        )
    if state.course.skipped:
        yield f"{state.course.skipped} steps were skipped, because their loss was not a number."
