"""What mlx-lm's architectures have in common: adaptable layers, the output head, the window.

Nothing here goes by the name of an architecture. Most are a body, called `model`, with a linear
head or tied embeddings; models that also see pictures hold that whole as `language_model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear
from mlx_lm.tuner.dora import DoRALinear
from mlx_lm.tuner.lora import LoRAEmbedding, LoRALinear, LoRASwitchLinear

Linear = nn.Linear | nn.QuantizedLinear
Embedding = nn.Embedding | nn.QuantizedEmbedding
Experts = SwitchLinear | QuantizedSwitchLinear
Adapted = LoRALinear | DoRALinear | LoRASwitchLinear

_WRAPPERS = ("language_model", "text_model")
_ROUTER_NAMES = frozenset({"router", "gate"})


@dataclass(frozen=True)
class Parts:
    """A model as body and head: `head(body(inputs, cache=cache))` are its logits.

    `layer` has the head's parameters: the head itself, or the embeddings that it is tied to.
    """

    body: Callable[..., mx.array]
    head: Callable[[mx.array], mx.array]
    layer: nn.Module


def parts_of(model: nn.Module) -> Iterator[Parts]:
    """The ways in which a model may be a body followed by a head; whether it is, a trial tells."""
    for owner in _owners(model):
        modules: list[Any] = list(owner.children().values())
        heads = [each for each in modules if isinstance(each, Linear)]
        for body in (each for each in modules if hasattr(each, "layers") and callable(each)):
            yield from (Parts(body, head, head) for head in heads)
            for each in body.children().values():
                if isinstance(each, Embedding | LoRAEmbedding):
                    yield Parts(body, each.as_linear, each)


def head_of(model: nn.Module) -> nn.Module | None:
    """The layer that makes the logits: a linear head, else the embeddings; None without either."""
    for owner in _owners(model):
        if "lm_head" in owner:
            head: nn.Module = owner.lm_head
            return head
    for _, module in model.named_modules():
        if isinstance(module, Embedding):
            return module
    return None


def adaptable(layer: nn.Module) -> list[tuple[str, nn.Module]]:
    """Names and linear layers of a block, sorted; an adapter's layer stands for the one it wraps.

    The experts of a mixture are among them; routers, which choose the experts, are not: with
    another choice, what the experts have learned is lost.
    """
    modules = dict(sorted(layer.named_modules()))
    wrapped = {f"{name}.linear" for name, each in modules.items() if isinstance(each, Adapted)}
    return [
        (name, module)
        for name, module in modules.items()
        if isinstance(module, Adapted | Linear | Experts)
        and name not in wrapped
        and not _is_router(name, module, modules)
    ]


def token_embeddings(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Names and embeddings of the vocabulary; an adapter's layer stands for the one it wraps.

    Not those of positions, nor those within blocks.
    """
    within = {id(module) for layer in model.layers for module in layer.modules()}
    modules = dict(sorted(model.named_modules()))
    wrapped = {f"{name}.embedding" for name, each in modules.items() if _is_adapted(each)}
    tokens = vocabulary_of(model)
    return [
        (name, module)
        for name, module in modules.items()
        if isinstance(module, Embedding | LoRAEmbedding)
        and name not in wrapped
        and id(module) not in within
        and tokens in (None, outputs_of(module.embedding if _is_adapted(module) else module))
    ]


def vocabulary_of(model: nn.Module) -> int | None:
    """The number of tokens in a model's vocabulary; None if its configuration does not say."""
    return _argument(model, "vocab_size")


def window_of(model: nn.Module) -> int | None:
    """The most tokens that a model reads; None if its configuration does not say."""
    return _argument(model, "max_position_embeddings")


def outputs_of(linear: nn.Module) -> int:
    """The number of outputs of a linear layer, or of each expert; of embeddings, the tokens."""
    return int(linear.weight.shape[-2])


def inputs_of(linear: nn.Module) -> int:
    """The number of inputs of a linear layer, or of each expert; of embeddings, their width."""
    width = int(linear.weight.shape[-1])
    return width * 32 // int(linear.bits) if "scales" in linear else width


def _is_adapted(embedding: nn.Module) -> bool:
    return isinstance(embedding, LoRAEmbedding)


def _owners(model: nn.Module) -> Iterator[nn.Module]:
    """The model, and the models that it wraps."""
    owner: Any = model
    while isinstance(owner, nn.Module):
        yield owner
        owner = next((owner[name] for name in _WRAPPERS if name in owner), None)


def _is_router(name: str, module: nn.Module, modules: dict[str, nn.Module]) -> bool:
    """Whether a linear layer has an output for each of the experts beside it."""
    linear = module.linear if isinstance(module, Adapted) else module
    if not isinstance(linear, Linear):
        return False
    parent = name.rpartition(".")[0]
    beside = {f"{place}." for place in (parent, parent.rpartition(".")[0]) if place}
    if not _ROUTER_NAMES.isdisjoint(name.split(".")):
        beside.add("")  # the experts may be anywhere in the block
    return any(
        isinstance(each, Experts)
        and outputs_of(linear) == each.num_experts
        and any(other.startswith(place) for place in beside)
        for other, each in modules.items()
    )


def _argument(model: nn.Module, name: str) -> int | None:
    """A number of a model's configuration, or of the configuration of its text part."""
    for owner in _owners(model):
        arguments = getattr(owner, "args", None)
        text = getattr(arguments, "text_config", None)
        for place in (arguments, text):
            found = place.get(name) if isinstance(place, dict) else getattr(place, name, None)
            if isinstance(found, int) and found > 0:
                return found
    return None
