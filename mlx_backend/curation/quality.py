"""The quality of a note as training text, with reasons in words.

Each sign of poor text has a weight w from 0 to 1; the score is the product of all (1 - w). The
thresholds are chosen so that code, lists of a few words and short facts stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.curation.machine_output import machine_shares

LEFT_OUT_BELOW = 0.5

_LOOKED_AT = 200_000
# Bounded, because a page of opening brackets would take forever.
_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\([^)\s]{0,500}\)|<?https?://[^\s>)]+>?|\bwww\.[^\s>)]+")
_ENTRY = re.compile(
    r"""\s*(?:[-*+]|\d+[.)])?\s*(?:
        \[[^\]\n]+\]\((?!\w+://)[^)\n]*\)
      | \[\[[^\]\n]+\]\]
      | [^.\n]{2,80}?(?:\s?\.){4,}\s*\d+
    )\W*$""",
    re.VERBOSE,
)
# Thai, Lao, Burmese, Khmer, Japanese and Chinese put no spaces between words.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"[^\W_]+")
_NO_LETTERS = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class Quality:
    """A score from 0 (nothing to learn) to 1, and a sentence on each thing that lowers it."""

    score: float
    reasons: tuple[str, ...]

    @property
    def leaves_out(self) -> bool:
        """Whether a note of this quality is left out by default."""
        return self.score < LEFT_OUT_BELOW


def assess(title: str, text: str) -> Quality:
    """The quality of a note; of a very long text, only the beginning counts."""
    text = text[:_LOOKED_AT]
    if not _WORD.search(text):
        return Quality(0.0, ("It holds no words.",))
    lines = [line for line in text.splitlines() if not line.isspace() and line]
    score, reasons = 1.0, []
    for weight, reason in _signs(title, text, lines):
        if weight > 0.1:
            score *= 1 - min(weight, 1.0)
            reasons.append(reason)
    return Quality(round(score, 3), tuple(reasons))


def _signs(title: str, text: str, lines: Sequence[str]) -> Iterator[tuple[float, str]]:
    yield _too_short(title, text)
    yield _mostly_links(title, text)
    yield _mostly_signs(text)
    yield _repeated(lines)
    yield _contents(lines)
    for kind, share in machine_shares(lines).items():
        yield _from_share(share), f"{_percent(share)} of it is {kind}."


def _too_short(title: str, text: str) -> tuple[float, str]:
    beginning = f"{title[:200]} {text[:500]}"
    words = {word.casefold() for word in _WORD.findall(beginning)}
    if len(words) >= 3 or len(_UNSPACED.findall(beginning)) >= 6:
        return 0.0, ""
    return 0.7, "It is too short to say anything."


def _mostly_links(title: str, text: str) -> tuple[float, str]:
    links = sum(1 for _ in _LINK.finditer(text))
    if not links:
        return 0.0, ""
    prose = _LINK.sub(lambda link: f" {link[1] or ''} ", text)
    words = sum(1 for _ in _WORD.finditer(prose))
    share = 1 - len("".join(prose.split())) / len("".join(text.split()))
    if share < 0.5 or words >= 3 * links:
        return 0.0, ""
    return 0.7, "It is mostly links, with hardly any words about them."


def _mostly_signs(text: str) -> tuple[float, str]:
    dense = "".join(text.split())
    if len(dense) < 200 or len(_NO_LETTERS.sub("", dense)) >= 0.2 * len(dense):
        return 0.0, ""
    return 0.8, "It is mostly numbers and symbols."


def _repeated(lines: Sequence[str]) -> tuple[float, str]:
    long = Counter(stripped for line in lines if len(stripped := line.strip()) >= 12)
    if long.total() < 10:
        return 0.0, ""
    repeated = sum(len(line) * (times - 1) for line, times in long.items())
    share = repeated / sum(map(len, lines))
    return _from_share(share), f"{_percent(share)} of it is repeated lines."


def _contents(lines: Sequence[str]) -> tuple[float, str]:
    entries = [line for line in lines if len(line) < 300 and _ENTRY.match(line)]
    if len(entries) < 8:
        return 0.0, ""
    share = sum(map(len, entries)) / sum(map(len, lines))
    return (0.7 if share > 0.75 else 0.0), "It is a table of contents."


def _from_share(share: float) -> float:
    """The weight for a share of the text: 0 up to one third, 0.5 at two thirds, 1 for all."""
    return max(0.0, (share - 1 / 3) * 1.5)


def _percent(share: float) -> str:
    return f"{round(share * 100)} percent"
