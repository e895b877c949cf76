"""The recipe of a run: whether it teaches the facts of the notes, their style, or both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.text.words import count_words

_OWN_VOICE = re.compile(r"\b(?:I|I'm|I've|I'd|me|my|we|we're|our|ich|wir|mein\w*|je|nous|yo)\b")
# The least share of the words in the person's own voice, and the least number of samples.
_LEAST_STYLE = 0.25
_LEAST_FACTS = 0.2  # samples a statement
_LONG_PROSE = 40  # words of a passage


@dataclass(frozen=True)
class Recipe:
    """facts: whether questions teach the facts. style: whether the whole texts teach the style.

    Without facts, each statement still gets a few keyword prompts.
    """

    facts: bool
    style: bool

    @property
    def text(self) -> str:
        """What the run teaches, in words for the person."""
        if self.facts and self.style:
            return "what they say and how you write"
        return "what they say" if self.facts else "how you write"


def recipe_for(studied: Sequence[StudiedPassage], *, reads: bool) -> Recipe:
    """The recipe that suits the notes: facts, style or both.

    A model that `reads` always learns facts: few samples mean that its first night was short.
    """
    statements = sum(len(each.stated) for each in studied)
    samples = sum(len(each.samples) for each in studied)
    words = sum(count_words(each.passage.text) for each in studied)
    own = sum(count_words(each.passage.text) for each in studied if _is_in_own_voice(each))
    style = own >= _LEAST_STYLE * max(1, words)
    facts = reads or samples >= _LEAST_FACTS * max(1, statements)
    return Recipe(facts=facts or not style, style=style)


def _is_in_own_voice(each: StudiedPassage) -> bool:
    """Whether the person speaks in a passage: a reply to someone, or prose in the first person."""
    text = each.passage.text
    if each.passage.replies:
        return True
    return count_words(text) >= _LONG_PROSE and len(_OWN_VOICE.findall(text)) >= 2
