"""Drafts of samples, as study writes them, and the form of their answers."""

from __future__ import annotations

import msgspec

RULES = "rules"
"""The writer that needs no model; other writers have the name of their base model."""

GENRES = ("facts", "details", "why", "how", "compare", "list", "steps", "passages", "notes")
"""The kinds of samples that models write which read: what they ask for.

Those of "facts" ask for what the model finds in a sentence, "details" for a name or number that it
is given. The last two are about two passages of a note, and about two notes of which one links to
the other.
"""

OF_TWO_PASSAGES = frozenset(GENRES[-2:])
"""Those whose answers no single passage bears out."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft of a sample about a passage, before or after filtering.

    quote: the words of the passage that support the answer.
    key: the words of the quote that the prompt asks for, "" if it asks for no piece of it.
    dropped: the reason of the filter that dropped it (`drop_reasons`), "" if it is kept.
    others: further passages that it is about, each as the id of its note and its digest.
    """

    kind: str
    prompt: str
    answer: str
    key: str
    quote: str
    dropped: str = ""
    others: tuple[tuple[int, bytes], ...] = ()

    def drop(self, why: str) -> Draft:
        """The same draft, dropped for the reason `why`."""
        return msgspec.structs.replace(self, dropped=why)


def titled_answer(title: str, quote: str) -> str:
    """An answer as the library keeps it: the title of its note, then the quoted words.

    A model that quotes learns it in another order (`dataset/statement_first.py`).
    """
    return quote if quote.casefold().startswith(title.casefold()) else f"{title}: {quote}"
