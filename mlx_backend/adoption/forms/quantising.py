"""Quantising a model that comes with weights in 16 or 32 bits, and what that costs.

What it costs is measured by the general probe, asked of the model before and after.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import psutil

from mlx_backend.adoption.forms.packed_weights import write_packed
from mlx_backend.adoption.forms.precision import BITS, told_already
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.exam.probe import Probe, take_probe
from mlx_backend.files import (
    exchange_folders,
    remove_tree,
    settle_exchange,
    write_atomically,
    write_folder_atomically,
)
from mlx_backend.library.abilities import Quantised
from mlx_backend.library.model_figures import quantised_bits
from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models.base_model import load_from
from mlx_backend.training.stop_requests import Check, never

QUANTISED = "quantised.json"
"""The file in the model's folder with what quantising cost, there as soon as its weights are."""

# Progress is told in hundredths; the probes take most of the time.
_WHOLE, _WRITING_FROM, _WRITING_TO = 100, 40, 60
# The probe asks fewer of its 120 questions and 60 answers where all of them would take longer.
_LONGEST_PROBE_S = 120.0
_FEW = 30
# The share of the memory that the weights may take to be asked as they came.
_ROOM = 0.6

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class _Probed:
    """A probe, and that it had one in `every` of the questions."""

    every: int
    probe: Probe


def quantise(
    folder: Path, bits: int, on_progress: Progress = lambda *_: None, check: Check = never
) -> Quantised:
    """Quantise the weights of the model in `folder`, in a new folder that then takes its place.

    A folder that this function has quantised so before is left as it is. No file is changed in
    place, since it may be a link to another program's; after a crash the folder holds all of the
    one form or all of the other. The model must have a `tokenizer.json`.

    `on_progress` gets the parts done, and of how many. `check` is called often; what it raises ends
    the work, and the folder stays as it was.

    The probe is asked with all its questions, or with one in 2, 4 or 8 where all would take longer
    than two minutes. Weights that would take more than 60 percent of the memory before they are
    quantised are not probed: `asked` is 0 then.

    Raises OvernightError for other numbers than `BITS`, where the model is quantised already or has
    no layer that can be, and where it cannot be loaded.
    """
    beside = folder.with_name(f".{folder.name}.quantised")
    settle_exchange(folder)
    remove_tree(beside)
    if (done := _done_before(folder, bits)) is not None:
        return done
    _check_worth_it(folder, bits)
    before = None
    if _has_room(folder):
        before = _probe(folder, None, _reached(0, _WRITING_FROM, on_progress, check))
    found: list[Quantised] = []

    def fill(new: Path) -> None:
        shutil.copytree(folder, new, ignore=_written_anew, dirs_exist_ok=True)
        write_packed(folder, new, bits, _reached(_WRITING_FROM, _WRITING_TO, on_progress, check))
        after = before
        if before is not None:
            after = _probe(new, before, _reached(_WRITING_TO, _WHOLE, on_progress, check))
        found.append(_cost(bits, before, after))
        write_atomically(new / QUANTISED, msgspec.json.encode(found[0]))

    write_folder_atomically(beside, fill)
    exchange_folders(folder, beside)
    remove_tree(beside)
    on_progress(_WHOLE, _WHOLE)
    return found[0]


def _reached(begin: int, end: int, tell: Progress, check: Check) -> Callable[[float], None]:
    """A function that tells how far the whole is, from the share done of a part of it."""

    def reached(share: float) -> None:
        check()
        tell(begin + int(min(1.0, share) * (end - begin)), _WHOLE)

    return reached


def _done_before(folder: Path, bits: int) -> Quantised | None:
    try:
        found = msgspec.json.decode((folder / QUANTISED).read_bytes(), type=Quantised)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None
    return found if found.bits == bits == quantised_bits(_config(folder)) else None


def _check_worth_it(folder: Path, bits: int) -> None:
    if bits not in BITS:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"A model cannot be quantised to {bits} bits.",
            "Choose 4, 6 or 8.",
        )
    already = quantised_bits(_config(folder))
    if already is None and (folder / "hf_quant_config.json").exists():
        already = 4  # NVIDIA ModelOpt, of which mlx-lm reads NVFP4
    if already is not None:
        raise OvernightError(
            ErrorKind.BAD_INPUT, told_already(already), "Take the model in without `--bits`."
        )


def _config(folder: Path) -> dict[str, Any]:
    try:
        return msgspec.convert(json.loads((folder / "config.json").read_bytes()), dict[str, Any])
    except (OSError, ValueError, RecursionError) as error:
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"The config.json of the model '{folder.name}' cannot be read.",
            "Fetch or copy the model again, or choose another one.",
            f"{type(error).__name__}: {error}",
        ) from error


def _written_anew(_: str, names: list[str]) -> set[str]:
    """Of the names in a model's folder, those that are not copied."""
    return {
        name
        for name in names
        if name in ("config.json", QUANTISED) or name.endswith((".safetensors", ".index.json"))
    }


def _probe(folder: Path, like: _Probed | None, reached: Callable[[float], None]) -> _Probed:
    """The probe of the model in `folder`, with as many questions as `like`, if that is given."""
    reached(0.0)
    card = ModelCard(
        name=folder.name, title="", licence="", source="", parameters=0, sha256="0" * 64
    )
    loaded = load_from(BaseModel(card, folder, 0, True))
    if like is None:
        all_s = take_probe(loaded, _FEW).seconds * _FEW
        every = _every(all_s)
        expected_s = all_s / every
    else:
        every, expected_s = like.every, like.probe.seconds
    began = time.perf_counter()

    def check() -> None:
        reached((time.perf_counter() - began) / max(expected_s, 1e-3))

    probe = take_probe(loaded, every, check)
    del loaded
    mx.clear_cache()
    return _Probed(every, probe)


def _every(all_s: float) -> int:
    """One in how many questions to ask, where all of them would take `all_s` seconds."""
    return next((every for every in (1, 2, 4) if all_s / every <= _LONGEST_PROBE_S), 8)


def _has_room(folder: Path) -> bool:
    """Whether the weights fit into the memory as they are loaded here."""
    size = sum(path.stat().st_size for path in folder.glob("model*.safetensors"))
    # On the CPU 16 bits become 32.
    return size * (1 if has_gpu() else 2) <= _ROOM * psutil.virtual_memory().total


def _cost(bits: int, before: _Probed | None, after: _Probed | None) -> Quantised:
    nothing = Probe(0, 0, 0.0)
    first = nothing if before is None else before.probe
    then = nothing if after is None else after.probe
    return Quantised(
        bits=bits,
        asked=first.asked,
        right_before=first.right,
        right_after=then.right,
        perplexity_before=first.perplexity,
        perplexity_after=then.perplexity,
    )
