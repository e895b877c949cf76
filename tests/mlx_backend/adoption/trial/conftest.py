"""Model folders as they come: without a card, and changed as a test wants them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from mlx_backend.adoption.trial.trial import try_model
from mlx_backend.adoption.trial.watched import TrialLimits
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.models import CARD
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.machine.cores import FIXED_CORES
from tests.mlx_backend.model_types import write_model

ROOT = Path(__file__).parents[4]

Refusal = Callable[..., OvernightError]


@pytest.fixture(autouse=True)
def of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial's process imports what is tested here, and takes one core."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(FIXED_CORES, "1")


@pytest.fixture
def candidate(tmp_path: Path, tiny_folders: dict[str, Path]) -> Path:
    """The tiny model of Llama's architecture, before it has a card."""
    folder = tmp_path / "candidate"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        shutil.copyfile(tiny_folders["tiny"] / name, folder / name)
    return folder


@pytest.fixture
def refusal(candidate: Path) -> Refusal:
    """Tries the candidate, and returns the error with which it is refused, nothing written."""

    def refused(
        name: str = "one", kind: ErrorKind = ErrorKind.BAD_INPUT, **limits: Any
    ) -> OvernightError:
        before = contents(candidate)
        with pytest.raises(OvernightError) as caught:
            try_model(candidate, name, ignore, never, TrialLimits(**limits))
        assert caught.value.kind is kind
        assert caught.value.hint
        assert contents(candidate) == before
        return caught.value

    return refused


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder and what is in them."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_candidate(folder: Path, kind: str, like: Path, number_format: str) -> None:
    """Write a tiny model of an architecture in a number format, without a card."""
    write_model(folder, kind, like, 4 if number_format == "4 bit" else None)
    (folder / CARD).unlink()
    if number_format == "bfloat16":
        change_weights(folder, lambda array: array.astype(mx.bfloat16))


def change_weights(folder: Path, change: Callable[[mx.array], mx.array]) -> None:
    """Change each tensor of a model."""
    file = folder / "model.safetensors"
    changed = {name: change(array) for name, array in load_tensors(file).items()}
    mx.eval(changed)
    mx.save_safetensors(str(file), changed, metadata={"format": "mlx"})


def change_json(file: Path, **changes: object) -> None:
    """Change the values of a JSON file."""
    file.write_text(json.dumps(json.loads(file.read_bytes()) | changes))


def ignore(*_: object) -> None:
    """Progress that nobody looks at."""


def never() -> bool:
    """Nobody wants the trial to stop."""
    return False
