"""An adapter's folder for the Hub: for mlx-lm and for PEFT at once, where PEFT has its form.

Both read `adapter_config.json`, and neither minds what only the other understands.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from mlx_backend.adapters.answers import answers_of, difference
from mlx_backend.adapters.exports.mlx_folder import write_mlx
from mlx_backend.adapters.exports.peft_folder import why_not_peft, write_peft
from mlx_backend.adapters.exports.source import ExportSource
from mlx_backend.adapters.forms.peft import PEFT_WEIGHTS
from mlx_backend.files import write_atomically
from mlx_backend.library.adapters import CONFIG
from mlx_backend.models import lora
from mlx_backend.models.lora_factors import factors_in
from mlx_backend.protocol import ExportForm


def write_for_hub(source: ExportSource, folder: Path) -> tuple[ExportForm, ...]:
    """Write the adapter into `folder`, read it back and compare; returns the forms that it is in.

    Raises OvernightError if it answers otherwise than the adapter by more than rounding.
    """
    write_mlx(source, folder)
    if why_not_peft(source):
        return ("mlx",)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".peft-") as name:
        peft = Path(name)
        write_peft(source, peft)
        shutil.copyfile(peft / PEFT_WEIGHTS, folder / PEFT_WEIGHTS)
        both = json.loads((folder / CONFIG).read_bytes()) | json.loads((peft / CONFIG).read_bytes())
    write_atomically(folder / CONFIG, json.dumps(both, indent=2).encode() + b"\n")
    lora.apply_factors(source.loaded.model, factors_in(folder))
    try:
        difference(source.name, source.answers, answers_of(source.loaded))
    finally:
        lora.detach(source.loaded.model)
    return ("mlx", "peft")
