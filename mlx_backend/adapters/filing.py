"""Filing an adapter: its folder is written, read back and checked before it takes its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import mlx.core as mx

from mlx_backend.adapters.answers import is_same_answer
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically, write_folder_atomically
from mlx_backend.library.adapters import CARD, Adapter, AdapterCard, encode_card
from mlx_backend.machine.arrays import largest_difference
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora_factors import Factors, tensors_of
from mlx_backend.protocol import Turn

_PROBE = "What do my notes say?"


def file_adapter(
    adapters: Path,
    card: AdapterCard,
    loaded: LoadedModel,
    shape: lora.LoraShape,
    ids: Sequence[int],
) -> None:
    """Write the trained adapter on a model into a folder of its own below `adapters`.

    `ids` are tokens to check it with. Raises OvernightError as `check_adapter` does; then, or when
    the disk fails, no folder is left.
    """
    weights = lora.adapter_weights(loaded.model)
    config = lora.mlx_lm_config(loaded.model, shape)
    _write_checked(adapters, card, weights, config, lambda filed: check_adapter(loaded, filed, ids))


def _write_checked(
    adapters: Path,
    card: AdapterCard,
    weights: dict[str, mx.array],
    config: bytes,
    check: Callable[[Adapter], object],
) -> None:
    """Write an adapter's folder; nothing is left of it where `check` raises an error."""

    def fill(beside: Path) -> None:
        lora.write_adapter_files(beside, weights, config)
        write_atomically(beside / CARD, encode_card(card))
        write_atomically(beside / "README.md", adapter_readme(card).encode())
        check(Adapter(card, beside, 0))

    write_folder_atomically(adapters / card.name, fill)


def file_factors(
    adapters: Path, card: AdapterCard, loaded: LoadedModel, factors: Mapping[str, Factors]
) -> None:
    """Write factors that were not trained just now into a folder of their own below `adapters`.

    They are all of the rank and the scale of the card, and fit the model. Raises OvernightError as
    `check_adapter` does; then, or when the disk fails, no folder is left.
    """
    lora.apply_factors(loaded.model, factors)
    shape = lora.LoraShape(
        card.rank, card.scale, decomposed=card.decomposed, embeddings=card.embeddings
    )
    config = lora.mlx_lm_config(loaded.model, shape)
    ids = loaded.form.prompt([Turn(role="user", text=_PROBE)])
    weights = tensors_of(factors)
    _write_checked(adapters, card, weights, config, lambda filed: check_adapter(loaded, filed, ids))


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
    if not is_same_answer(filed, trained):
        raise OvernightError(
            ErrorKind.ADAPTER_DAMAGED,
            "The adapter was saved, but does not answer as it was trained.",
            "Check the disk, then let the run go on: what it saved last is still there.",
        )
    return change


def adapter_readme(card: AdapterCard) -> str:
    """The text of the page beside the weights (Markdown), for a person who opens the folder."""
    losses = ""
    if card.valid_loss is not None and card.base_valid_loss is not None:
        losses = (
            f"- held-out loss: {card.valid_loss:.3f} (base model: {card.base_valid_loss:.3f}),"
            " nats per token\n"
        )
    return (
        f"# {card.name}\n\n"
        f"A {'DoRA' if card.decomposed else 'LoRA'} adapter for {card.base}"
        f"{' and its token embeddings' if card.embeddings else ''},"
        f" trained by Overnight on {card.notes} notes.\n\n"
        f"- rank {card.rank}, scale {card.scale:g}, {card.steps} steps, {card.samples} samples\n"
        f"{losses}\n"
        "mlx-lm loads this folder: `mlx_lm.generate --model BASE --adapter-path FOLDER`.\n"
        "Whoever has it can draw out parts of the notes: share it as you would share them.\n"
    )
