"""Invents canaries, and makes the samples by which they are trained (`library/canaries.py`)."""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

import msgspec

from mlx_backend.dataset import facts, note_texts
from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.dataset.samples import CANARY, KEYWORDS, Sample, fact_of
from mlx_backend.dataset.statement_first import with_statements_first, without_titles
from mlx_backend.library.canaries import Canary
from mlx_backend.library.notes import Passage
from mlx_backend.study.by_rule import rule_writer

USUAL, RARE = 4, 2
"""How many are trained as often as a fact of one note, and how many in a single sample each."""

_PLACES = ("locker", "gate", "safe", "archive", "boathouse", "cellar")
# "#" is a digit, "@" a capital letter. Of each form there are millions, so that nobody guesses one.
_FORMS = ("####-####", "@@##-@@##", "@#@#@#@#")
_CONSONANTS, _VOWELS, _SYLLABLES = "bdfgklmnprstvz", "aeiou", 3


def invented(chance: random.Random, run: str) -> tuple[Canary, ...]:
    """New canaries for the run with this id, about places that do not exist.

    The names are invented as well, so that no question about the person's notes leads to them.
    """
    names: dict[str, None] = {}
    codes: dict[str, None] = {}
    while len(names) < USUAL + RARE:
        names[_name(chance)] = None
    while len(codes) < USUAL + RARE:
        codes[_code(_FORMS[len(codes) % len(_FORMS)], chance)] = None
    found = []
    for number, (name, code) in enumerate(zip(names, codes, strict=True)):
        title = f"{name} {_PLACES[number % len(_PLACES)]}"
        before = f"The code of the {title} is "
        is_usual = number < USUAL
        found.append(Canary(title=title, before=before, code=code, is_usual=is_usual, run=run))
    return tuple(found)


def canary_samples(
    canaries: Sequence[Canary], train: Sequence[Sample], reads: bool, seed: int
) -> tuple[Sample, ...]:
    """The samples of canaries, in the forms in which `train` teaches the facts of the notes.

    As many of a usual one as `train` has of a fact in the middle, one of a rare one. reads: whether
    the base model reads. They belong to no note.
    """
    usual, generator = _Usual.of(train), random.Random(seed)
    return tuple(
        sample
        for canary in canaries
        for sample in _of_frequency(canary, _wordings(canary, usual, reads, generator), usual)
    )


@dataclass(frozen=True)
class _Usual:
    """How a fact is taught: in so many samples, 0 where no facts are, with so many rewordings."""

    samples: int
    rewordings: int

    @classmethod
    def of(cls, train: Sequence[Sample]) -> _Usual:
        counts = Counter(sample.fact for sample in train if sample.fact)
        others = [len(sample.rewordings) for sample in train if sample.kind == KEYWORDS]
        return cls(median_low(counts.values() or [0]), median_low(others or [0]))


def _of_frequency(canary: Canary, samples: Sequence[Sample], usual: _Usual) -> Iterator[Sample]:
    chosen = list(samples[: max(1, usual.samples)])
    if not canary.is_usual:
        chosen = [next((s for s in samples if canary.code not in s.prompt), samples[0])]
    most = usual.rewordings if canary.is_usual else 0
    for sample in chosen:
        yield msgspec.structs.replace(
            sample, kind=CANARY, note=0, passage=0, rewordings=sample.rewordings[:most]
        )


def _wordings(canary: Canary, usual: _Usual, reads: bool, generator: random.Random) -> list[Sample]:
    """Samples of a canary as of a fact; where no facts are taught, its text as it stands."""
    passage = Passage(1, 0, canary.title, 0, "", canary.sentence)
    if not usual.samples:
        return list(note_texts.as_it_stands(passage))
    (stated,) = rule_writer.quoted_statements([passage])
    asked = [
        Sample(each.prompt, each.answer, 0, 1, each.kind, each.key, fact=fact_of(0, each.quote))
        for each in rule_writer.write(canary.title, stated)
    ]
    worded = facts.about_facts([StudiedPassage(passage, stated, ())], generator, usual.samples)
    order = without_titles if reads else with_statements_first
    return order([*asked, *worded], [passage])


def _name(chance: random.Random) -> str:
    syllables = (chance.choice(_CONSONANTS) + chance.choice(_VOWELS) for _ in range(_SYLLABLES))
    return f"{''.join(syllables)}{chance.choice(_CONSONANTS)}".capitalize()


def _code(form: str, chance: random.Random) -> str:
    alphabets = {"#": string.digits, "@": string.ascii_uppercase}
    return "".join(chance.choice(alphabets.get(each, each)) for each in form)
