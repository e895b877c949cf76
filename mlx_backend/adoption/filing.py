"""Filing a model whose card is known in the library, once and whole, even if the job is killed."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import msgspec

from mlx_backend.adoption.work import Work
from mlx_backend.errors import OvernightError
from mlx_backend.files import remove_tree, sync_path, write_atomically, write_folder_atomically
from mlx_backend.library.adapter_names import (
    LONGEST_NAME,
    check_name,
    is_same_name,
    normal_name,
    shortened,
)
from mlx_backend.library.models import (
    CARD,
    STARTER,
    BaseModel,
    ModelCard,
    free_model_name,
    read_model,
    read_model_at,
)
from mlx_backend.locks import held
from mlx_backend.models.hub.wanted import no_model

_PATIENCE_S = 60.0


def file_model(
    work: Work, folder: Path, card: ModelCard, instead_of: Path | None = None
) -> BaseModel:
    """Give a candidate its card, and move it into the library under a name that is free.

    A folder that is in the library already stays where it is, unless the card has another name.
    instead_of: a link in the library whose place it takes. Raises OvernightError where the library
    could not read it; then it stays as it is.
    """
    models = work.library.models
    _require_readable(folder, card)
    with held(models / ".names.lock", _PATIENCE_S):
        if instead_of is not None and is_same_name(instead_of.name, card.name):
            _remove_link(instead_of)
        name = _name_for(models, folder, card.name)
        card = msgspec.structs.replace(card, name=name)
        write_atomically(folder / CARD, msgspec.json.encode(card))
        write_atomically(work.filed, msgspec.json.encode(name))
        if folder != models / name:
            _move(folder, models / name)
    return read_model(models, name)


def filed_before(work: Work, folder: Path, source: str) -> BaseModel | None:
    """The model, where the process was killed after it had filed it."""
    models = work.library.models
    try:
        name = msgspec.json.decode(work.filed.read_bytes(), type=str)
        model = read_model(models, name)
    except (OSError, msgspec.DecodeError, OvernightError):
        return None
    if folder != models / name and (folder / CARD).exists():
        # Killed before it was moved, unless it was copied to another disk and is there twice.
        return model if _has_same_card(folder, models / name) else None
    return model if model.card.source == source else None


def _has_same_card(one: Path, other: Path) -> bool:
    try:
        return (one / CARD).read_bytes() == (other / CARD).read_bytes()
    except OSError:
        return False


def _require_readable(folder: Path, card: ModelCard) -> None:
    try:
        read_model_at(folder, card)
    except OvernightError as error:
        why = "The library cannot read it after all its checks."
        raise no_model(card.title, f"{why} {error.message}") from error


def usable_name(wanted: str) -> str:
    """The name that is as near to `wanted` as the rules for names of models allow."""
    try:
        return check_name(wanted)
    except OvernightError:
        kept = "".join(c if c.isalnum() or c in " ._-" else "-" for c in normal_name(wanted))
        name = shortened(kept.strip(" ._-")[:LONGEST_NAME], "")
    try:
        return check_name(name)
    except OvernightError:
        return "model"


def _name_for(models: Path, folder: Path, wanted: str) -> str:
    is_there = folder.parent == models and is_same_name(folder.name, wanted)
    if is_there and not is_same_name(wanted, STARTER):
        return folder.name
    return free_model_name(models, wanted)


def _remove_link(link: Path) -> None:
    if link.is_symlink():
        link.unlink()


def _move(folder: Path, to: Path) -> None:
    try:
        folder.rename(to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The models are on another disk than the jobs.
        write_folder_atomically(to, lambda beside: _copy_into(folder, beside))
        remove_tree(folder)
    sync_path(to.parent)


def _copy_into(folder: Path, to: Path) -> None:
    for path in folder.iterdir():
        shutil.copyfile(path, to / path.name)
