"""transformers and PEFT, in PyTorch, answer with exported adapters as we do, and we with theirs.

PyTorch is too large for every `make test`: `make interop` installs it beside and runs these.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from numpy.typing import NDArray

from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.adapters.forms.transformers_names import CLASSES
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter, read_adapter
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.lora import LoraShape
from mlx_backend.models.starter import ensure_starter
from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.model_types import write_model

PYTHON = os.environ.get("OVERNIGHT_TORCH_PYTHON", "")
IDS = [1, 50, 60, 70, 80, 33, 21, 90]
CLOSE = 1e-3

pytestmark = pytest.mark.skipif(not PYTHON, reason="needs PyTorch: run `make interop`")


def torch(*arguments: str) -> None:
    script = Path(__file__).with_name("peft_answers.py")
    command = [PYTHON, str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def theirs(base: Path, adapter: Path | None, to: Path) -> NDArray[np.float32]:
    torch("answer", str(base), str(adapter or ""), str(to), *map(str, IDS))
    found: NDArray[np.float32] = np.load(to)
    return found


def ours(loaded: LoadedModel, adapters: Sequence[tuple[Adapter, float]]) -> NDArray[np.float32]:
    lora.apply_adapters(loaded.model, adapters)
    logits = loaded.model(mx.array([IDS]))[0].astype(mx.float32)
    return np.array(logits)


def differ(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one - other).max())


def as_transformers_has_it(loaded: LoadedModel, folder: Path) -> Path:
    """The base model dequantised, in float32."""
    folder.mkdir()
    source = loaded.info.path
    config = json.loads((source / "config.json").read_text())
    config.pop("quantization", None)
    config["pad_token_id"] = 0
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, folder / name)
    tensors = flatten(loaded.model.parameters())
    mx.save_safetensors(str(folder / "model.safetensors"), tensors, metadata={"format": "pt"})
    return folder


@pytest.fixture(params=["starter", "tiny"])
def loaded_base(request: pytest.FixtureRequest, tiny_library: Library) -> LoadedModel:
    if request.param == "starter":
        (tiny_library.models / "starter").unlink()
        ensure_starter(tiny_library)
    return load_base_model(tiny_library, str(request.param))


@pytest.mark.parametrize(
    "shape",
    [
        LoraShape(8, 0.05),
        LoraShape(16, 0.02),
        LoraShape(8, 0.05, decomposed=True),
        LoraShape(8, 0.02, embeddings=True),
    ],
)
def test_peft_answers_as_we_do(
    tiny_library: Library, loaded_base: LoadedModel, tmp_path: Path, shape: LoraShape
) -> None:
    base = as_transformers_has_it(loaded_base, tmp_path / "base")
    adapter = make_adapter(tiny_library.adapters, loaded_base, "Garden", shape=shape)
    export_adapter(tiny_library, ExportOrder("Garden", "peft", tmp_path / "out"))
    difference = differ(
        theirs(base, tmp_path / "out", tmp_path / "a.npy"), ours(loaded_base, [(adapter, 1.0)])
    )
    change = differ(ours(loaded_base, []), ours(loaded_base, [(adapter, 1.0)]))
    print(f"largest difference of a logit: {difference:.1e}, of the adapter's change {change:.1e}")
    assert difference < CLOSE
    assert change > 20 * CLOSE


def test_we_answer_as_an_adapter_that_peft_made(
    tiny_library: Library, loaded_base: LoadedModel, tmp_path: Path
) -> None:
    base = as_transformers_has_it(loaded_base, tmp_path / "base")
    torch("make", str(base), str(tmp_path / "made"), "8", "4")
    order = ReceiveOrder(str(tmp_path / "made"), "Theirs", loaded_base.info.card.name)
    receive(tiny_library, order, Watch())
    came = read_adapter(tiny_library.adapters, "Theirs")
    difference = differ(
        theirs(base, tmp_path / "made", tmp_path / "a.npy"), ours(loaded_base, [(came, 1.0)])
    )
    print(f"largest difference of a logit: {difference:.1e}")
    assert difference < CLOSE


def test_transformers_answers_with_a_whole_model(
    tiny_library: Library, loaded_base: LoadedModel, tmp_path: Path
) -> None:
    shape = LoraShape(8, 0.05)
    adapter = make_adapter(tiny_library.adapters, loaded_base, "Garden", shape=shape)
    export_adapter(tiny_library, ExportOrder("Garden", "fused", tmp_path / "out"))
    difference = differ(
        theirs(tmp_path / "out", None, tmp_path / "a.npy"), ours(loaded_base, [(adapter, 1.0)])
    )
    print(f"largest difference of a logit: {difference:.1e}")
    assert difference < CLOSE


ROUGHER = {"gemma": 5e-3, "starcoder2": 2e-3}  # other approximations of GELU


@pytest.mark.parametrize("kind", sorted(set(CLASSES) - {"mistral"}))
def test_every_architecture_that_is_exported(
    kind: str, tiny_library: Library, tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    write_model(tiny_library.models / kind, kind, tiny_folders["tiny"])
    loaded = load_base_model(tiny_library, kind)
    base = as_transformers_has_it(loaded, tmp_path / "base")
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden", shape=LoraShape(4, 0.2))
    export_adapter(tiny_library, ExportOrder("Garden", "peft", tmp_path / "out"))
    answers = theirs(base, tmp_path / "out", tmp_path / "a.npy")
    difference = differ(answers, ours(loaded, [(adapter, 1.0)]))
    print(f"{kind}: {difference:.1e}")
    assert difference < ROUGHER.get(kind, CLOSE)
