"""What a training found the model to know, and how that changes what the next passes contain.

At each quarter of the steps, once each sample was seen, the model is asked for the facts (`recall`)
and a new pass begins. What it knows by heart is mostly passed over from there on, and what it does
not know comes twice: a model learns most from what it cannot say yet.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

QUARTERS = 4

KNOWN_WEIGHT = 0.25
"""How often a sample of a known fact comes in a pass: in each fourth.

A fact has several samples, so that most passes still have one of them. A smaller share would save
little: of a pass in which half of the facts are known, known ones take a ninth at this weight. And
a fact that is forgotten all the same is found by the next look, and comes twice from then on.
"""

MISSED_WEIGHT = 2.0
"""How often a sample of a fact that the model does not know comes in a pass."""


class Look(msgspec.Struct, frozen=True):
    """What the model knew after `step` steps, in which `passes` passes over the samples had begun.

    known, missed: the facts, by name, that it recalled and did not recall when it was last asked
    for them. Facts in neither were not asked for.
    """

    step: int = 0
    passes: int = 0
    known: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    def following(self, found: Look) -> Look:
        """A later look, `found`, at some of the facts; the others stay as they are here."""
        asked = {*found.known, *found.missed}
        known = {*found.known, *(fact for fact in self.known if fact not in asked)}
        missed = {*found.missed, *(fact for fact in self.missed if fact not in asked)}
        return Look(found.step, found.passes, tuple(sorted(known)), tuple(sorted(missed)))


def is_due(looks: Sequence[Look], step: int, steps: int) -> bool:
    """Whether a quarter of `steps` steps is over since the last look, but not the last quarter."""
    since = looks[-1].step if looks else 0
    return since * QUARTERS // steps < step * QUARTERS // steps < QUARTERS


def looks_in(steps: int, first_pass: int) -> int:
    """How many looks there are in a training whose first pass takes so many steps."""
    if first_pass >= steps:
        return 0
    return QUARTERS - max(1, first_pass * QUARTERS // steps)


def weights(facts: Sequence[str], sizes: Sequence[int], look: Look) -> NDArray[np.float64]:
    """How often each sample comes in a pass after `look`, on average.

    facts: the fact of each sample, "" for none; sizes: in tokens. Samples of no fact, among them
    those against forgetting, keep their share of all tokens.
    """
    known, missed = set(look.known), set(look.missed)
    of_fact = {fact: _weight(fact in known, fact in missed) for fact in set(facts)}
    found = np.array([of_fact[fact] for fact in facts], np.float64)
    has_fact = np.array([bool(fact) for fact in facts], bool)
    tokens = np.array(sizes, np.float64)
    before = tokens[has_fact].sum()
    if before:
        found[~has_fact] = (tokens * found)[has_fact].sum() / before
    return found


def copies(weight: NDArray[np.float64], number: int, seed: Sequence[int]) -> NDArray[np.int64]:
    """How often each sample comes in the pass `number` after a look, counted from 0.

    Over the passes a sample comes as often as its weight says, and which samples of one weight come
    in a pass is drawn with `seed`, once for all passes.
    """
    places = np.random.default_rng(seed).permutation(len(weight))
    offset = (places + 0.5) / max(1, len(weight))
    come: NDArray[np.int64] = (
        np.floor(weight * (number + 1) + offset) - np.floor(weight * number + offset)
    ).astype(np.int64)
    return come


def _weight(is_known: bool, is_missed: bool) -> float:
    if is_missed:
        return MISSED_WEIGHT
    return KNOWN_WEIGHT if is_known else 1.0
