"""Before an adapter is filed: it must load from its files, answer as trained, change something."""

from __future__ import annotations

from collections.abc import Sequence

import mlx.core as mx

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import Adapter, AdapterCard
from mlx_backend.machine.arrays import largest_difference, number
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel

# Largest difference, as a share of the largest logit, that counts as the same answer.
SAME = 1e-3


def check_adapter(loaded: LoadedModel, adapter: Adapter, ids: Sequence[int]) -> float:
    """Compare the trained model, the adapter read back from disk, and the base on some tokens.

    Leaves the adapter from disk on the model; returns the largest change of a logit against the
    base. Raises OvernightError when the files do not reproduce the training, or change nothing.
    """
    inputs = mx.array([list(ids)])
    loaded.model.eval()
    trained = loaded.model(inputs)
    mx.eval(trained)
    lora.detach(loaded.model)
    base = loaded.model(inputs)
    mx.eval(base)
    lora.apply_adapters(loaded.model, [(adapter, 1.0)])
    filed = loaded.model(inputs)
    change = largest_difference(filed, base)
    if not change > 0.0:
        raise OvernightError(
            ErrorKind.NO_LEARNING,
            "The training changed nothing: the adapter answers exactly as the base model.",
            "Train with more steps or a higher learning rate (Settings, Details).",
        )
    scale = number(mx.abs(trained).max())
    if not largest_difference(filed, trained) <= SAME * scale:
        raise OvernightError(
            ErrorKind.ADAPTER_DAMAGED,
            "The adapter was saved, but does not answer as it was trained.",
            "Check the disk, then let the run go on: what it saved last is still there.",
        )
    return change


def adapter_readme(card: AdapterCard) -> str:
    """A page beside the weights, for whoever finds the folder."""
    losses = ""
    if card.valid_loss is not None and card.base_valid_loss is not None:
        losses = (
            f"- held-out loss: {card.valid_loss:.3f} (base model: {card.base_valid_loss:.3f}),"
            " nats per token\n"
        )
    return (
        f"# {card.name}\n\n"
        f"A {'DoRA' if card.decomposed else 'LoRA'} adapter for {card.base},"
        f" trained by Overnight on {card.notes} notes.\n\n"
        f"- rank {card.rank}, scale {card.scale:g}, {card.steps} steps, {card.samples} samples\n"
        f"{losses}\n"
        "mlx-lm loads this folder: `mlx_lm.generate --model BASE --adapter-path FOLDER`.\n"
        "Whoever has it can draw out parts of the notes: share it as you would share them.\n"
    )
