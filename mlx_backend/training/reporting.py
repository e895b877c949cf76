"""Parts of a run's report: the exams beside each other, and what could not be learned."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.dataset import Dataset
from mlx_backend.training.examination import Examination
from mlx_backend.training.preparation import Preparation


def exam_report(before: Examination, after: Examination) -> dict[str, object]:
    """How many of the set-aside questions were answered before and after, and each answer."""
    return {
        "exam_asked": len(after.items),
        "exam_before": before.right,
        "exam_after": after.right,
        "exam": [
            {
                "question": now.question,
                "answers": now.answers,
                "before": then.text,
                "after": now.text,
                "right_before": then.right,
                "right_after": now.right,
            }
            for then, now in zip(before.items, after.items, strict=False)
        ],
    }


def what_was_left_out(dataset: Dataset, preparation: Preparation) -> dict[str, object]:
    """The samples whose ends are not learned, and those of which nothing is."""
    return {
        "cut": _names(dataset, preparation.cut),
        "unlearnable": _names(dataset, preparation.unlearnable),
    }


def _names(dataset: Dataset, numbers: Sequence[int]) -> list[dict[str, object]]:
    """Samples as the report lists them: what they ask, and the note that they are from."""
    samples = (dataset.train[i] for i in numbers)
    return [{"note": sample.note, "prompt": sample.prompt} for sample in samples]
