"""Makes one adapter of several of the same base model, and files it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mlx_backend import __version__
from mlx_backend.adapters.answers import answers_of, is_same_answer
from mlx_backend.adapters.filing import file_factors
from mlx_backend.adapters.joining import Joined, joined
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.lane import NOBODY, Turn, in_the_lane
from mlx_backend.library.adapter_names import check_name
from mlx_backend.library.adapters import (
    Adapter,
    AdapterCard,
    Parent,
    new_id,
    read_adapter,
    require_free_name,
)
from mlx_backend.library.bin.folders import FolderBin
from mlx_backend.library.canaries import canaries_kept, canaries_of
from mlx_backend.library.home import Library
from mlx_backend.models import lora
from mlx_backend.models.architecture import token_embeddings
from mlx_backend.models.base_model import LoadedModel, base_for, load_base_model
from mlx_backend.models.lora_factors import layers_of, read_factors
from mlx_backend.training.stop_requests import Check

Weighted = Sequence[tuple[Adapter, float]]


def merge(
    library: Library,
    name: str,
    parts: Sequence[tuple[str, float]],
    rank: int | None = None,
    turn: Turn = NOBODY,
) -> dict[str, object]:
    """File the weighted sum of adapters as a new one called `name`, in the rank asked for.

    Without a rank it is exact; then its answers are compared with theirs together. Returns
    `adapter`, `rank`, `lost` (the share that a lower rank loses), `exact_rank` and `close_rank`,
    the smallest that loses `merge_words.CLOSE` at most. Raises OvernightError when the
    name is taken or not allowed, an adapter is unknown, damaged, of another base model or of the
    kind DoRA, or when there are fewer than two. Where `turn.stop_if_asked` raises,
    nothing is filed.
    """
    name = check_name(name)
    require_free_name(library.adapters, name)
    weighted = [(read_adapter(library.adapters, each), weight) for each, weight in parts]
    _check(weighted)
    base = base_for(library, [adapter for adapter, _ in weighted], weighted[0][0].card.base)
    turn.stop_if_asked()
    with in_the_lane(library, turn, base):
        sums = _filed(library, name, base, weighted, rank, turn.stop_if_asked)
    return {
        "adapter": name,
        "rank": sums.rank,
        "lost": sums.error,
        "exact_rank": sums.exact_rank,
        "close_rank": sums.close_rank,
    }


def _filed(
    library: Library, name: str, base: str, weighted: Weighted, rank: int | None, check: Check
) -> Joined:
    """Add them up and file the sum."""
    loaded = load_base_model(library, base)
    check()
    layers = dict(layers_of(loaded.model))
    sums = joined([(read_factors(each, layers), weight) for each, weight in weighted], rank)
    if not sums.error:
        _compare(loaded, weighted, sums)
    check()
    with FolderBin(library.bin).alone():
        require_free_name(library.adapters, name)
        card = _card(name, loaded, weighted, sums)
        seen = [c for adapter, _ in weighted for c in canaries_of(library, adapter.card.id)]
        with canaries_kept(library, card.id, seen):
            file_factors(library.adapters, card, loaded, sums.factors)
    return sums


def _compare(loaded: LoadedModel, weighted: Weighted, sums: Joined) -> None:
    """Raise OvernightError where the sum answers otherwise than all of them together."""
    lora.apply_adapters(loaded.model, weighted)
    together = answers_of(loaded)
    lora.apply_factors(loaded.model, sums.factors)
    pairs = zip(answers_of(loaded), together, strict=True)
    if not all(is_same_answer(one, other) for one, other in pairs):
        raise OvernightError(
            ErrorKind.INTERNAL,
            "The merged adapter does not answer as its parts do together.",
            "Nothing was filed. Please report this with the log.",
        )


def _check(weighted: Weighted) -> None:
    if len({adapter.card.id for adapter, _ in weighted}) < max(2, len(weighted)):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "Merging takes at least two different adapters.",
            "Name them with their weights: `overnight merge NEW ONE:0.7 OTHER:0.5`.",
        )
    decomposed = next((each.name for each, _ in weighted if each.card.decomposed), None)
    if decomposed is not None:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"'{decomposed}' is of the kind DoRA, whose changes do not add up with others.",
            "Merge adapters of the kinds LoRA and rsLoRA.",
        )
    if not any(weight for _, weight in weighted):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "With all weights 0, the merged adapter would change nothing.",
            "Give at least one a weight other than 0.",
        )


def _card(name: str, loaded: LoadedModel, weighted: Weighted, sums: Joined) -> AdapterCard:
    cards = [adapter.card for adapter, _ in weighted]
    embeddings = {key for key, _ in token_embeddings(loaded.model)}
    return AdapterCard(
        name=name,
        id=new_id(),
        base=loaded.info.card.name,
        base_sha256=loaded.info.card.sha256,
        created=time.time(),
        run="",
        rank=sums.rank,
        scale=1.0,
        lost=sums.error,
        embeddings=bool(embeddings & set(sums.factors)),
        steps=sum(card.steps for card in cards),
        notes=sum(card.notes for card in cards),
        samples=sum(card.samples for card in cards),
        overnight=__version__,
        parents=tuple(
            Parent(id=adapter.card.id, name=adapter.name, weight=weight)
            for adapter, weight in weighted
        ),
    )
