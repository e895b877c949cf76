"""Masking: replacing private data by a readable placeholder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mlx_backend.private_data.private_span import PrivateSpan

MASKED = re.compile(r"\[[^\[\]]+ removed\]")
"""Matches a placeholder."""

_SHORTEST_COPY = 4
_SHORTEST_HALF = 6


def mask(text: str, spans: Sequence[PrivateSpan]) -> str:
    """The text with a placeholder, such as "[password removed]", for each private span.

    The spans are ordered by place and do not overlap, as from `find_secrets`.
    """
    return mask_part(text, spans, 0, len(text))


def mask_part(text: str, spans: Sequence[PrivateSpan], start: int, end: int) -> str:
    """`text[start:end]`, masked with the private spans of the whole text.

    A passage is masked with the spans of its note, because the words that reveal a secret may come
    before the passage, and a long key may be split between two passages.
    """
    pieces = []
    position = start
    for span in spans:
        if span.end <= start or span.start >= end:
            continue
        pieces += [text[position : max(position, span.start)], placeholder(span.kind)]
        position = min(span.end, end)
    return "".join([*pieces, text[position:end]])


def mask_copies(line: str, text: str, spans: Sequence[PrivateSpan]) -> str:
    """A title or heading of `text`, with the secrets of the text masked in it.

    The line alone may not reveal that it contains a secret, and a shortened title may end with the
    beginning of one.
    """
    for span in spans:
        secret, removed = text[span.start : span.end].strip(), placeholder(span.kind)
        if len(secret) < _SHORTEST_COPY:
            continue
        line = line.replace(secret, removed)
        for length in range(len(secret) - 1, _SHORTEST_HALF - 1, -1):
            if line.endswith(secret[:length]):
                line = line[:-length] + removed
                break
    return line


def describe(spans: Sequence[PrivateSpan]) -> str:
    """A sentence on what is masked, such as "Masked before training: 2 × password, AWS key."."""
    return f"Masked before training: {_kinds(spans)}."


def describe_allowed(spans: Sequence[PrivateSpan]) -> str:
    """A sentence on the secrets that are not masked because the person allowed them."""
    return f"Not masked, as you chose: {_kinds(spans)}."


def placeholder(kind: str) -> str:
    """The placeholder for private data of this kind."""
    return f"[{kind} removed]"


def _kinds(spans: Sequence[PrivateSpan]) -> str:
    counts = Counter(span.kind for span in spans)
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in counts.items())
