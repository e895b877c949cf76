"""What adapters are compared by: the logits of a few questions."""

from __future__ import annotations

import mlx.core as mx

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.machine.arrays import largest_difference, number, rounding_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import Turn

_QUESTIONS = (
    "What do my notes say?",
    "Tell me something that I wrote down.",
    "Where did I put it, and when was that?",
)


def answers_of(loaded: LoadedModel) -> list[mx.array]:
    """The logits of the questions, each (1, tokens, vocabulary), from the model as it is now."""
    loaded.model.eval()
    found = []
    for question in _QUESTIONS:
        prompt = loaded.form.prompt([Turn(role="user", text=question)])
        found.append(loaded.model(mx.array([prompt])))
    mx.eval(found)
    return found


def difference(name: str, ours: list[mx.array], theirs: list[mx.array]) -> float:
    """The largest difference of a logit between an adapter's answers and its export's.

    Raises OvernightError if it is more than rounding.
    """
    pairs = list(zip(ours, theirs, strict=True))
    largest = max(largest_difference(a, b) for a, b in pairs)
    if not all(is_same_answer(b, a) for a, b in pairs):
        raise OvernightError(
            ErrorKind.ADAPTER_DAMAGED,
            f"The export of '{name}' does not answer as the adapter does.",
            "Nothing was kept at the target. Check the disk and export again.",
            f"largest difference of a logit: {largest}",
        )
    return largest


def is_same_answer(logits: mx.array, others: mx.array) -> bool:
    """Whether two computations of the same logits differ by no more than rounding does.

    How much that is, depends on the dtype; the difference counts as a share of the largest logit.
    """
    largest = number(mx.abs(others.astype(mx.float32)).max())
    return largest_difference(logits, others) <= rounding_of(others.dtype) * largest
