"""Leads the taking in of an adapter: collected, checked, tried with its base model, and filed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from mlx_backend.adapters.bundles.manifest import Manifest
from mlx_backend.adapters.filing import adapter_readme
from mlx_backend.adapters.forms.transformers_names import is_named_alike
from mlx_backend.adoption.trial import messages
from mlx_backend.adoption.trial.memory import limit_for, weights_in_memory
from mlx_backend.adoption.trial.watched import (
    STANDARD,
    Assignment,
    Progress,
    TrialLimits,
    WatchedProcess,
    refusal,
)
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import remove_tree, write_atomically, write_folder_atomically
from mlx_backend.jobs.lane import Turn, in_the_lane
from mlx_backend.library.adapter_names import check_name
from mlx_backend.library.adapters import (
    CARD,
    CONFIG,
    WEIGHTS,
    AdapterCard,
    Origin,
    encode_card,
    list_adapters,
    new_id,
    require_free_name,
)
from mlx_backend.library.bin.folders import FolderBin
from mlx_backend.library.home import Library
from mlx_backend.library.models import ModelCard
from mlx_backend.models.starter import ensure_starter
from mlx_backend.protocol import JobEvent
from mlx_backend.receiving.arrival import Arrival, collect, copy_regular
from mlx_backend.receiving.bases import Candidate, Said, candidates, said_by
from mlx_backend.receiving.forms import outputs_in
from mlx_backend.receiving.header_checks import checked_config, checked_header
from mlx_backend.receiving.manifest_checks import Signed, checked_manifest, signed
from mlx_backend.receiving.refusal import unfit
from mlx_backend.receiving.repository import collect_repository, is_repository
from mlx_backend.text.words import printable
from mlx_backend.training.stop_requests import check_of

_MODULE = "mlx_backend.receiving.process"
_PLACE = ".receiving-"
_MOST_TRIED = 3  # base models; each has to be loaded


@dataclass(frozen=True)
class ReceiveOrder:
    """What is to be received.

    source: a path, or a repository of the Hub as OWNER/NAME[@REVISION] or as the address of its
    page; where a relative path may be either, it is a repository. name: what it will be called.
    model: the base model that it is for, where the person names one.
    """

    source: str
    name: str
    model: str | None = None


@dataclass(frozen=True)
class Watch:
    """Who may stop it, who is told of stages and events, and what replaces the limits in tests.

    asks_for_memory: as in `Turn`.
    """

    stop_requested: Callable[[], bool] = lambda: False
    on_stage: Callable[[str], object] = lambda _: None
    limits: TrialLimits = STANDARD
    tell: Callable[[JobEvent], object] = lambda _: None
    asks_for_memory: bool = False

    def stop_if_asked(self) -> None:
        """Raise StoppedEarly if somebody asked for it."""
        check_of(self.stop_requested)()


def receive(library: Library, order: ReceiveOrder, watch: Watch) -> dict[str, object]:
    """Take in the adapter at a path or in a repository; returns `adapter`, `base` and `warnings`.

    Raises OvernightError where it cannot be taken in, when its name is taken or not allowed, or
    when its base model is missing; StoppedEarly once a stop is requested. Then nothing is kept.
    """
    name = check_name(order.name)
    require_free_name(library.adapters, name)
    _sweep(library)
    prefix = f"{_PLACE}{os.getpid()}-"
    with tempfile.TemporaryDirectory(dir=library.home, prefix=prefix) as place:
        arrived, ready = Path(place) / "arrived", Path(place) / "ready"
        arrived.mkdir()
        arrival = _arrived(order.source, arrived, watch)
        checked = _check(arrival)
        tried, base = _tried(library, checked, order.model, ready, watch)
        warnings = _warnings(library, checked, base)
        _file(library, _card(name, base.model.card, tried, checked), ready)
        return {
            "adapter": name,
            "base": base.model.card.name,
            "signed_by": checked.signed.by or None,
            "fingerprint": checked.signed.fingerprint or None,
            "warnings": warnings,
        }


def _sweep(library: Library) -> None:
    """Remove what killed processes left: their ids are in the names."""
    for path in library.home.glob(f"{_PLACE}*"):
        owner = path.name.removeprefix(_PLACE).partition("-")[0]
        if not owner.isdecimal() or not psutil.pid_exists(int(owner)):
            remove_tree(path)


def _arrived(source: str, into: Path, watch: Watch) -> Arrival:
    path = Path(source).expanduser()
    if not path.is_absolute() and is_repository(source):
        watch.on_stage("downloading")
        return collect_repository(source, into, watch.stop_requested, watch.tell)
    watch.on_stage("reading")
    return collect(path, into)


@dataclass(frozen=True)
class _Checked:
    """An adapter whose files are what they say. outputs: of the layers that it changes."""

    arrival: Arrival
    said: Said
    outputs: Mapping[str, int]
    manifest: Manifest | None
    signed: Signed


def _check(arrival: Arrival) -> _Checked:
    manifest = checked_manifest(arrival)
    by = signed(arrival)
    config = checked_config(arrival)
    header = checked_header(arrival.weights)
    return _Checked(arrival, said_by(manifest, config), outputs_in(header), manifest, by)


def _tried(
    library: Library, checked: _Checked, chosen: str | None, ready: Path, watch: Watch
) -> tuple[messages.AdapterFits, Candidate]:
    """Try it with the likeliest base models in turn; the first that it fits is its base."""
    ensure_starter(library)
    likely = candidates(library, checked.said, checked.outputs, chosen)[:_MOST_TRIED]
    turn = Turn(watch.tell, watch.stop_if_asked, watch.asks_for_memory)
    with in_the_lane(library, turn, likely[0].model.card.name):
        return _first_that_fits(likely, checked, ready, watch)


def _first_that_fits(
    likely: Sequence[Candidate], checked: _Checked, ready: Path, watch: Watch
) -> tuple[messages.AdapterFits, Candidate]:
    failed: OvernightError | None = None
    for candidate in likely:
        watch.on_stage("trying")
        if ready.exists():
            remove_tree(ready)
        ready.mkdir()
        try:
            return _tried_with(candidate, checked.arrival.folder, ready, watch), candidate
        except OvernightError as error:
            if error.kind is not ErrorKind.BAD_INPUT:
                raise
            failed = failed or error  # that of the likeliest
    assert failed is not None
    raise failed


def _tried_with(
    candidate: Candidate, arrived: Path, ready: Path, watch: Watch
) -> messages.AdapterFits:
    base = candidate.model
    weights = weights_in_memory(base.path)
    more = (str(base.path.absolute()), str(ready.resolve()))
    what = Assignment(_MODULE, arrived, base.card.name, weights, limit_for(weights), more)
    progress = Progress(lambda _: None)
    with WatchedProcess(what, watch.limits) as process:
        found = process.outcome(progress, watch.stop_requested)
    if isinstance(found, messages.AdapterFits):
        return found
    refused = found if isinstance(found, messages.Refused) else messages.Refused(reason="")
    if refused.kind != "bad_input":
        raise refusal(base.card.name, refused, progress.stage)
    said = refused.message or f"was tried with the base model '{base.card.name}', but"
    raise unfit(f"{said} {refused.reason}".strip(), refused.detail)


def _card(
    name: str, base: ModelCard, tried: messages.AdapterFits, checked: _Checked
) -> AdapterCard:
    told = checked.manifest.adapter if checked.manifest is not None else None
    return AdapterCard(
        name=name,
        id=new_id(),
        base=base.name,
        base_sha256=base.sha256,
        created=time.time(),
        run="",
        rank=tried.rank,
        scale=tried.scale,
        decomposed=tried.decomposed,
        embeddings=tried.embeddings,
        steps=_count(told.steps) if told else 0,
        notes=_count(told.notes) if told else 0,
        samples=_count(told.samples) if told else 0,
        valid_loss=told.valid_loss if told else None,
        base_valid_loss=told.base_valid_loss if told else None,
        origin=Origin(
            received=time.time(),
            form="bundle" if checked.manifest is not None else checked.arrival.form,
            place=printable(checked.arrival.place),
            by=checked.signed.by,
            fingerprint=checked.signed.fingerprint,
            licence=printable(checked.manifest.licence)[:80] if checked.manifest else "",
        ),
    )


def _count(said: int) -> int:
    """A number that a bundle says, within what it can be."""
    return min(max(said, 0), 10**9)


def _check_written(ready: Path, card: AdapterCard) -> None:
    """Raise OvernightError where the trial's process wrote something else than it said."""
    header = checked_header(ready / WEIGHTS)
    config = checked_config(Arrival(ready, "mlx", ""))
    said = config.get("lora_parameters")
    if not isinstance(said, dict) or (said.get("rank"), said.get("scale")) != (
        card.rank,
        card.scale,
    ):
        raise unfit("was written in another form than it was tried in")
    if any(name.rpartition(".")[2] not in ("lora_a", "lora_b", "m") for name in header):
        raise unfit("was written with other weights than it was tried with")


