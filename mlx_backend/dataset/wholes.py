"""Samples with the text of the notes as it stands: passages, and the person's replies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.dataset.samples import Sample
from mlx_backend.library.notes import Passage
from mlx_backend.library.training_text import Reply

_LONGEST_SAID = 300  # characters, from the end, which the answer refers to
_LONGEST_ANSWER = 1_000  # characters: a longer one is taught as passages
LONGEST_TOPIC = 100
"""Most characters of a title or heading, so that it leaves room for the text in its row."""

_QUOTE_MARKS = re.compile(r"(?m)^[ \t]*(?:>[ \t]*)+")


def as_it_stands(passage: Passage) -> Iterator[Sample]:
    """A sample whose answer is the passage's own text."""
    yield Sample(
        f"What do my notes say about {passage.topic}?",
        passage.text,
        passage.note_id,
        passage.id,
        "passage",
    )


def replies(passage: Passage) -> Iterator[Sample]:
    """Samples whose answers are the person's replies to others."""
    title = passage.note_title
    for reply in passage.replies:
        if reply.said and 0 < len(reply.answered) <= _LONGEST_ANSWER:
            yield Sample(
                _question_of(reply, title), reply.answered, passage.note_id, passage.id, "reply"
            )


def _question_of(reply: Reply, title: str) -> str:
    """The prompt for a reply: what somebody said to the person."""
    said = " ".join(_QUOTE_MARKS.sub("", reply.said).split())
    if len(said) > _LONGEST_SAID:
        said = f"… {said[-_LONGEST_SAID:]}"
    who = f"{reply.name} wrote" if reply.name else "I was asked"
    return f"{title}: what did I answer when {who}: “{said}”?"
