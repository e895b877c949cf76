"""Loading a base model in the number format that this machine computes fastest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.switch_layers import QuantizedSwitchLinear
from mlx_lm.tokenizer_utils import TokenizerWrapper
from mlx_lm.utils import dequantize_model, load_model, load_tokenizer

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapter_bases import base_of
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.home import Library
from mlx_backend.library.models import BaseModel, damage_hint
from mlx_backend.machine import dependency_patches
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.arrays import flatten
from mlx_backend.models.chat_form import ChatForm
from mlx_backend.models.starter import find_base_model

# Else transformers would ask in the terminal whether it may run the model's own code.
_NO_REMOTE_CODE = {"trust_remote_code": False}


_BRING_BACK = (
    "Bring that model back: `overnight bin` lists what was deleted, and `overnight download` or"
    " `overnight adopt` get it again."
)


@dataclass(frozen=True)
class LoadedModel:
    """A base model in memory with its tokenizer."""

    model: nn.Module
    tokenizer: TokenizerWrapper
    form: ChatForm
    info: BaseModel

    @property
    def bytes(self) -> int:
        """The size of the weights in memory."""
        return sum(array.nbytes for array in flatten(self.model.parameters()).values())


def base_for(library: Library, adapters: Sequence[Adapter], otherwise: str) -> str:
    """The name of the base model that all these adapters were trained on; `otherwise` without any.

    The weights count, not the name that the model had. Raises OvernightError when they were trained
    on different base models, or when theirs is missing.
    """
    if not adapters:
        return otherwise
    if len({adapter.card.base_sha256 for adapter in adapters}) > 1:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "These adapters were trained on different base models.",
            "Choose adapters of the same base: `overnight adapters` shows it.",
        )
    card = adapters[0].card
    base = base_of(library, card)
    if base is not None:
        return base
    names = ", ".join(f"'{adapter.card.name}'" for adapter in adapters)
    try:
        present = find_base_model(library, card.base)
    except OvernightError as error:
        raise OvernightError(
            error.kind,
            f"{names} was trained on the base model '{card.base}', which cannot be used: "
            f"{error.message}",
            _BRING_BACK,
            error.detail,
        ) from error
    if present.card.sha256 != card.base_sha256:
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"{names} was trained on another version of the base model '{card.base}'.",
            _BRING_BACK,
        )
    return card.base


def load_base_model(library: Library, name: str) -> LoadedModel:
    """Load a base model, frozen: quantised as it is for a GPU, as float32 for the CPU.

    MLX's CPU build computes quantised and 16-bit products about 40 times slower than float32.
    Raises OvernightError when the model is unknown, damaged, or of an architecture that mlx-lm
    cannot load here; RuntimeError without enough memory.
    """
    return load_from(find_base_model(library, name))


def load_from(info: BaseModel) -> LoadedModel:
    """Load the model in `info.path`, in a library or not; as `load_base_model` otherwise."""
    with _damage_told(info.card.name, info):
        model = load_weights(info.path)
        tokenizer = load_model_tokenizer(info.path)
    return LoadedModel(model, tokenizer, ChatForm(tokenizer, info), info)


def load_weights(folder: Path) -> nn.Module:
    """The model in a folder, frozen, in the number format of `load_base_model`.

    Raises whatever mlx-lm raises for a folder that it cannot load.
    """
    model: nn.Module
    model, _ = load_model(folder, lazy=True)
    if not has_gpu():
        _to_float32(model)
        dependency_patches.use_cpu_math(model)
    mx.eval(model.parameters())
    model.freeze()
    return model


def load_model_tokenizer(folder: Path) -> TokenizerWrapper:
    """The tokenizer in a model's folder, without any code of its own.

    Raises whatever transformers raises for files that it cannot read.
    """
    return load_tokenizer(folder, _NO_REMOTE_CODE)


def load_chat_form(library: Library, name: str) -> ChatForm:
    """How a base model encodes conversations, without loading its weights.

    Raises OvernightError when the model is unknown or its tokenizer damaged.
    """
    info = find_base_model(library, name)
    with _damage_told(name, info):
        return ChatForm(load_model_tokenizer(info.path), info)


@contextlib.contextmanager
def _damage_told(name: str, info: BaseModel) -> Iterator[None]:
    """Turn what loading raises for damaged files into an OvernightError."""
    try:
        yield
    except (Exception, SystemExit) as error:  # mlx-lm's `olmo` ends the process without ai2-olmo
        if isinstance(error, RuntimeError) and "alloc" in str(error):
            raise
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"The base model '{name}' cannot be loaded.",
            damage_hint(name, info.path),
            f"{type(error).__name__}: {error}",
        ) from error


_Quantised = nn.QuantizedLinear | nn.QuantizedEmbedding | QuantizedSwitchLinear


def _to_float32(model: nn.Module) -> None:
    # Scales first, because MLX's CPU build dequantises with 16-bit scales four times slower.
    for _, module in model.named_modules():
        if isinstance(module, _Quantised):
            module.scales = module.scales.astype(mx.float32)
            if module.biases is not None:
                module.biases = module.biases.astype(mx.float32)
    dequantize_model(model)
    model.set_dtype(mx.float32)
