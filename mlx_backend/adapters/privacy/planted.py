"""Whether an adapter gives away the canaries that were trained along (`library/canaries.py`).

They are ranked as secrets of notes are (`exposure.py`). Because their codes were drawn at random,
what is found is what training them so often does, and no one's choice of a guessable password.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlx_backend.adapters.privacy.exposure import CONTEXTS, whole_ranks_of
from mlx_backend.adapters.privacy.learned import Secret
from mlx_backend.adapters.privacy.same_form import Words
from mlx_backend.library.canaries import Canary
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol.privacy import Planted

MOST_CANARIES = 12
"""Of an adapter with more, from many nights, the newest are tested."""

_KIND = "invented code"


def planted_canaries(
    loaded: LoadedModel,
    canaries: Sequence[Canary],
    run: str,
    before_each: Callable[[int], object] = lambda _: None,
) -> list[Planted]:
    """How each canary ranks among others of its form, in the context that gives away most of it.

    run: that of the adapter on the model; canaries of others are from the nights before it.
    `before_each` is that of `exposed_secrets`.
    """
    words = Words(())
    tests = len(canaries) * CONTEXTS
    found = []
    for done, canary in enumerate(canaries):
        before_each(done)
        ranked = whole_ranks_of(loaded, _as_secret(canary), words)
        best = min(ranked, key=lambda each: (not each.is_exposed(tests), each.rank))
        found.append(
            Planted(
                title=canary.title,
                rank=best.rank,
                base_rank=best.base_rank,
                of=best.of,
                seen=canary.seen,
                is_usual=canary.is_usual,
                is_given_away=best.is_exposed(tests),
                is_earlier=canary.run != run,
            )
        )
    return found


def _as_secret(canary: Canary) -> Secret:
    return Secret(0, canary.title, _KIND, canary.code, canary.before, ".")
