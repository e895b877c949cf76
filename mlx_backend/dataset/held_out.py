"""Questions held out of training for the exam, and keeping their wordings out of training."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from mlx_backend.dataset import facts
from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.dataset.samples import Sample
from mlx_backend.library.samples import StoredSample
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import stems

HELD_OUT_SHARE = 0.1
HELD_OUT_MOST = 64
_LIKE = 0.75  # share of the stems in common from which on two wordings are alike


def set_aside(
    studied: Sequence[StudiedPassage], generator: random.Random, titled: bool = True
) -> tuple[list[Sample], set[tuple[str, str]]]:
    """Choose questions for the exam, at random, at most one for each quote.

    Only facts that other samples ask for in other words lose a question. `titled`: whether the
    questions need the title of their note, because they do not stand by themselves. Returns the
    held-out samples, and (prompt, answer) of those so like them that they must not be trained.
    """
    candidates = []
    total = 0
    for each in studied:
        total += len(each.samples)
        for stored in each.samples:
            others = [o for o in each.samples if o.quote == stored.quote and not _alike(o, stored)]
            title = each.passage.note_title
            prompt = facts.titled_question(title, stored.prompt) if titled else stored.prompt
            is_question = stored.key and stored.prompt.endswith("?") and not stored.choice
            if is_question and others and not is_right(prompt, (stored.key,)):
                candidates.append((each, stored, prompt))
    size = min(HELD_OUT_MOST, int(total * HELD_OUT_SHARE), len(candidates) // 3)
    held_out: list[Sample] = []
    near: set[tuple[str, str]] = set()
    quotes: set[str] = set()
    for each, stored, prompt in generator.sample(candidates, len(candidates)):
        if len(held_out) == size:
            break
        if stored.quote in quotes:
            continue
        quotes.add(stored.quote)
        passage = each.passage
        held_out.append(
            Sample(prompt, stored.answer, passage.note_id, passage.id, stored.kind, stored.key)
        )
        for other in each.samples:
            if other.quote == stored.quote and _alike(other, stored):
                own_title = facts.titled_question(passage.note_title, other.prompt)
                near |= {(other.prompt, other.answer), (own_title, other.answer)}
    return held_out, near


def without(
    samples: Sequence[Sample], withheld: set[tuple[str, str]], held_out: Sequence[Sample]
) -> list[Sample]:
    """The samples without prompts that are withheld, or like a held-out one of the same answer."""
    exam: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for sample in held_out:
        exam[sample.answer].append(stems(sample.prompt))

    def may_be_asked(prompt: str, answer: str) -> bool:
        asked = exam.get(answer, ())
        is_like_one = any(_are_alike(stems(prompt), each) for each in asked)
        return (prompt, answer) not in withheld and not is_like_one

    found = []
    for sample in samples:
        prompts = (sample.prompt, *sample.rewordings)
        allowed = [prompt for prompt in prompts if may_be_asked(prompt, sample.answer)]
        if allowed:
            first, *others = allowed
            found.append(msgspec.structs.replace(sample, prompt=first, rewordings=tuple(others)))
    return found


def _alike(one: StoredSample, other: StoredSample) -> bool:
    return _are_alike(stems(one.prompt), stems(other.prompt))


def _are_alike(words: frozenset[str], others: frozenset[str]) -> bool:
    return len(words & others) >= _LIKE * len(words | others)
