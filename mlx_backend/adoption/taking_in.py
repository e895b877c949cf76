"""The way of every model into the library, once all its files are in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlx_backend.adoption.acceptance import check_whole
from mlx_backend.adoption.digests import digest_of_weights, digests_in
from mlx_backend.adoption.filing import file_model, usable_name
from mlx_backend.adoption.work import Work
from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.wanted import is_weights

NOT_STATED = "not stated"
"""The licence of a model that states none."""


@dataclass(frozen=True)
class Candidate:
    """A folder with the files of a model, and what is known of it.

    folder: with regular files only, all of which may be replaced, but never written in place: their
    bytes may be those of another program's files. title: what people call it, for a message too.
    name: wanted in the library. bits: 4, 6 or 8 to quantise its weights; 0: as they are.
    digests: the SHA-256 of those of its weight files for which it is known.
    """

    folder: Path
    title: str
    source: str
    licence: str
    name: str
    bits: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)


def take_in(candidate: Candidate, work: Work) -> BaseModel:
    """Check, quantise and try a candidate, write its card, and move it into the library.

    Its small files have passed `check_before_weights` already. Raises Stopped, and OvernightError
    where it cannot be used; then nothing of it is in the library.
    """
    work.begin("checking")
    parameters = check_whole(candidate.title, candidate.folder)
    # Here it is quantised, where `candidate.bits` asks for it; the digests known are void then.
    digests = digests_of(candidate.folder, candidate.digests, work)
    # Here it is tried.
    card = ModelCard(
        name=usable_name(candidate.name or candidate.title),
        title=candidate.title,
        licence=candidate.licence or NOT_STATED,
        source=candidate.source,
        parameters=parameters,
        sha256=digest_of_weights(digests),
    )
    work.stop_if_asked()
    return file_model(work, candidate.folder, card)


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
    return {
        "model": model.card.name,
        "bytes": model.bytes,
        "licence": model.card.licence,
        "path": str(model.path),
        "source": model.card.source,
        "parameters": model.card.parameters,
        "fits": model.fits,
    }
