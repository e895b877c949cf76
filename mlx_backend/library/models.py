"""Base models in the library: folders as mlx-lm loads them, inspected without loading them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import folder_bytes
from mlx_backend.library.abilities import Abilities, Quantised
from mlx_backend.library.adapter_names import (
    LONGEST_FILE_NAME,
    is_same_name,
    same_among,
    shortened,
)
from mlx_backend.library.bounded_json import read_object
from mlx_backend.library.measured_memory import Measured, measured_memory
from mlx_backend.library.model_figures import Config, context_of, figures_of
from mlx_backend.library.model_fit import UNKNOWN_FIT, Fit, fit_of
from mlx_backend.library.this_machine import Machine
from mlx_backend.library.weight_headers import read_header

STARTER = "starter"
CARD = "overnight.json"


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """What we record about a base model. Written last, so its presence marks a complete folder.

    abilities: None of the starter, which needs no trial, and of models from before there was one.
    quantised: None where the model is as it came.
    """

    name: str
    title: str
    licence: str
    source: str
    parameters: int
    sha256: str
    abilities: Abilities | None = None
    quantised: Quantised | None = None


@dataclass(frozen=True)
class BaseModel:
    """A base model for lists. `bytes` is the size of its folder; `fits`: it can be trained here."""

    card: ModelCard
    path: Path
    bytes: int
    fits: bool
    context: int = 0
    """The context length in tokens; 0 when the model's configuration does not state it."""
    fit: Fit = UNKNOWN_FIT
    """What this machine can do with it, and how much memory that takes."""

    @property
    def reads(self) -> bool:
        """Whether the model, by its trial, reads passages and words answers; others quote."""
        return self.card.abilities is not None and self.card.abilities.reading.is_passed


def list_models(folder: Path, runs: Path | None = None) -> list[BaseModel]:
    """All complete base models, sorted by name.

    runs: the folder of all runs, where what they measured is to count.
    """
    measured = {} if runs is None else measured_memory(runs)
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not path.name.startswith("."):
            try:
                found.append(read_model(folder, path.name, measured.get(path.name)))
            except OvernightError:
                continue
    return found


def read_model(folder: Path, name: str, measured: Measured | None = None) -> BaseModel:
    """The base model called `name`. Raises OvernightError when unknown, incomplete or unsafe.

    measured: what a run with a model of this name took.
    """
    path = folder_of(folder, name)
    if not path.is_dir():
        raise _unknown(name)
    if name != STARTER and not (path / CARD).exists():
        raise _not_adopted(name, path)
    try:
        card = msgspec.json.decode(_regular(path / CARD).read_bytes(), type=ModelCard)
        filed_at = (path / CARD).stat().st_mtime
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(name, path, str(error)) from error
    # An older measurement is one of another model, which had this name before.
    is_of_it = measured is not None and measured.at >= filed_at
    # The folder's name is the model's, as with adapters.
    card = msgspec.structs.replace(card, name=name)
    return read_model_at(path, card, measured if is_of_it else None)


def read_model_at(path: Path, card: ModelCard, measured: Measured | None = None) -> BaseModel:
    """The base model in a folder, in the library or not, to which `card` belongs.

    Raises OvernightError where it is incomplete or unsafe.
    """
    name = card.name
    try:
        config = read_object(_regular(path / "config.json"))
        weights = [_regular(file) for file in path.glob("model*.safetensors")]
        has_weights = bool(weights) and all(_is_whole(file) for file in weights)
        has_tokenizer = (path / "tokenizer.json").is_file()
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(name, path, str(error)) from error
    if not (has_weights and has_tokenizer):
        raise _damaged(name, path, "weights or tokenizer missing")
    # auto_map is ignored: mlx-lm has its own code for those models.
    if config.get("model_file") is not None:
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"The base model '{name}' asks to run program code of its own.",
            "Overnight never runs code from a model. Remove this model and choose another.",
        )
    fit = _fit(card, config, sum(map(_size, weights)), measured)
    return BaseModel(
        card=card,
        path=path,
        bytes=folder_bytes(path),
        fits=fit.trains,
        context=context_of(config),
        fit=fit,
    )


def folder_of(folder: Path, name: str) -> Path:
    """The path of a model, complete or not; it may be a symbolic link, even a broken one.

    Raises OvernightError when there is no model of this name.
    """
    path = folder / name
    try:
        is_there = is_name(name) and (path.is_dir() or path.is_symlink())
    except ValueError:
        is_there = False
    if not is_there:
        raise _unknown(name)
    return path


def is_name(name: str) -> bool:
    """Whether `name` can be the name of a model's folder."""
    is_short = len(name.encode("utf-8", "surrogatepass")) <= LONGEST_FILE_NAME
    return bool(name) and is_short and not name.startswith(".") and not {"/", "\0"} & set(name)


def model_name_taken(folder: Path, name: str) -> str | None:
    """The name in `folder` that counts as the same as `name`; None when there is none."""
    return same_among(name, (path.name for path in folder.iterdir()) if folder.is_dir() else ())


def free_model_name(folder: Path, wanted: str) -> str:
    """`wanted`, or `wanted` with a number appended when it is taken, as the starter's always is."""
    name, number = wanted, 1
    while is_same_name(name, STARTER) or model_name_taken(folder, name) is not None:
        number += 1
        name = shortened(wanted, f" {number}")
    return name


def _fit(card: ModelCard, config: Config, weight_bytes: int, measured: Measured | None) -> Fit:
    figures = figures_of(config, card.parameters, weight_bytes)
    return fit_of(figures, Machine.here(), measured, card.abilities)


def _regular(path: Path) -> Path:
    """The path of a file or of a link to one. Raises ValueError for a pipe, which would block."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path.name} is no file")
    return path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _is_whole(weights: Path) -> bool:
    """Whether a safetensors file is exactly what its header says."""
    try:
        read_header(weights)
    except ValueError:
        return False
    return True


def damage_hint(name: str, path: Path) -> str:
    """What to do about a damaged model. Only the starter comes again by itself."""
    if name == STARTER:
        return f"Remove the folder {path}. Overnight makes the starter model again by itself."
    return f"Remove the folder {path}, then download or adopt the model again."


def _unknown(name: str) -> OvernightError:
    return OvernightError(
        ErrorKind.MODEL_UNKNOWN,
        f"There is no base model called '{name}'.",
        "`overnight models` lists all base models, `overnight bin` what was deleted.",
    )


def _not_adopted(name: str, path: Path) -> OvernightError:
    return OvernightError(
        ErrorKind.MODEL_DAMAGED,
        f"The folder '{name}' was put in by hand and is not adopted yet.",
        f"Adopt it where it is: overnight adopt {shlex.quote(str(path))}",
    )


def _damaged(name: str, path: Path, detail: str) -> OvernightError:
    return OvernightError(
        ErrorKind.MODEL_DAMAGED,
        f"The base model '{name}' is not complete.",
        damage_hint(name, path),
        detail,
    )
