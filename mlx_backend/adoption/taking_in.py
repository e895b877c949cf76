"""The way of every model into the library, once all its files are in one folder."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.adoption.checks.acceptance import check_whole
from mlx_backend.adoption.checks.configuration import read_configuration
from mlx_backend.adoption.digests import digest_of_weights, digests_in
from mlx_backend.adoption.filing import file_model, usable_name
from mlx_backend.adoption.forms.precision import told_already
from mlx_backend.adoption.forms.quantising import (
    PROBED_FROM,
    QUANTISED,
    OnProgress,
    Watch,
    quantise,
)
from mlx_backend.adoption.trial.trial import try_model, try_tokenizer
from mlx_backend.adoption.work import Work
from mlx_backend.jobs.lane import Turn, in_the_lane
from mlx_backend.jobs.pace import Pace
from mlx_backend.library.abilities import Abilities, Quantised
from mlx_backend.library.model_figures import quantised_bits
from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.models.hub.wanted import is_weights
from mlx_backend.training.stop_requests import StoppedEarly

NOT_STATED = "not stated"
"""The licence of a model that states none."""


@dataclass(frozen=True)
class Candidate:
    """A folder with the files of a model, and what is known of it.

    folder: with regular files only, all of which may be replaced, but never written in place: their
    bytes may be those of another program's files. title: what people call it, for a message too.
    name: wanted in the library. bits: 4, 6 or 8 to quantise its weights; 0: as they are.
    digests: the SHA-256 of those of its weight files for which it is known. instead_of: a link in
    the library whose place it takes.
    """

    folder: Path
    title: str
    source: str
    licence: str
    name: str
    bits: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    instead_of: Path | None = None


def try_small(work: Work, name: str, folder: Path) -> None:
    """Try what needs no weights of the model `name`, tokenizer and template, in a process.

    They have passed `check_before_weights`. Raises OvernightError where they cannot be used, and
    Stopped.
    """
    with _stops():
        try_tokenizer(folder, name, work.stop_requested)


def take_in(candidate: Candidate, work: Work) -> BaseModel:
    """Check, quantise and try a candidate, write its card, and move it into the library.

    Its small files have passed `try_small` already. It computes in the lane of the GPU, where a
    run may go before it. Raises Stopped, and OvernightError where it cannot be used; then nothing
    of it is in the library.
    """
    work.begin("checking")
    parameters = check_whole(candidate.title, candidate.folder)
    with in_the_lane(work.library, Turn(work.journal.append, work.stop_if_asked)):
        quantised = _quantised(candidate, work)
        digests = digests_of(candidate.folder, {} if quantised else candidate.digests, work)
        abilities = _tried(candidate, work)
    card = ModelCard(
        name=usable_name(candidate.name or candidate.title),
        title=candidate.title,
        licence=candidate.licence or NOT_STATED,
        source=candidate.source,
        parameters=parameters,
        sha256=digest_of_weights(digests),
        abilities=abilities,
        quantised=quantised,
    )
    work.stop_if_asked()
    return file_model(work, candidate.folder, card, candidate.instead_of)


def try_again(candidate: Candidate, card: ModelCard, work: Work) -> BaseModel:
    """Try a model that is in the library since before there was a trial, and add to its card.

    Its weights stay those of its card. Raises as `take_in`; then it is left as it was.
    """
    work.begin("checking")
    check_whole(candidate.title, candidate.folder)
    with in_the_lane(work.library, Turn(work.journal.append, work.stop_if_asked)):
        abilities = _tried(candidate, work)
    work.stop_if_asked()
    return file_model(work, candidate.folder, msgspec.structs.replace(card, abilities=abilities))


def is_changed(work: Work) -> bool:
    """Whether the weights that came were quantised by an earlier process, so none is missing."""
    return (work.model / QUANTISED).exists()


def _quantised(candidate: Candidate, work: Work) -> Quantised | None:
    """Quantise the weights, where that is asked for and they are not quantised; tells the cost."""
    if not candidate.bits:
        return None
    already = quantised_bits(read_configuration(candidate.title, candidate.folder))
    if already is not None and not (candidate.folder / QUANTISED).exists():
        work.journal.append(protocol.Notice(text=told_already(already)))
        return None
    work.begin("quantising")
    watch = Watch(_percent(work), work.stop_requested, partial(check_whole, candidate.title))
    with _stops():
        found = quantise(candidate.folder, candidate.bits, candidate.title, watch)
    work.journal.append(protocol.Notice(text=f"{found.cost}."))
    return found


def _tried(candidate: Candidate, work: Work) -> Abilities:
    work.begin("trying")

    def tell(done: int, total: int, left: float | None) -> None:
        remaining_s = None if left is None else round(left, 1)
        work.journal.append(
            protocol.Progress(done=done, total=total, unit="steps", remaining_s=remaining_s)
        )

    with _stops():
        return try_model(candidate.folder, candidate.title, tell, work.stop_requested)


@contextlib.contextmanager
def _stops() -> Iterator[None]:
    """A process that was stopped stops the job."""
    try:
        yield
    except StoppedEarly as error:
        raise Stopped from error


def _percent(work: Work) -> OnProgress:
    """Tells each hundredth once; the time that is left where one kind of work is left."""
    pace, last = Pace(), -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        if done == last:
            return
        last = done
        left = pace.remaining(done, total, time.time()) if done >= PROBED_FROM else None
        remaining_s = None if left is None else round(left, 1)
        work.journal.append(
            protocol.Progress(done=done, total=total, unit="percent", remaining_s=remaining_s)
        )

    return tell


def digests_of(folder: Path, known: Mapping[str, str], work: Work) -> dict[str, str]:
    """The SHA-256 of each weight file in a folder, with progress; raises Stopped."""
    unknown = [p for p in folder.iterdir() if is_weights(p.name) and p.name not in known]
    meter = Meter(sum(path.stat().st_size for path in unknown), work.journal.append)
    done = 0

    def on_bytes(more: int) -> None:
        nonlocal done
        work.stop_if_asked()
        done += more
        meter.show(done)

    return digests_in(folder, known, on_bytes)


def result_of(model: BaseModel) -> dict[str, object]:
    """What `overnight download --json` gives of a model that is in the library."""
    card = model.card
    bits_and_cost = card.quantised and {"bits": card.quantised.bits, "cost": card.quantised.cost}
    return {
        "model": card.name,
        "bytes": model.bytes,
        "licence": card.licence,
        "path": str(model.path),
        "source": card.source,
        "parameters": card.parameters,
        "fits": model.fits,
        "reads": model.reads,
        "thinks": card.abilities is not None and card.abilities.thinks,
        "quantised": bits_and_cost,
    }
