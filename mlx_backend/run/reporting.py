"""Parts of a run's report: before and after beside each other, study, what was not learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlx_backend.dataset.samples import Dataset
from mlx_backend.library.adapters import AdapterCard
from mlx_backend.run.assessment import Assessment
from mlx_backend.run.plan import RunPlan
from mlx_backend.run.preparation import Preparation
from mlx_backend.run.study_stage import Studied
from mlx_backend.training.checkpoints import TrainingState
from mlx_backend.training.end import End


def what_it_took(
    card: AdapterCard, plan: RunPlan, state: TrainingState, end: End
) -> dict[str, object]:
    """What was filed and how it was learned: steps, time, memory, beside what was planned."""
    return {
        "adapter": card.name,
        "notes": card.notes,
        "samples": card.samples,
        "steps": card.steps,
        "train_loss": card.train_loss,
        "valid_loss": card.valid_loss,
        "base_valid_loss": card.base_valid_loss,
        "tokens": state.tokens,
        "tokens_per_second": state.tokens_per_second,
        "peak_bytes": state.peak_bytes,
        "minutes": round(state.elapsed_s / 60, 2),
        "planned_minutes": plan.minutes,
        "planned_steps": plan.steps,
        "ended": end.value,
        "passes": round(plan.passes * state.step / plan.steps, 2),
        "planned_bytes": plan.peak_bytes,
        "kept_step": state.kept_step or state.step,
        "skipped_steps": state.course.skipped,
        "held_out": [
            {"note": note, "before": state.base_valid_by_note.get(note), "after": loss}
            for note, loss in sorted(state.valid_by_note.items())
        ],
    }


def comparison(before: Assessment, after: Assessment) -> dict[str, object]:
    """The set-aside questions with each answer, and what of the world was kept, side by side."""
    report: dict[str, object] = {
        "exam_asked": len(after.exam.items),
        "exam_before": before.exam.right,
        "exam_after": after.exam.right,
        "exam": [
            {
                "question": now.question,
                "answers": now.answers,
                "before": then.text,
                "after": now.text,
                "right_before": then.right,
                "right_after": now.right,
            }
            for then, now in zip(before.exam.items, after.exam.items, strict=False)
        ],
        "style_before": before.style,
        "style_after": after.style,
    }
    if before.probe and after.probe:
        report |= {
            "general_asked": after.probe.asked,
            "general_before": before.probe.right,
            "general_after": after.probe.right,
            "perplexity_before": round(before.probe.perplexity, 3),
            "perplexity_after": round(after.probe.perplexity, 3),
        }
    return report


def study_report(studied: Studied) -> dict[str, object]:
    """What study brought, and how much each filter threw out."""
    return {
        "study_minutes": round(studied.seconds / 60, 2),
        "study_written": studied.written,
        "study_used": studied.used,
        "study_dropped": studied.dropped,
        "recipe": studied.recipe,
    }


def what_was_left_out(dataset: Dataset, preparation: Preparation) -> dict[str, object]:
    """What was read, the samples whose ends are not learned, and those of which nothing is."""
    return {
        "notes_read": len(dataset.versions),
        "cut": _names(dataset, preparation.cut),
        "unlearnable": _names(dataset, preparation.unlearnable),
    }


def _names(dataset: Dataset, numbers: Sequence[int]) -> list[dict[str, object]]:
    """Samples as the report lists them: what they ask, and the note that they are from."""
    samples = (dataset.train[i] for i in numbers)
    return [{"note": sample.note, "prompt": sample.prompt} for sample in samples]


def why_it_ended(end: End, state: TrainingState, steps: int) -> Iterator[str]:
    """What of the end of a training of so many steps is worth a word, in sentences."""
    if end is End.NO_TIME:
        yield (
            f"The time was over after step {state.step} of {steps};"
            " what was learned until then is kept."
        )
    elif end is End.NO_GAIN:
        yield (
            f"Stopped at step {state.step} of {steps}: the model got no better at wordings it"
            " was not trained on, and would have begun to learn by rote."
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
