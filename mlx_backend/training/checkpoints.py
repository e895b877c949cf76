"""Checkpoints: everything that the rest of a run depends on, written atomically.

A folder `step-000120` holds the adapter's weights, the optimizer's state and `state.json` with
their SHA-256. It is written under another name, flushed and renamed. If a checkpoint is damaged,
the one before it is used.
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
from mlx_backend.training.choosing import Answered, best_of
from mlx_backend.training.early_stopping import Best, Course
from mlx_backend.training.looks import Look
from mlx_backend.training.step import TrainingStep

_KEPT = 3
_NAME = re.compile(r"step-(\d{6,})")
_ADAPTER = "adapter.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_STATE = "state.json"
_RANDOM_KEY = "random_key"

_log = logging.getLogger(__name__)


class TrainingState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a run after `step` steps; times in seconds, losses in nats per token.

    `steps_s` is the part of `elapsed_s` spent on steps. `tokens` counts the targets learned so far.
    `kept_step` is the step whose parameters were kept at the end, if not those of the last step.
    `base_valid_...` is the held-out loss before the first step; `..._by_note` maps the id of a note
    to the mean loss of its held-out samples. `divergence` is the KL divergence to the base model on
    general prompts at the latest evaluation, None where there are none to measure it on.
    `answered` are the states that were asked questions, to choose among them. `evaluation_is_due`:
    a stop cut short what was to be evaluated after this step. `looks` are what was found known of
    the facts so far, from which the batches of later steps follow.
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
    divergence: float | None = None
    answered: tuple[Answered, ...] = ()
    evaluation_is_due: bool = False
    looks: tuple[Look, ...] = ()

    @property
    def tokens_per_second(self) -> float:
        """Learned tokens per second, over all steps."""
        return self.tokens / self.steps_s if self.steps_s else 0.0

    @property
    def train_loss(self) -> float:
        """The mean `StepDone.loss` of the most recent steps; 0 before the first."""
        return sum(self.recent_losses) / max(1, len(self.recent_losses))

    @property
    def has_no_gain(self) -> bool:
        """Whether the held-out loss is known and not lower than before the first step."""
        before, after = self.base_valid_loss, self.valid_loss
        return before is not None and after is not None and after >= before


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `state.json`: the encoded state, and the SHA-256 of it and of each file."""

    state: msgspec.Raw
    sha256: dict[str, str]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read from disk; the arrays are named as MLX flattens their trees."""

    state: TrainingState
    adapter: dict[str, mx.array]
    optimizer: dict[str, mx.array]


def save_checkpoint(folder: Path, training: TrainingStep, state: TrainingState) -> Path:
    """Write a checkpoint and return its folder; keep the latest three and the best ones.

    Checkpoints of later steps are removed: they are damaged, and their steps are repeated.
    """
    path = _path(folder, state.step)
    if path.exists():  # a damaged one
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
    best = {each.step for each in (state.best, best_of(state.answered)) if each is not None}
    found = _folders(folder)
    kept = {*best, *[step for step, _ in found if step <= state.step][:_KEPT]}
    for step, old in found:
        if step not in kept:
            remove_folder(old)
    return path


def latest_checkpoint(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest undamaged checkpoint, or None, and the names of newer, damaged ones."""
    damaged: list[str] = []
    for _, path in _folders(folder):
        checkpoint = _try_to_read(path)
        if checkpoint is not None:
            return checkpoint, damaged
        damaged.append(path.name)
    return None, damaged


def read_checkpoint(folder: Path, step: int) -> Checkpoint | None:
    """The checkpoint of a step; None if it is missing or damaged."""
    return _try_to_read(_path(folder, step))


def elapsed_before(folder: Path) -> float:
    """The seconds that a run had worked when it wrote its newest checkpoint; 0 without one."""
    state = _newest_state(folder)
    return state.elapsed_s if state is not None else 0.0


def looks_before(folder: Path) -> tuple[Look, ...]:
    """What a run had found known of the facts when it wrote its newest checkpoint."""
    state = _newest_state(folder)
    return state.looks if state is not None else ()


def restore(training: TrainingStep, checkpoint: Checkpoint) -> None:
    """Restore parameters, optimizer state and random state from a checkpoint, bit for bit."""
    restore_adapter(training, checkpoint)
    tensors = dict(checkpoint.optimizer)
    high, low = (int(part) for part in np.array(tensors.pop(_RANDOM_KEY)))
    training.set_optimizer_state(tree_unflatten(list(tensors.items())))
    mx.random.seed((high << 32) | low)


def restore_adapter(training: TrainingStep, checkpoint: Checkpoint) -> None:
    """Restore the parameters alone, for a model that is not trained any further."""
    training.model.update(tree_unflatten(list(checkpoint.adapter.items())))


def _random_state() -> list[mx.array]:
    state: Any = mx.random.state
    return list(state)


def _path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:06d}"


def _folders(folder: Path) -> list[tuple[int, Path]]:
    """The steps and folders of all checkpoints, newest first."""
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


def _newest_state(folder: Path) -> TrainingState | None:
    """The state of the newest checkpoint that can be read, without its arrays."""
    for _, path in _folders(folder):
        try:
            return _state_of(_read_manifest(path))
        except (OSError, ValueError, msgspec.DecodeError):
            continue
    return None


def _read_manifest(path: Path) -> _Manifest:
    return msgspec.json.decode((path / _STATE).read_bytes(), type=_Manifest)


def _state_of(manifest: _Manifest) -> TrainingState:
    """The training state. Raises ValueError when its hash differs."""
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
