"""Export for mlx-lm: a folder that it loads with `--adapter-path`."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlx_lm.tuner.utils import load_adapters

from mlx_backend.adapters.answers import answers_of, difference
from mlx_backend.adapters.exports.comparing import check_same_change, factors_on
from mlx_backend.adapters.exports.source import ExportSource
from mlx_backend.library.adapters import CONFIG, WEIGHTS
from mlx_backend.models import lora


def write_mlx(source: ExportSource, folder: Path) -> float:
    """Write the adapter into `folder`, load it as mlx-lm does, and compare.

    Returns the largest difference of a logit; raises OvernightError if it is more than rounding.
    """
    for file in (WEIGHTS, CONFIG):
        shutil.copyfile(source.adapter.path / file, folder / file)
    model = source.loaded.model
    lora.detach(model)
    load_adapters(model, str(folder))
    try:
        check_same_change(source, factors_on(model))
        return difference(source.name, source.answers, answers_of(source.loaded))
    finally:
        lora.detach(model)
