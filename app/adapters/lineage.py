"""Where an adapter came from and what was made of it, in sentences that can lead to the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.text import amounts
from mlx_backend.library.adapters import Adapter, Origin, Parent

_MOST_NAMED = 5
_FEW = 0.1
_KEPT_TOGETHER = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Piece:
    """A part of a sentence. `leads_to` is the adapter that it names, "" where that is not there."""

    text: str
    leads_to: str = ""


@dataclass(frozen=True)
class Sentence:
    """One thing to say of an adapter."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The whole sentence."""
        return " ".join(piece.text for piece in self.pieces)


def lineage(adapter: Adapter, there: Sequence[Adapter], now: float) -> tuple[Sentence, ...]:
    """What is known of where `adapter` came from; `there` are all adapters of the library.

    now: Unix time; a date of another year is said with its year.
    """
    said = (
        _received(adapter.card.origin, now),
        _made_of(adapter, there),
        _lost(adapter),
        *_made_of_it(adapter, there),
    )
    return tuple(sentence for sentence in said if sentence is not None)


def came_from(adapter: Adapter, there: Sequence[Adapter]) -> Adapter | None:
    """The adapter that this one went on from; None where there is none, or no more."""
    parents = adapter.card.parents
    if len(parents) != 1 or parents[0].id == adapter.card.id:
        return None
    return _by_id(there).get(parents[0].id)


def _received(origin: Origin | None, now: float) -> Sentence | None:
    if origin is None:
        return None
    is_this_year = time.localtime(origin.received).tm_year == time.localtime(now).tm_year
    on = amounts.date(origin.received, with_year=not is_this_year)
    key = origin.fingerprint.replace(" ", _KEPT_TOGETHER)
    by = f"signed by {origin.by} (key {key})" if origin.by else "not signed"
    return Sentence((Piece(f"Received on {on} from {origin.place}, {by}."),))


def _made_of(adapter: Adapter, there: Sequence[Adapter]) -> Sentence | None:
    parents = adapter.card.parents
    if not parents:
        return None
    by_id = _by_id(there)
    if len(parents) == 1:
        return _sentence("Went on from", [_named(parents[0], by_id)])
    return _sentence("Merged from", [_named(parent, by_id, weighted=True) for parent in parents])


def _lost(adapter: Adapter) -> Sentence | None:
    """What merging in a lower rank cost."""
    rank, lost = adapter.card.rank, adapter.card.lost
    if not lost or len(adapter.card.parents) < 2:
        return None
    away = amounts.number(lost * 100, 1 if lost < _FEW else 0)
    return Sentence(
        (Piece(f"In rank {amounts.number(rank)}, it is {away} percent away from their exact sum."),)
    )


def _made_of_it(adapter: Adapter, there: Sequence[Adapter]) -> list[Sentence]:
    own = adapter.card.id
    children = sorted(there, key=lambda other: other.card.created)
    children = [other for other in children if own in _parents(other) and other.card.id != own]
    went_on = [_link(other) for other in children if len(other.card.parents) == 1]
    merged = [_link(other) for other in children if len(other.card.parents) > 1]
    was = "were" if len(merged) > 1 else "was"
    said = ((went_on, "went on from it."), (merged, f"{was} merged from it and others."))
    return [Sentence((Piece("Later"), *_listed(names), Piece(end))) for names, end in said if names]


def _sentence(begin: str, names: Sequence[Piece]) -> Sentence:
    *others, last = _listed(names)
    return Sentence((Piece(begin), *others, Piece(f"{last.text}.", last.leads_to)))


def _listed(names: Sequence[Piece]) -> list[Piece]:
    """'A', 'A' 'and' 'B', 'A,' 'B' 'and' 'C': at most so many of them by name."""
    shown, more = list(names[:_MOST_NAMED]), len(names) - _MOST_NAMED
    if more > 0:
        shown.append(Piece(f"{amounts.number(more)} more"))
    *before, last = shown
    if not before:
        return [last]
    *first, second_last = before
    return [
        *(Piece(f"{each.text},", each.leads_to) for each in first),
        second_last,
        Piece("and"),
        last,
    ]


def _named(parent: Parent, by_id: dict[str, Adapter], weighted: bool = False) -> Piece:
    found = by_id.get(parent.id)
    name = found.name if found is not None else parent.name
    weight = f" ({amounts.weight(parent.weight)})" if weighted else ""
    return Piece(f"“{name}”{weight}", name if found is not None else "")


def _link(adapter: Adapter) -> Piece:
    return Piece(f"“{adapter.name}”", adapter.name)


def _parents(adapter: Adapter) -> set[str]:
    return {parent.id for parent in adapter.card.parents}


def _by_id(there: Sequence[Adapter]) -> dict[str, Adapter]:
    return {adapter.card.id: adapter for adapter in there}
