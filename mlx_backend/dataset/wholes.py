"""The text of the notes as it stands: what a passage says, and how the person answers others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlx_backend.dataset.samples import Sample
from mlx_backend.library.notes import Passage
from mlx_backend.library.training_text import Reply

_LONGEST_SAID = 300  # characters: the end of what was said is what an answer answers
_LONGEST_ANSWER = 1_000  # characters: a longer one is taught as passages
LONGEST_TOPIC = 100
"""Characters of a title or heading: a question that fills a row leaves nothing to learn."""

_QUOTE_MARKS = re.compile(r"(?m)^[ \t]*(?:>[ \t]*)+")


def as_it_stands(passage: Passage) -> Iterator[Sample]:
    """The passage's own text."""
    yield Sample(
        f"What do my notes say about {passage.topic}?",
        passage.text,
        passage.note_id,
        passage.id,
        "passage",
    )


def replies(passage: Passage) -> Iterator[Sample]:
    """What the person answered to what others said."""
    title = passage.note_title
    for reply in passage.replies:
        if reply.said and 0 < len(reply.answered) <= _LONGEST_ANSWER:
            yield Sample(
                _question_of(reply, title), reply.answered, passage.note_id, passage.id, "reply"
            )


def _question_of(reply: Reply, title: str) -> str:
    """What somebody said, as the question that the person answered."""
    said = " ".join(_QUOTE_MARKS.sub("", reply.said).split())
    if len(said) > _LONGEST_SAID:
        said = f"… {said[-_LONGEST_SAID:]}"
    who = f"{reply.name} wrote" if reply.name else "I was asked"
    return f"{title}: what did I answer when {who}: “{said}”?"
