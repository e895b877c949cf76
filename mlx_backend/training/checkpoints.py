"""Checkpoints: everything that the rest of a run depends on, in folders that are never half there.

A folder `step-000120` holds the adapter's factors, the optimizer's state and `state.json`. It is
written beside, flushed and renamed; one that does not load is passed over for the one before it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import numpy as np
from mlx.utils import tree_unflatten

from mlx_backend.files import (
    remove_folder,
    sha256_of_file,
    write_atomically,
    write_folder_atomically,
)
from mlx_backend.machine.arrays import flatten, load_tensors
from mlx_backend.training.guard import Best, Course
from mlx_backend.training.step import TrainingStep

_KEPT = 3
_NAME = re.compile(r"step-(\d{6,})")
_ADAPTER = "adapter.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_STATE = "state.json"
_RANDOM_KEY = "random_key"

_log = logging.getLogger(__name__)


class TrainingState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands after `step` steps; times in seconds, losses in nats per token.

    `steps_s` is the part of `elapsed_s` that the steps themselves took. `kept_step` is the step
    whose parameters were kept in the end, where that was not the last. The losses by note are
    those of held-out samples, by the note's id.
    """

    step: int
    elapsed_s: float = 0.0
    steps_s: float = 0.0
    tokens: int = 0
    peak_bytes: int = 0
    recent_losses: tuple[float, ...] = ()
    base_valid_loss: float | None = None
    valid_loss: float | None = None
    base_valid_by_note: dict[int, float] = {}
    valid_by_note: dict[int, float] = {}
    best: Best | None = None
    kept_step: int | None = None
    course: Course = Course()

    @property
    def tokens_per_second(self) -> float:
        """Learned tokens a second over all steps."""
        return self.tokens / self.steps_s if self.steps_s else 0.0

    @property
    def train_loss(self) -> float:
        """The mean loss of the latest steps."""
        return sum(self.recent_losses) / max(1, len(self.recent_losses))

    @property
    def has_no_gain(self) -> bool:
        """Whether the held-out loss is known, and no lower than before the first step."""
        before, after = self.base_valid_loss, self.valid_loss
        return before is not None and after is not None and after >= before


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What `state.json` holds: the state as it was written, whatever its fields, and hashes."""

    state: msgspec.Raw
    sha256: dict[str, str]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as it was read from disk."""

    state: TrainingState
    adapter: dict[str, mx.array]
    optimizer: dict[str, mx.array]


def save_checkpoint(folder: Path, training: TrainingStep, state: TrainingState) -> Path:
    """Write a checkpoint; drop all but the latest three and the best. Returns its folder.

    Those of later steps go, too: they were passed over as damaged, and are done again.
    """
    path = _path(folder, state.step)
    if path.exists():  # a damaged one that was passed over
        remove_folder(path)

    def fill(beside: Path) -> None:
        adapter = flatten(training.model.trainable_parameters())
        optimizer = flatten(training.optimizer.state)
        mx.save_safetensors(str(beside / _ADAPTER), adapter)
        mx.save_safetensors(str(beside / _OPTIMIZER), optimizer | {_RANDOM_KEY: _random_state()[0]})
        hashes = {name: sha256_of_file(beside / name) for name in (_ADAPTER, _OPTIMIZER)}
        encoded = msgspec.json.encode(state)
        hashes[_STATE] = _sha256_of(encoded)
        manifest = _Manifest(state=msgspec.Raw(encoded), sha256=hashes)
        write_atomically(beside / _STATE, msgspec.json.encode(manifest))

    write_folder_atomically(path, fill)
    best = state.best.step if state.best is not None else None
    found = _folders(folder)
    kept = {best, *[step for step, _ in found if step <= state.step][:_KEPT]}
    for step, old in found:
        if step not in kept:
            remove_folder(old)
    return path


def latest_checkpoint(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, or None, and the names of newer ones that are not."""
    damaged: list[str] = []
    for _, path in _folders(folder):
        checkpoint = _try_to_read(path)
        if checkpoint is not None:
            return checkpoint, damaged
        damaged.append(path.name)
    return None, damaged


def read_checkpoint(folder: Path, step: int) -> Checkpoint | None:
    """The checkpoint of a step; None when it is not there or damaged."""
    return _try_to_read(_path(folder, step))


def elapsed_before(folder: Path) -> float:
    """The seconds that a run has worked until its newest checkpoint; 0 where there is none."""
    for _, path in _folders(folder):
        try:
            return _state_of(_read_manifest(path)).elapsed_s
        except (OSError, ValueError, msgspec.DecodeError):
            continue
    return 0.0


def restore(training: TrainingStep, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's parameters, optimizer and random state back, bit for bit."""
    restore_adapter(training, checkpoint)
    tensors = dict(checkpoint.optimizer)
    high, low = (int(part) for part in np.array(tensors.pop(_RANDOM_KEY)))
    training.set_optimizer_state(tree_unflatten(list(tensors.items())))
    mx.random.seed((high << 32) | low)


def restore_adapter(training: TrainingStep, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's parameters back alone, to be used rather than trained on."""
    training.model.update(tree_unflatten(list(checkpoint.adapter.items())))


def _random_state() -> list[mx.array]:
    state: Any = mx.random.state
    return list(state)


def _path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:06d}"


def _folders(folder: Path) -> list[tuple[int, Path]]:
    """Checkpoint folders with their steps, the newest first."""
    found = [
        (int(match[1]), path)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _NAME.fullmatch(path.name))
    ]
    return sorted(found, reverse=True)


def _try_to_read(path: Path) -> Checkpoint | None:
    try:
        return _read(path)
    except (OSError, ValueError, RuntimeError, msgspec.DecodeError) as error:
        _log.warning("checkpoint %s is damaged: %s", path.name, error)
        return None


def _sha256_of(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()


def _read_manifest(path: Path) -> _Manifest:
    return msgspec.json.decode((path / _STATE).read_bytes(), type=_Manifest)


def _state_of(manifest: _Manifest) -> TrainingState:
    """The state, if it is what was written. Raises ValueError when it is not."""
    encoded = bytes(manifest.state)
    if _sha256_of(encoded) != manifest.sha256.get(_STATE):
        raise ValueError(f"{_STATE} is not what was written")
    return msgspec.json.decode(encoded, type=TrainingState)


def _read(path: Path) -> Checkpoint:
    manifest = _read_manifest(path)
    for name in (_ADAPTER, _OPTIMIZER):
        if sha256_of_file(path / name) != manifest.sha256.get(name):
            raise ValueError(f"{name} is not what was written")
    return Checkpoint(
        state=_state_of(manifest),
        adapter=load_tensors(path / _ADAPTER),
        optimizer=load_tensors(path / _OPTIMIZER),
    )
