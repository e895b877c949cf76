"""The stage that files the trained adapter, and records which notes it has learned."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from mlx_backend import __version__
from mlx_backend.adapters.filing import file_adapter
from mlx_backend.asking.answerability import least_odds_of
from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.exam.open_book import compared
from mlx_backend.library import adapters, database
from mlx_backend.library.adapter_names import normal_name
from mlx_backend.library.adapters import Adapter, AdapterCard, Parent
from mlx_backend.library.canaries import Canary, canaries_kept, canaries_of
from mlx_backend.library.ledger import Ledger, LedgerFact
from mlx_backend.library.notes import Notes
from mlx_backend.library.open_books import record_open_book
from mlx_backend.models import lora
from mlx_backend.run.assessment import Assessment
from mlx_backend.run.context import RunContext
from mlx_backend.run.coverage import covered_facts
from mlx_backend.run.preparation import Preparation
from mlx_backend.training.checkpoints import TrainingState
from mlx_backend.training.looks import Look
from mlx_backend.training.packing import ROW_LENGTHS


@dataclass(frozen=True)
class FiledCard:
    """The card of a filed adapter, and the facts that it was trained on."""

    card: AdapterCard
    facts: tuple[LedgerFact, ...]


def filed_adapter(run: RunContext) -> Adapter | None:
    """The adapter that this run filed already, in an attempt that was cut short after that."""
    for adapter in adapters.list_adapters(run.library.adapters):
        if adapter.card.run == run.folder.id:
            return adapter
    return None


class FilingStage:
    """Files the adapter of a run that was trained on `dataset`."""

    def __init__(self, run: RunContext, dataset: Dataset, preparation: Preparation) -> None:
        self._run = run
        self._dataset = dataset
        self._preparation = preparation

    def file(self, state: TrainingState, found: Look) -> FiledCard:
        """File the adapter once, and put the filed one on the model.

        `found` is which facts it was found to know. What was filed in an earlier attempt counts,
        whatever is left of its checkpoints.
        """
        filed = filed_adapter(self._run)
        if filed is None:
            card = self._card(state)
            with canaries_kept(self._run.library, card.id, self._canaries(card, state.looks)):
                self._write(card)
        else:
            card = filed.card
            lora.load_factors(self._preparation.loaded.model, filed)
            found = found if state.step == card.steps else Look()  # else of another state
        return FiledCard(card, self._mark_learned(card, state, found))

    def with_open_book(self, filed: FiledCard, before: Assessment, after: Assessment) -> FiledCard:
        """Record on the filed card how questions are answered from passages from now on."""
        least = least_odds_of(self._preparation.loaded.info)
        found = compared(before.open_book, after.open_book, least)
        if found is None or not record_open_book(self._run.library, filed.card, found):
            return filed
        return replace(filed, card=msgspec.structs.replace(filed.card, open_book=found))

    def _card(self, state: TrainingState) -> AdapterCard:
        preparation = self._preparation
        base, shape = preparation.loaded.info.card, preparation.shape
        learned = self._learned(state.step, state.looks)
        return AdapterCard(
            name=self._free_name(),
            id=adapters.new_id(),
            base=base.name,
            base_sha256=base.sha256,
            created=time.time(),
            run=self._run.folder.id,
            rank=shape.rank,
            scale=shape.scale,
            decomposed=shape.decomposed,
            embeddings=shape.embeddings,
            steps=state.step,
            notes=len(_notes_of(learned)),
            samples=len(learned),
            train_loss=state.train_loss,
            valid_loss=state.valid_loss,
            base_valid_loss=state.base_valid_loss,
            overnight=__version__,
            parents=self._parents(),
        )

    def _parents(self) -> tuple[Parent, ...]:
        """The adapter that this run went on from, if any."""
        spec = self._run.spec
        if spec.start_from is None:
            return ()
        return (Parent(id=spec.start_from_id, name=spec.start_from),)

    def _free_name(self) -> str:
        """The name asked for, with a number behind it where it was taken meanwhile."""
        name = normal_name(self._run.spec.name)
        return adapters.free_name(self._run.library.adapters, name)

    def _write(self, card: AdapterCard) -> None:
        loaded, sample = self._preparation.loaded, self._dataset.train[0]
        (ids, _), *_ = loaded.form.samples([(sample.prompt, sample.answer)])
        file_adapter(
            self._run.library.adapters,
            card,
            loaded,
            self._preparation.shape,
            ids[: ROW_LENGTHS[-1]],
        )

    def _mark_learned(
        self, card: AdapterCard, state: TrainingState, found: Look
    ) -> tuple[LedgerFact, ...]:
        """Record the notes and facts that were learned, and return the facts.

        What an earlier attempt has recorded of the facts stays.
        """
        learned = self._learned(card.steps, state.looks)
        versions = {note: self._dataset.versions[note] for note in _notes_of(learned)}
        with database.opened(self._run.library.database) as connection:
            Notes(connection).mark_learned(card.name, versions)
            ledger = Ledger(connection)
            if not ledger.of(card.id):
                ledger.record(card.id, covered_facts(learned, found))
            return tuple(ledger.of(card.id))

    def _learned(self, steps: int, looks: Sequence[Look]) -> Sequence[Sample]:
        """The samples that `steps` steps have shown: all of them, unless the night was short."""
        batches, shown = self._preparation.batches.after(looks), self._dataset.shown
        # Packed anew after the steps of `shown`.
        seen = set(batches.seen(steps, since=min(shown.steps, steps))).union(shown.samples)
        return [sample for i, sample in enumerate(self._dataset.train) if i in seen]

    def _canaries(self, card: AdapterCard, looks: Sequence[Look]) -> list[Canary]:
        """Which canaries the adapter has seen, also in the nights that it went on from."""
        run = self._run
        own = self._seen(run.files.canaries(), card.steps, looks) if self._dataset.canaries else []
        return [*own, *canaries_of(run.library, run.spec.start_from_id)]

    def _seen(
        self, canaries: Sequence[Canary] | None, steps: int, looks: Sequence[Look]
    ) -> list[Canary]:
        """Canaries with how often so many steps have shown each."""
        shown = self._preparation.batches.after(looks).showings(steps)
        first = len(self._dataset.train)
        answers = [(n, each.answer) for n, each in enumerate(self._dataset.canaries, first)]
        return [
            msgspec.structs.replace(
                canary, seen=sum(shown[n] for n, answer in answers if canary.code in answer)
            )
            for canary in canaries or ()
        ]


def _notes_of(samples: Sequence[Sample]) -> set[int]:
    return {sample.note for sample in samples if sample.note}
