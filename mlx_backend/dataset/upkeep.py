"""Samples that keep what the model already could: its own answers to general prompts.

They are drawn at temperature 1, as likely as the model finds them, so that they lead to where it
would go. What is learned from them is how likely the base model finds each next token
(`training/distillation.py`), not their words.
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

LONGEST_ANSWER = 72
"""Tokens of a general answer: enough to keep the manner, cheap enough to write many."""

GENERAL_ANSWERS = "general_answers.json"
"""The file in a model's folder that keeps them."""
DRAWS = 2
"""Answers to each prompt."""

TEMPERATURE = 1.0

_AT_ONCE = 32


class GeneralAnswers(msgspec.Struct, frozen=True):
    """What a base model, known by the SHA-256 of its weights, answers to general prompts."""

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
) -> GeneralAnswers:
    """The base model's own answers, kept in its `folder`; what is missing is written now.

    They are written in pieces until `is_enough`; another run goes on from there.
    """
    path = folder / GENERAL_ANSWERS
    known = _known(path, sha256)
    missing = _missing(known)
    for first in range(0, len(missing), _AT_ONCE):
        if is_enough():
            break
        prompts = missing[first : first + _AT_ONCE]
        written = zip(prompts, answer_all(prompts), strict=True)
        known = GeneralAnswers(sha256, (*known.pairs, *written))
        write_atomically(path, msgspec.json.encode(known))
    return known


def answers_to_write(folder: Path, sha256: str) -> int:
    """How many general answers a model, in its `folder`, has not written yet."""
    return len(_missing(_known(folder / GENERAL_ANSWERS, sha256)))


def _missing(known: GeneralAnswers) -> list[str]:
    """The prompts that are to be answered yet, each as often as it is to be."""
    drawn = Counter(prompt for prompt, _ in known.pairs)
    return [p for draw in range(DRAWS) for p in general_prompts() if drawn[p] <= draw]


def _known(path: Path, sha256: str) -> GeneralAnswers:
    try:
        known = msgspec.json.decode(path.read_bytes(), type=GeneralAnswers)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return GeneralAnswers(sha256, ())  # not written yet, or not whole
    return known if known.sha256 == sha256 else GeneralAnswers(sha256, ())


def upkeep(answers: GeneralAnswers, count: int, generator: random.Random) -> list[Sample]:
    """So many of the answers as samples, one as often as another; none where there are none.

    They may come again and again: what is learned from them is no more than to stay as it was.
    """
    said = [(prompt, answer) for prompt, answer in answers.pairs if answer.strip()]
    chosen: list[tuple[str, str]] = []
    while said and len(chosen) < count:
        chosen += generator.sample(said, min(count - len(chosen), len(said)))
    return [Sample(prompt, answer, 0, 0, GENERAL) for prompt, answer in chosen]
