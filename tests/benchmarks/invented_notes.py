"""A large library of invented notes, with what real ones have: copies, drafts, templates, logs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from mlx_backend.importers.passages import split_passages
from mlx_backend.library.notes import NewNote

_SYLLABLES = "ka lo mi ren ta vel sor bin de fal gu hir jo nek op pra sta tur wen".split()  # noqa: SIM905
_COMMON = "the of and to in is was for on with that it as at by from not are be".split()  # noqa: SIM905
_SIGNATURE = "Best regards from the harbour office, and do come by for a coffee.\nMarta Lind"


def invented_notes(count: int, seed: int = 1) -> Iterator[NewNote]:
    """Notes of about 60 words: one in 20 a copy, as many drafts of others, templates and logs."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))) for _ in range(20_000)]
    earlier: list[str] = []
    for number in range(count):
        text = _text(draw, words, earlier, number)
        if number % 50 == 0:
            earlier.append(text)
        yield _note(f"/notes/{number % 100:02}/{number:05}.md", text)


def _text(draw: random.Random, words: list[str], earlier: list[str], number: int) -> str:
    kind = draw.random()
    if kind < 0.05 and earlier:
        return draw.choice(earlier)
    if kind < 0.10 and earlier:
        return draw.choice(earlier).replace(" the ", " that ", 1) + " So it is."
    if kind < 0.20:
        return (
            f"# Day {number}\n\nWhat went well today, and what would I do in another way?\n\n"
            f"{_sentence(draw, words)}\n\nWhom did I meet, and what did we talk about then?\n\n"
            f"{_sentence(draw, words)}"
        )
    if kind < 0.22:
        return "\n".join(
            f"2026-01-01 10:{n:02}:{draw.randint(0, 59):02},123 INFO server: {draw.choice(words)}"
            for n in range(20)
        )
    text = " ".join(_sentence(draw, words) for _ in range(5))
    return f"{text}\n\n{_SIGNATURE}" if kind < 0.3 else text


def _sentence(draw: random.Random, words: list[str]) -> str:
    # As in real text, some words are far more frequent than others.
    chosen = [
        draw.choice(_COMMON) if draw.random() < 0.4 else words[int(len(words) * draw.random() ** 3)]
        for _ in range(draw.randint(8, 16))
    ]
    return " ".join(chosen).capitalize() + "."


def _note(path: str, text: str) -> NewNote:
    return NewNote(
        path=path,
        source="/notes",
        title=" ".join(text.split()[:4]),
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        words=len(text.split()),
        tokens=len(text) // 4,
        passages=tuple(split_passages(text)),
    )
