"""Marking: whether a text holds one of the answers that count as right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


def is_right(text: str, answers: Sequence[str]) -> bool:
    """Whether a text holds any answer as whole words, whatever its case and punctuation."""
    folded = f" {_fold(text)} "
    return any(f" {_fold(answer)} " in folded for answer in answers if _fold(answer))


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", plain)  # 1,240 is 1240
    return " ".join(re.sub(r"[^\w]+|_", " ", plain).split())
