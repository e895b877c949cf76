"""Quantising a model that comes with weights in 16 or 32 bits, and what that costs.

What it costs is measured by the general probe, asked of the model before and after. A process of
its own does that (`quantising_process`), because it loads a stranger's model; this one watches it,
and looks at what came of it.
"""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mlx_backend.adoption.forms.packing import WHOLE, WRITING_TO
from mlx_backend.adoption.forms.precision import BITS, told_already
from mlx_backend.adoption.trial import messages, stages
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
from mlx_backend.files import (
    exchange_folders,
    remove_tree,
    settle_exchange,
    write_atomically,
    write_folder_atomically,
)
from mlx_backend.library.abilities import Quantised
from mlx_backend.library.model_figures import quantised_bits
from mlx_backend.library.weight_headers import read_header
from mlx_backend.models.hub.fetching import require_room
from mlx_backend.models.hub.wanted import is_weights

QUANTISED = "quantised.json"
"""The file in the model's folder with what quantising cost, there as soon as its weights are."""

PROBED_FROM = WRITING_TO
"""The hundredth from which on the rest is one probe, whose pace tells how long that takes."""

_MODULE = "mlx_backend.adoption.forms.quantising_process"
_CONFIG, _INDEX = "config.json", "model.safetensors.index.json"
_MORE_BITS = 1  # of a weight: scales and biases of its group, and layers that stay as they are

OnProgress = Callable[[int, int], object]
"""Gets the parts done, and of how many."""


@dataclass(frozen=True)
class Watch:
    """Who wants to know how far it is, may stop it, and looks at what comes of it.

    check: called with the new folder, and raises an error where that cannot take the place of the
    old one.
    """

    on_progress: OnProgress = lambda *_: None
    stop_requested: Callable[[], bool] = lambda: False
    check: Callable[[Path], object] = lambda _: None


def quantise(
    folder: Path,
    bits: int,
    title: str,
    watch: Watch,
    limits: TrialLimits = STANDARD,
) -> Quantised:
    """Quantise the weights of the model in `folder`, in a new folder that then takes its place.

    A folder that this function has quantised so before is left as it is. No file is changed in
    place, since it may be a link to another program's; after a crash the folder holds all of the
    one form or all of the other. The model must have a `tokenizer.json`.

    The probe is asked with all its questions, or with one in 2, 4 or 8 where all would take longer
    than two minutes. Weights that would take more than 60 percent of the memory before they are
    quantised are not probed: `asked` is 0 then.

    Raises OvernightError for other numbers than `BITS`, where the model is quantised already or has
    no layer that can be, where it cannot be loaded within the limits, and without room in memory
    (NO_MEMORY) or on the disk; StoppedEarly. Then the folder stays as it was.
    """
    beside = folder.with_name(f".{folder.name}.quantised")
    _sweep(folder, beside)
    if (done := _done_before(folder, bits)) is not None:
        return done
    _check_worth_it(folder, bits, title)
    require_room(folder.parent, _packed_bytes(folder, bits))
    found: list[Quantised] = []

    def fill(new: Path) -> None:
        shutil.copytree(folder, new, ignore=_written_anew, dirs_exist_ok=True)
        what = _assignment(folder, new, bits, title)
        progress = Progress(_told_by(watch.on_progress), stages.QUANTISING)
        packed = _outcome(what, progress, watch.stop_requested, limits)
        if not isinstance(packed, messages.Packed):
            raise refusal(title, packed, progress.stage)
        _check_what_came(folder, new, bits, title)
        watch.check(new)
        found.append(packed.quantised)
        write_atomically(new / QUANTISED, msgspec.json.encode(packed.quantised))

    write_folder_atomically(beside, fill)
    exchange_folders(folder, beside)
    remove_tree(beside)
    watch.on_progress(WHOLE, WHOLE)
    return found[0]


def _sweep(folder: Path, beside: Path) -> None:
    """Remove what killed processes left beside the folder; only one works on it at a time."""
    settle_exchange(folder)
    for left in (beside, *folder.parent.glob(f".{beside.name}.*.part")):
        remove_tree(left)


def _outcome(
    what: Assignment, progress: Progress, stop_requested: Callable[[], bool], limits: TrialLimits
) -> messages.Outcome:
    with WatchedProcess(what, limits) as process:
        return process.outcome(progress, stop_requested)


def _assignment(folder: Path, new: Path, bits: int, title: str) -> Assignment:
    try:
        weights = weights_in_memory(folder)
    except (OSError, ValueError, RecursionError) as error:
        reason = "its files are not what they say"
        refused = messages.Refused(reason=reason, detail=str(error))
        raise refusal(title, refused, stages.QUANTISING) from error
    more = (str(new.resolve()), str(bits))
    return Assignment(_MODULE, folder, title, weights, limit_for(weights), more)


def _told_by(on_progress: OnProgress) -> Callable[[messages.Began | messages.Asked], object]:
    def take(reply: messages.Began | messages.Asked) -> None:
        if isinstance(reply, messages.Asked):
            on_progress(max(0, min(reply.done, WHOLE)), WHOLE)

    return take


def _check_what_came(folder: Path, new: Path, bits: int, title: str) -> None:
    """Raise OvernightError unless the new folder has what it should, and only that."""
    mine = {path.name for path in folder.iterdir()} | {_CONFIG, _INDEX}
    is_right = all(
        stat.S_ISREG(path.lstat().st_mode) and (path.name in mine or is_weights(path.name))
        for path in new.iterdir()
    )
    if not is_right or quantised_bits(_config(new, title)) != bits:
        reason = "what came of it is not what it should be"
        raise refusal(title, messages.Refused(reason=reason), stages.QUANTISING)


def _packed_bytes(folder: Path, bits: int) -> int:
    """The bytes of the quantised weights, rather too many than too few; 0 where not known."""
    try:
        headers = [read_header(path) for path in folder.iterdir() if is_weights(path.name)]
    except (OSError, ValueError):
        return 0  # it will be refused
    weights = sum(tensor.elements for header in headers for tensor in header.values())
    return weights * (bits + _MORE_BITS) // 8


def _done_before(folder: Path, bits: int) -> Quantised | None:
    try:
        found = msgspec.json.decode((folder / QUANTISED).read_bytes(), type=Quantised)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None
    return found if found.bits == bits == quantised_bits(_config(folder, folder.name)) else None


def _check_worth_it(folder: Path, bits: int, title: str) -> None:
    if bits not in BITS:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"A model cannot be quantised to {bits} bits.",
            "Choose 4, 6 or 8.",
        )
    already = quantised_bits(_config(folder, title))
    if already is None and (folder / "hf_quant_config.json").exists():
        already = 4  # NVIDIA ModelOpt, of which mlx-lm reads NVFP4
    if already is not None:
        raise OvernightError(
            ErrorKind.BAD_INPUT, told_already(already), "Take the model in without `--bits`."
        )


def _config(folder: Path, title: str) -> dict[str, Any]:
    try:
        return msgspec.convert(json.loads((folder / _CONFIG).read_bytes()), dict[str, Any])
    except (OSError, ValueError, RecursionError) as error:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"The config.json of the model '{title}' cannot be read.",
            "Fetch or copy the model again, or choose another one.",
            f"{type(error).__name__}: {error}",
        ) from error


def _written_anew(_: str, names: list[str]) -> set[str]:
    """Of the names in a model's folder, those that are not copied."""
    return {
        name
        for name in names
        if name in (_CONFIG, QUANTISED) or name.endswith((".safetensors", ".index.json"))
    }
