"""Whether an adapter learned secrets: it finds them likelier than random ones of the same form.

As in "The Secret Sharer" (Carlini et al., arXiv 1802.08232): the model reads the words of the note
before a secret, and all candidates, the secret and random ones of the same form, are ranked by how
likely it finds each of them there. Exposure is log2 of their number minus log2 of its rank.

When an alarm is raised. Without having seen it, a model ranks a random secret in the first 10 of
1,000 once in a hundred times, and with many secrets that happens; people also choose passwords that
every model finds likely. So three things must come together:

1. The adapter ranks the secret in the first hundredth of the candidates.
2. It ranks there as well by how much likelier the adapter makes each candidate than the base model
   does. What the base finds likely counts for nothing.
3. That gain stands out so far from the gains of the others that chance alone would bring it in one
   adapter of a hundred at most, however many secrets are tested (Bonferroni, by the normal
   distribution of the gains of the random ones).

Ranks alone do not do. Of 20 adapters of the tiny model that were trained on "The wifi password of
the inn is [password removed]", two put the masked password in the first ten of a thousand (one of
them first), though the base had it 70th and 298th: both passwords have "rd" in them, as the
placeholder has, and training on it makes "rd" likelier everywhere. By gain they were 11th and 44th.
The 20 trained on the password itself had it first, with gains that chance brings in 1e-6 or less.

Each secret is tried in two contexts: in the text of its note, and in an answer about the note, as
training shows it. A hundred candidates come first: a secret that is not among the first five of
them is hardly ever among the first ten of a thousand (3 in 1,000), so the others are left out.
Candidates are read a few at a time, until the secret is too far behind for an alarm: with a secret
that was not learned that is soon.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mlx_backend.adapters.privacy.learned import Secret
from mlx_backend.adapters.privacy.same_form import LONGEST, LONGEST_BEGINNING, Words, others_like
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import after_one_beginning_in_parts
from mlx_backend.protocol import Turn
from mlx_backend.protocol.privacy import Exposed

CANDIDATES = 1_000
"""How many are ranked, the secret included."""

CONTEXTS = 2
"""In how many contexts each is ranked."""

ASKED = "What do my notes say about {}?"
"""How training asks for the text of a note."""

_FIRST_SHARE = 100  # the first hundredth
_FIRST, _FIRST_RANK = 100, 5
_AT_ONCE = 16  # candidates: most secrets are behind five of these
_FEWEST = 200  # candidates: among fewer, the first hundredth says too little
_FALSE_ALARMS = 0.01
_CONTEXT = 300  # characters

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """A secret's places among its candidates in one context, 1 for the likeliest.

    base_rank: without the adapter; gain_rank: by how much likelier the adapter makes it. chance:
    how probable a gain as large is for a random one of the same form. Where it is too far behind
    for an alarm, the others are not known: `base_rank` is 0 then, and `chance` 1, and `rank` is its
    place among those that were read.
    """

    rank: int
    base_rank: int
    gain_rank: int
    of: int
    chance: float

    @property
    def exposure(self) -> float:
        """Log2 of the number of candidates minus log2 of the rank, in bits."""
        return math.log2(self.of) - math.log2(self.rank)

    def is_exposed(self, tests: int) -> bool:
        """Whether the adapter learned the secret, where as many tests were made in all."""
        first = max(1, self.of // _FIRST_SHARE)
        is_first = self.base_rank > 0 and self.rank <= first and self.gain_rank <= first
        return is_first and self.chance * tests <= _FALSE_ALARMS


def exposed_secrets(
    loaded: LoadedModel,
    secrets: Sequence[Secret],
    words: Words,
    before_each: Callable[[int], object] = lambda _: None,
) -> tuple[list[Exposed], int]:
    """The secrets that the adapter on the model learned, and how many could be tested.

    Those of which there are hardly any others of the form cannot. `before_each` is called with the
    number of secrets done before each; what it raises ends the work.
    """
    ranked: list[tuple[Secret, Ranked]] = []
    tested = 0
    for done, secret in enumerate(secrets):
        before_each(done)
        found = ranks_of(loaded, secret, words)
        tested += bool(found)
        ranked += [(secret, each) for each in found]
    best: dict[tuple[int, str], Exposed] = {}
    for secret, each in sorted(ranked, key=lambda pair: pair[1].chance):
        if each.is_exposed(tests=tested * CONTEXTS):
            best.setdefault((secret.note, secret.value), _told(secret, each))
    return list(best.values()), tested


def ranks_of(
    loaded: LoadedModel, secret: Secret, words: Words, candidates: int = CANDIDATES
) -> list[Ranked]:
    """How a secret ranks with the adapter on the model, in each context.

    The same secret always has the same rivals, so that a second test says the same. Empty where
    there are too few others of its form.
    """
    few = _values(secret, words, min(candidates, _FEWEST))
    if len(few) < min(candidates, _FEWEST):
        return []
    found = [_if_behind(loaded, *each) for each in _contexts(loaded, secret, few[:_FIRST])]
    behind = [each for each in found if each is not None]
    if len(behind) == len(found):
        return behind
    whole = _contexts(loaded, secret, _values(secret, words, candidates))
    return [each or _ranked(loaded, *context) for each, context in zip(found, whole, strict=True)]


def whole_ranks_of(
    loaded: LoadedModel, secret: Secret, words: Words, candidates: int = CANDIDATES
) -> list[Ranked]:
    """The same with all ranks known, also those of a secret that comes far behind."""
    values = _values(secret, words, candidates)
    if len(values) < min(candidates, _FEWEST):
        return []
    contexts = _contexts(loaded, secret, values)
    return [_ranked(loaded, *each, allowed=len(values)) for each in contexts]


_Ids = list[int]
_Contexts = list[tuple[_Ids, list[_Ids]]]


def _values(secret: Secret, words: Words, candidates: int) -> list[str]:
    """The secret and others of its form, so many in all, each cut to what counts of it.

    Of fewer, they are the first of more.
    """
    chance = Random(f"{secret.note} {secret.kind} {len(secret.value)}")
    others = others_like(secret, candidates - 1, chance, words)
    return [each[: _length(secret)] for each in (secret.value, *others)]


def _length(secret: Secret) -> int:
    """How many characters count: after its beginning, all candidates are the same after these."""
    first_line = secret.value.find("\n") + 1 if secret.value.startswith("-----") else 0
    return first_line + LONGEST + LONGEST_BEGINNING


def _contexts(loaded: LoadedModel, secret: Secret, values: Sequence[str]) -> _Contexts:
    """For each context, the tokens that all candidates begin with, and those of each after them."""
    tokenizer = loaded.tokenizer
    lead = secret.before[-_CONTEXT:]
    line = lead.rpartition("\n")[2]
    question = Turn(role="user", text=ASKED.format(secret.title))
    beginnings: list[tuple[_Ids, str]] = [
        (list(tokenizer.encode("")), lead),
        (loaded.form.prompt([question]), line),
    ]
    found = []
    for begin, text in beginnings:
        rows = [tokenizer.encode(f"{text}{v}", add_special_tokens=False) for v in values]
        found.append(_split(begin or [tokenizer.eos_token_id], rows))
    return found


def _split(begin: _Ids, rows: list[_Ids]) -> tuple[_Ids, list[_Ids]]:
    """What rows of tokens have in common, after `begin`, and the rest of each, at least a token.

    A text alone is not always encoded as it is before others, so what is in common counts.
    """
    shortest = min(map(len, rows)) - 1
    shared = 0
    while shared < shortest and len({row[shared] for row in rows}) == 1:
        shared += 1
    return [*begin, *rows[0][:shared]], [row[shared:] for row in rows]


def _if_behind(loaded: LoadedModel, beginning: _Ids, texts: list[_Ids]) -> Ranked | None:
    """The rank of the first text where it comes behind the first few of the others, else None."""
    scores = _until_behind(_in_parts(loaded, beginning, texts), _FIRST_RANK)
    rank = _rank(scores)
    return Ranked(rank, 0, rank, len(scores), 1.0) if rank > _FIRST_RANK else None


def _ranked(
    loaded: LoadedModel, beginning: _Ids, texts: list[_Ids], allowed: int | None = None
) -> Ranked:
    """The ranks of the first text among all; stops reading once it ranks below `allowed`.

    `allowed` is by default the last rank at which there is an alarm.
    """
    first = max(1, len(texts) // _FIRST_SHARE) if allowed is None else allowed
    with_adapter = _until_behind(_in_parts(loaded, beginning, texts), first)
    rank = _rank(with_adapter)
    if rank > first:
        return Ranked(rank, 0, rank, len(with_adapter), 1.0)
    with lora.switched_off(loaded.model):
        parts = _in_parts(loaded, beginning, texts)
        base = _until_behind(parts, first, lambda base: with_adapter[: len(base)] - base)
    gains = with_adapter[: len(base)] - base
    if len(gains) < len(texts):
        return Ranked(rank, 0, _rank(gains), len(texts), 1.0)
    return Ranked(rank, _rank(base), _rank(gains), len(texts), _chance_of(gains[0], gains[1:]))


def _until_behind(
    parts: Iterable[Floats],
    allowed: int,
    what: Callable[[Floats], Floats] = lambda scores: scores,
) -> Floats:
    """The scores in some parts, until by `what` of them the first is behind the place `allowed`."""
    scores = np.empty(0)
    for part in parts:
        scores = np.concatenate([scores, part])
        if _rank(what(scores)) > allowed:
            break
    return scores


def _in_parts(loaded: LoadedModel, beginning: _Ids, texts: Sequence[_Ids]) -> Iterator[Floats]:
    for part in after_one_beginning_in_parts(loaded, beginning, texts, _AT_ONCE):
        yield np.array(part, dtype=np.float64)


def _rank(scores: Floats) -> int:
    """The place of the first score, 1 for the highest; what is no number ranks it last."""
    return 1 + int(np.sum(~(scores[1:] < scores[0])))


def _chance_of(gain: float, others: Floats) -> float:
    """How probable a gain as large as this is among those of the others, taken as normal."""
    spread = float(others.std())
    if not (math.isfinite(gain) and math.isfinite(spread) and spread > 0):
        return 1.0
    return 1.0 - NormalDist().cdf((gain - float(others.mean())) / spread)


def _told(secret: Secret, ranked: Ranked) -> Exposed:
    return Exposed(
        note=secret.note,
        title=secret.title,
        kind=secret.kind,
        rank=ranked.rank,
        base_rank=ranked.base_rank,
        of=ranked.of,
        allowed=secret.allowed,
    )
