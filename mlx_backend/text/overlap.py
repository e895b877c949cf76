"""Whether two quotes of a text are the same words, or one of them holds the other."""

from __future__ import annotations

import re


def bare(quote: str) -> str:
    """The words of a quote alone, with blanks between them."""
    return " ".join(re.findall(r"\w+", quote))


def overlap(one: str, other: str) -> bool:
    """Whether one of two quotes, as `bare` words, has all of the other."""
    return f" {one} " in f" {other} " or f" {other} " in f" {one} "
