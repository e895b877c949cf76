"""Samples against catastrophic forgetting: the base model's own answers to general prompts.

The answers are sampled at temperature 1, so that they follow the base model's distribution. They
are trained with its soft targets for each token (`training/distillation.py`), not with their words.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import msgspec

from mlx_backend.dataset.samples import GENERAL, Sample
from mlx_backend.files import write_atomically
from mlx_backend.jobs.pieces import pieces

LONGEST_ANSWER = 72
"""Most tokens of a general answer: enough to keep its manner, and cheap enough for many."""

GENERAL_ANSWERS = "general_answers.json"
"""The file in a model's folder that keeps its general answers."""
DRAWS = 2
"""Answers sampled for each prompt."""

TEMPERATURE = 1.0

_HELD_BACK_EVERY = 10  # one prompt in so many is not trained
_MOST_AT_ONCE = 32


class GeneralAnswers(msgspec.Struct, frozen=True):
    """The (prompt, answer) pairs of a base model, known by the SHA-256 of its weights."""

    sha256: str
    pairs: tuple[tuple[str, str], ...]


def general_prompts() -> list[str]:
    """The prompts that ship with the app, `resources/general_prompts.txt`."""
    text = (resources.files("resources") / "general_prompts.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip()]


def general_answers(
    folder: Path,
    sha256: str,
    answer_all: Callable[[Sequence[str]], Sequence[str]],
    is_enough: Callable[[], bool],
    on_progress: Callable[[int, int], object] = lambda *_: None,
) -> GeneralAnswers:
    """The base model's own answers from its `folder`, after writing those that are missing.

    `answer_all` answers a batch of prompts. It is called until none is missing or `is_enough`;
    the answers are saved after each batch, and a later run continues. `on_progress` gets the
    numbers of answers that are there and in all, before each batch and after the last.
    """
    path = folder / GENERAL_ANSWERS
    known = _known(path, sha256)
    missing = _missing(known)
    total = len(known.pairs) + len(missing)
    for piece in pieces(len(missing), _MOST_AT_ONCE):
        on_progress(len(known.pairs), total)
        if is_enough():
            break
        prompts = [missing[i] for i in piece]
        written = zip(prompts, answer_all(prompts), strict=True)
        known = GeneralAnswers(sha256, (*known.pairs, *written))
        write_atomically(path, msgspec.json.encode(known))
    if missing:
        on_progress(len(known.pairs), total)
    return known


def answers_to_write(folder: Path, sha256: str) -> int:
    """The number of general answers that a model, in its `folder`, has still to write."""
    return len(_missing(_known(folder / GENERAL_ANSWERS, sha256)))


def _missing(known: GeneralAnswers) -> list[str]:
    """The prompts that still need an answer, each as often as it needs one."""
    drawn = Counter(prompt for prompt, _ in known.pairs)
    return [p for draw in range(DRAWS) for p in general_prompts() if drawn[p] <= draw]


def _known(path: Path, sha256: str) -> GeneralAnswers:
    try:
        known = msgspec.json.decode(path.read_bytes(), type=GeneralAnswers)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return GeneralAnswers(sha256, ())  # not written yet, or not whole
    return known if known.sha256 == sha256 else GeneralAnswers(sha256, ())


def held_back(answers: GeneralAnswers | None) -> tuple[Sample, ...]:
    """The samples that are not trained: they tell how far a model has gone from the base model.

    One answer each to every tenth prompt; the same in every run.
    """
    kept = _held_back_prompts()
    first = {p: a for p, a in reversed(answers.pairs if answers else ()) if a.strip() and p in kept}
    return tuple(Sample(prompt, first[prompt], 0, 0, GENERAL) for prompt in sorted(first))


def upkeep(answers: GeneralAnswers, count: int, generator: random.Random) -> list[Sample]:
    """`count` of the answers as samples, all equally often; none if there are no answers.

    Answers may repeat, because training on them only keeps the model's distribution as it was.
    """
    kept = _held_back_prompts()
    said = [(p, answer) for p, answer in answers.pairs if answer.strip() and p not in kept]
    chosen: list[tuple[str, str]] = []
    while said and len(chosen) < count:
        chosen += generator.sample(said, min(count - len(chosen), len(said)))
    return [Sample(prompt, answer, 0, 0, GENERAL) for prompt, answer in chosen]


def _held_back_prompts() -> frozenset[str]:
    return frozenset(general_prompts()[::_HELD_BACK_EVERY])
