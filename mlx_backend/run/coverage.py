"""Which facts a run has taught, and which of them the adapter knows: the ledger of an adapter."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence

from mlx_backend.dataset.samples import KEYWORDS, KnownBefore, Sample
from mlx_backend.library.adapters import find_adapter
from mlx_backend.library.home import Library
from mlx_backend.library.ledger import Ledger, LedgerFact
from mlx_backend.protocol import TrainSpec
from mlx_backend.protocol.report import Coverage
from mlx_backend.training.looks import Look


def covered_facts(learned: Sequence[Sample], found: Look) -> list[LedgerFact]:
    """The facts of the samples that were learned; `found` is the look after the training."""
    known, missed = set(found.known), set(found.missed)
    samples: defaultdict[str, list[Sample]] = defaultdict(list)
    for sample in learned:
        if sample.fact and sample.note:
            samples[sample.fact].append(sample)
    return [
        LedgerFact(
            name=fact,
            note=own[0].note,
            wordings=len({sample.prompt for sample in _questions(own)}),
            both_ways=len({s.key.casefold() for s in _questions(own) if s.key}) > 1,
            known=fact in known if fact in known | missed else None,
        )
        for fact, own in sorted(samples.items())
    ]


def _questions(samples: Sequence[Sample]) -> list[Sample]:
    """The samples without keyword prompts, which ask for any word of a fact."""
    return [sample for sample in samples if sample.kind != KEYWORDS]


def coverage_report(facts: Sequence[LedgerFact]) -> Coverage:
    """How many facts were trained, asked for afterwards, and known."""
    return Coverage(
        facts=len(facts),
        asked=sum(fact.known is not None for fact in facts),
        known=sum(fact.known is True for fact in facts),
        both_ways=sum(fact.both_ways for fact in facts),
    )


def known_by_start(
    library: Library, spec: TrainSpec, connection: sqlite3.Connection
) -> KnownBefore:
    """What the ledger says of the adapter that a run goes on with; nothing where it is fresh.

    Raises OvernightError when that adapter is gone.
    """
    if spec.start_from is None:
        return KnownBefore()
    adapter = find_adapter(library.adapters, spec.start_from_id, spec.start_from)
    facts = Ledger(connection).of(adapter.card.id)
    return KnownBefore(
        known=tuple(fact.name for fact in facts if fact.known is True),
        missed=tuple(fact.name for fact in facts if fact.known is False),
    )
