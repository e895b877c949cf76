"""What is dropped on the page: folders of models, and what is none."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.catalogue.model_folder import may_be_model
from mlx_backend.errors import ErrorKind, OvernightError

_MOST_FILES = 2000
_HINT = "Drop the folder that holds its config.json. Notes are added on the page Notes."


@dataclass(frozen=True)
class Dropped:
    """Something that was dropped, and whether it may be the folder of a model."""

    path: Path
    is_model: bool


def look_at_dropped(paths: Sequence[Path]) -> list[Dropped]:
    """Look what was dropped. Reads folders, so never on the window's thread."""
    return [Dropped(path, _is_model(path)) for path in paths]


def not_models(paths: Sequence[Path]) -> OvernightError:
    """The error that says of what was dropped that it is no model."""
    named = f"“{paths[0].name}”"
    more = len(paths) - 1
    who = f"{named} and {more} more are no folders" if more else f"{named} is no folder"
    return OvernightError(ErrorKind.BAD_INPUT, f"{who} of a model.", _HINT)


def _is_model(path: Path) -> bool:
    """Whether a folder has a model's files, or is a model's in a cache of the Hub."""
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in itertools.islice(entries, _MOST_FILES)]
    except OSError:
        return False
    return may_be_model(names) or "snapshots" in names
