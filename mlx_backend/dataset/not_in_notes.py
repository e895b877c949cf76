"""Questions that the notes do not answer, which the model learns to decline from memory."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from mlx_backend.dataset.facts import StudiedPassage, names_in
from mlx_backend.dataset.samples import Sample
from mlx_backend.protocol import DECLINED
from mlx_backend.text.stems import stems
from mlx_backend.text.words import bare_words

_WHATEVER_ELSE = (
    "How old is {}?",
    "What colour is {}?",
    "What is the phone number of {}?",
    "Where did {} study?",
    "When was {} founded?",
    "How tall is {}?",
    "What is the surname of {}?",
    "Who designed {}?",
    "What does {} weigh?",
    "Where was {} born?",
    "What is the serial number of {}?",
    "Who is married to {}?",
    "Why was {} chosen?",
    "What is the email address of {}?",
    "How long has {} been here?",
)


def to_decline(
    studied: Sequence[StudiedPassage], count: int, generator: random.Random
) -> list[Sample]:
    """Up to `count` closed-book questions that the notes do not answer, to be declined."""
    places = [(each, name) for each in studied for name in _names(each)]
    chosen = generator.sample(places, min(count, len(places)))
    others = _OtherQuestions(studied)
    found = []
    for each, name in chosen:
        question = others.about(name, generator)
        if question:
            passage = each.passage
            found.append(Sample(question, DECLINED, passage.note_id, passage.id, "not in notes"))
    return found


def _names(each: StudiedPassage) -> list[str]:
    return list(dict.fromkeys(name for quoted in each.taught for name in names_in(quoted)))


class _OtherQuestions:
    """Questions about a name that no passage with that name answers."""

    def __init__(self, studied: Sequence[StudiedPassage]) -> None:
        self._texts: defaultdict[str, list[str]] = defaultdict(list)
        for each in studied:
            for word in set(bare_words(each.passage.text)):
                self._texts[word].append(each.passage.text)

    def about(self, name: str, generator: random.Random) -> str:
        """A random question about a name; "" if the passages might answer all of them."""
        words = bare_words(name)
        texts = (text for text in self._texts[words[0]] if name in text) if words else ()
        there = frozenset(stem for text in texts for stem in stems(text))
        forms = [form for form in _WHATEVER_ELSE if not _asks_of(form) & there]
        return generator.choice(forms).format(name) if forms else ""


@cache
def _asks_of(form: str) -> frozenset[str]:
    return stems(form.replace("{}", "")) - stems(
        "how what where when who why is was the of did has been does to here"
    )
