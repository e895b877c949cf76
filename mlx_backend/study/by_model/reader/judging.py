"""Whether two answers to a question mean the same.

As texts first, which costs nothing: an answer that has the other's words, and hardly more, says
what it says. Else the model is asked, in both orders, because small models prefer one place to the
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import mlx.core as mx

from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import batched_logits
from mlx_backend.study.by_model.reader.prompting import UNKNOWN, judging_turns
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.words import folded_words

_MOST_BESIDE = 2  # words
_YES, _NO = ("yes", "Yes"), ("no", "No")


@dataclass(frozen=True)
class Pair:
    """Two answers to a question."""

    question: str
    one: str
    other: str


def says(text: str, key: str) -> bool:
    """Whether a text has all words of the key, in any order, or is a good piece of it."""
    if is_right(text, (key,)):
        return True
    own, wanted = set(folded_words(text)), set(folded_words(key))
    if not own or not wanted:
        return False
    return wanted <= own or (own <= wanted and 2 * len(own) >= len(wanted))


def says_only(text: str, key: str, question: str) -> bool:
    """Whether a text says the key and little else; the words of the question do not count."""
    more = set(folded_words(text)) - set(folded_words(f"{key} {question}"))
    return says(text, key) and len(more) <= max(_MOST_BESIDE, len(set(folded_words(key))))


def declines(text: str) -> bool:
    """Whether a reading says that the passage does not tell, or nothing at all."""
    return folded_words(text) in ([], [UNKNOWN])


def share_named(text: str, items: str) -> float:
    """The share of a list's lines of which a text has a word that is in no other line."""
    lines = [set(folded_words(line)) for line in items.split("\n")]
    words = set(folded_words(text))
    others = [set().union(*lines[:i], *lines[i + 1 :]) for i in range(len(lines))]
    return mean(bool((line - other) & words) for line, other in zip(lines, others, strict=True))


def agreement(loaded: LoadedModel, pairs: Sequence[Pair]) -> list[float]:
    """By how much the model rather says yes than no: the log odds (nats), the mean of both orders.

    Asked whether the two answers say the same.
    """
    form = loaded.form
    prompts = []
    for pair in pairs:
        prompts.append(form.prompt(judging_turns(pair.question, pair.one, pair.other)))
        prompts.append(form.prompt(judging_turns(pair.question, pair.other, pair.one)))
    odds = [0.0] * len(prompts)
    yes, no = (_first_tokens(loaded, words) for words in (_YES, _NO))
    # One more token each, because the logits are those of each next token of the rows.
    for chosen, _, logits in batched_logits(loaded, [[*prompt, 0] for prompt in prompts]):
        for row, i in enumerate(chosen):
            last = logits[row, len(prompts[i]) - 1].astype(mx.float32)
            odds[i] = float(mx.logsumexp(last[yes]) - mx.logsumexp(last[no]))
    return [(one + other) / 2 for one, other in zip(odds[::2], odds[1::2], strict=True)]


def _first_tokens(loaded: LoadedModel, words: Sequence[str]) -> mx.array:
    ids = {loaded.tokenizer.encode(word, add_special_tokens=False)[0] for word in words}
    return mx.array(sorted(ids))
