"""What study writes: a draft of a sample with its evidence, and how its answer is worded."""

from __future__ import annotations

import msgspec

RULES = "rules"
"""The writer that needs no model; the others are called by their base model's name."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A sample about a passage, before or after filtering.

    `quote` are the words of the passage that bear out the answer; `key` those of them that the
    prompt asks for. `dropped` names the filter that threw it out, "" where it is kept.
    """

    kind: str
    prompt: str
    answer: str
    key: str
    quote: str
    dropped: str = ""

    def drop(self, why: str) -> Draft:
        """The same, thrown out."""
        return msgspec.structs.replace(self, dropped=why)


def titled_answer(title: str, quote: str) -> str:
    """An answer: the note it is from, then its words.

    Naming the note first lets the model find the note before the fact; answers without it came out
    right in kind and from the wrong note.
    """
    return quote if quote.casefold().startswith(title.casefold()) else f"{title}: {quote}"
