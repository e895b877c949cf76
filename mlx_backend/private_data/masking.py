"""Putting readable words in the place of what is private."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mlx_backend.private_data.private_span import PrivateSpan

MASKED = re.compile(r"\[[^\[\]]+ removed\]")
"""What stands in the place of a finding."""

_SHORTEST_COPY = 4
_SHORTEST_HALF = 6


def mask(text: str, findings: Sequence[PrivateSpan]) -> str:
    """The text with "[password removed]" and the like in the place of each finding.

    `findings` are as `find_secrets` gives them: by place, without overlaps.
    """
    return mask_part(text, findings, 0, len(text))


def mask_part(text: str, findings: Sequence[PrivateSpan], start: int, end: int) -> str:
    """`text[start:end]`, masked with the findings of the whole text.

    A passage is masked with its note's findings: what tells a secret may stand before the passage,
    and a long key may lie in two of them.
    """
    pieces = []
    position = start
    for finding in findings:
        if finding.end <= start or finding.start >= end:
            continue
        pieces += [text[position : max(position, finding.start)], placeholder(finding.kind)]
        position = min(finding.end, end)
    return "".join([*pieces, text[position:end]])


def mask_copies(line: str, text: str, findings: Sequence[PrivateSpan]) -> str:
    """A title or heading of `text`, with the same masked in it as was found in the text.

    Alone it may not tell what is private, and a title that was cut may end in half of it.
    """
    for finding in findings:
        secret, removed = text[finding.start : finding.end].strip(), placeholder(finding.kind)
        if len(secret) < _SHORTEST_COPY:
            continue
        line = line.replace(secret, removed)
        for length in range(len(secret) - 1, _SHORTEST_HALF - 1, -1):
            if line.endswith(secret[:length]):
                line = line[:-length] + removed
                break
    return line


def describe(findings: Sequence[PrivateSpan]) -> str:
    """What was found, in a sentence, as in "Masked before training: 2 × password, AWS key"."""
    return f"Masked before training: {_kinds(findings)}."


def describe_allowed(findings: Sequence[PrivateSpan]) -> str:
    """What was found and is taught all the same, in a sentence."""
    return f"Not masked, as you chose: {_kinds(findings)}."


def placeholder(kind: str) -> str:
    """What stands in the place of a finding of this kind."""
    return f"[{kind} removed]"


def _kinds(findings: Sequence[PrivateSpan]) -> str:
    counts = Counter(finding.kind for finding in findings)
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in counts.items())
