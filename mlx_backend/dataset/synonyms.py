"""Wordings with synonyms and with fewer words, so that facts are recalled in words not the notes'.

They are further rewordings of samples of English notes: each pass over the samples takes the next.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence, Set
from itertools import chain, zip_longest

import msgspec

from mlx_backend.dataset.samples import KEYWORDS, Sample
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import QUESTION_WORDS
from mlx_backend.text.synonyms import synonyms_of

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NEW = 4  # further wordings of a question; fewer where there are many samples and few passes
_PROMPTS_IN_ALL = 24_000
_SWAPPED = 0.6  # of the words that have synonyms
_FEWEST_LEFT = 2  # content words of a question
_BESIDE = frozenset({"opening", "restated", "summary", "mention", "linked"})


def with_synonyms(
    samples: Sequence[Sample], english: Set[int], generator: random.Random
) -> list[Sample]:
    """The samples; those of the notes that are `english`, by id, with wordings in other words.

    Questions get new rewordings, of which every other one has fewer words. Keyword prompts, which
    have few words already, get synonyms in every other one of their rewordings.
    """
    new = max(1, min(_NEW, _PROMPTS_IN_ALL // max(1, len(samples))))
    return [
        _reworded(sample, new, generator)
        if sample.note in english and sample.fact and sample.kind not in _BESIDE
        else sample
        for sample in samples
    ]


def _reworded(sample: Sample, new: int, generator: random.Random) -> Sample:
    others = (
        _keywords(sample, generator)
        if sample.kind == KEYWORDS
        else _questions(sample, new, generator)
    )
    return msgspec.structs.replace(sample, rewordings=tuple(others))


def _keywords(sample: Sample, generator: random.Random) -> list[str]:
    made: dict[str, None] = {}
    for number, prompt in enumerate(sample.rewordings):
        other = swapped(prompt, generator) if number % 2 else prompt
        is_new = other not in {sample.prompt, *made} and _asks(other, sample)
        made.setdefault(other if is_new else prompt)
    return list(made)


def _questions(sample: Sample, new: int, generator: random.Random) -> list[str]:
    made: dict[str, None] = {}
    for number in range(new):
        prompt = shortened(sample.prompt, generator) if number % 2 else sample.prompt
        prompt = swapped(prompt, generator)
        if prompt not in {sample.prompt, *sample.rewordings} and _asks(prompt, sample):
            made.setdefault(prompt)
    # By turns, because the passes of a short night take only the first ones.
    turns = chain.from_iterable(zip_longest(made, sample.rewordings))
    return [prompt for prompt in turns if prompt is not None]


def _asks(prompt: str, sample: Sample) -> bool:
    """Whether a prompt does not tell the answer's key."""
    return not is_right(prompt, (sample.key,))


def swapped(prompt: str, generator: random.Random) -> str:
    """A prompt with synonyms for some of its words.

    Names and words of questions stay, and so does what stands before a colon: a title or a name.
    """

    def other(found: re.Match[str]) -> str:
        word = found[0]
        if word in QUESTION_WORDS or not word.islower() or generator.random() >= _SWAPPED:
            return word
        others = synonyms_of(word)
        return generator.choice(others) if others else word

    begin = prompt.find(": ") + 1
    return prompt[:begin] + _WORD.sub(other, prompt[begin:])


def shortened(prompt: str, generator: random.Random) -> str:
    """A prompt without up to half of its content words, but with two of them at least.

    Names and numbers stay, because without them it may ask for something else.
    """
    title, colon, rest = prompt.rpartition(": ")
    words = rest.split(" ")
    content = [word for word in words if _is_content(word)]
    common = [i for i, word in enumerate(words) if _is_content(word) and word.islower() and i]
    most = min(len(content) // 2, len(content) - _FEWEST_LEFT, len(common))
    if most <= 0:
        return prompt
    gone = set(generator.sample(common, generator.randint(1, most)))
    left = " ".join(word for i, word in enumerate(words) if i not in gone)
    return title + colon + (f"{left.rstrip('?')}?" if prompt.endswith("?") else left)


def _is_content(word: str) -> bool:
    bare = word.strip(".,:;?!\"'()“”‘’").lower()
    return bool(bare) and bare not in QUESTION_WORDS
