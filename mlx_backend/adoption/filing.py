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
from mlx_backend.library.models import CARD, BaseModel, ModelCard, free_model_name, read_model
from mlx_backend.locks import held

_PATIENCE_S = 60.0


def file_model(work: Work, folder: Path, card: ModelCard) -> BaseModel:
    """Give a candidate its card, and move it into the library under a name that is free.

    A folder that is in the library already stays where it is, unless the card has another name.
    """
    models = work.library.models
    with held(models / ".names.lock", _PATIENCE_S):
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
    is_left_behind = folder != models / name and (folder / CARD).exists()
    return model if model.card.source == source and not is_left_behind else None


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
    if folder.parent == models and is_same_name(folder.name, wanted):
        return folder.name
    return free_model_name(models, wanted)


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