def _file(library: Library, card: AdapterCard, ready: Path) -> None:
    """Move what the trial wrote into the library. Raises OvernightError when the name was taken."""

    def fill(beside: Path) -> None:
        for name in (WEIGHTS, CONFIG):
            copy_regular(ready / name, beside / name)
        write_atomically(beside / "README.md", adapter_readme(card).encode())
        write_atomically(beside / CARD, encode_card(card))

    _check_written(ready, card)
    with FolderBin(library.bin).alone():
        require_free_name(library.adapters, card.name)
        write_folder_atomically(library.adapters / card.name, fill)


def _warnings(library: Library, checked: _Checked, base: Candidate) -> list[str]:
    found = [base.warning] if base.warning else []
    by, fingerprint = checked.signed.by, checked.signed.fingerprint
    if not by:
        found.append("It is not signed: nothing shows who made it.")
    elif fingerprint not in (known := _keys_of(library, by)) and known:
        found.append(
            f"It is signed as “{by}”, but with another key than what you have from “{by}” already:"
            " ask them whether that is theirs."
        )
    if checked.arrival.form == "peft" and not is_named_alike(base.model_type):
        found.append(
            "Whether its base model keeps its layers as transformers does is not known: look"
            " whether its answers make sense."
        )
    return found


def _keys_of(library: Library, by: str) -> set[str]:
    """The keys with which adapters that are here were signed in a name."""
    origins = [adapter.card.origin for adapter in list_adapters(library.adapters)]
    return {each.fingerprint for each in origins if each is not None and each.by == by}
