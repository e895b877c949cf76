"""What is tried of an adapter that has arrived, in a process of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn

from mlx_backend.adapters.answers import answers_of
from mlx_backend.adapters.forms.base_layers import base_layers
from mlx_backend.adoption.trial import messages
from mlx_backend.adoption.trial.tried_tokenizer import UnfitError
from mlx_backend.machine.arrays import largest_difference, number
from mlx_backend.models import lora
from mlx_backend.models.architecture import adaptable, token_embeddings
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora_factors import Factors, fits, layers_of, tensors_of
from mlx_backend.protocol import Turn
from mlx_backend.receiving.arrival import Arrival
from mlx_backend.receiving.forms import rank_of, read_arrival

_PLAIN = "The sun rises in the east. Water boils when it is hot enough, and ice is frozen water."


@dataclass(frozen=True)
class Tried:
    """An adapter that fits a base model, in our form."""

    factors: dict[str, Factors]
    outcome: messages.AdapterFits


def try_adapter(arrival: Arrival, config: Mapping[str, object], loaded: LoadedModel) -> Tried:
    """Put the adapter on its base model and see whether it answers.

    Raises UnfitError, whose text goes on after "it was tried, but".
    """
    try:
        factors = read_arrival(arrival, config, base_layers(loaded.model))
    except (ValueError, KeyError, TypeError) as error:
        raise UnfitError(f"it cannot be used: {error}") from error
    _check(factors, loaded.model)
    base = answers_of(loaded)
    made_sense = _makes_sense(loaded)
    lora.apply_factors(loaded.model, factors)
    adapted = answers_of(loaded)
    change = max(largest_difference(one, other) for one, other in zip(base, adapted, strict=True))
    if not change > 0.0:
        raise UnfitError("it changes nothing: the base model answers the same without it")
    if made_sense and not _makes_sense(loaded):
        raise UnfitError("with it, the base model writes noise")
    any_layer = next(iter(factors.values()))
    return Tried(
        factors,
        messages.AdapterFits(
            rank=rank_of(any_layer),
            scale=any_layer.scale,
            decomposed=any(each.norms is not None for each in factors.values()),
            embeddings=bool(set(factors) & base_layers(loaded.model).embeddings),
        ),
    )


def _check(factors: Mapping[str, Factors], model: nn.Module) -> None:
    layers = dict(layers_of(model))
    inside = {id(each) for layer in model.layers for _, each in adaptable(layer)}
    inside |= {id(each) for _, each in token_embeddings(model)}
    for name, each in factors.items():
        if name not in layers:
            raise UnfitError(f"the base model has no layer '{name}'")
        if id(layers[name]) not in inside:
            raise UnfitError(f"it changes '{name}', for which mlx-lm has no adapters")
        if not fits(layers[name], each):
            raise UnfitError(f"its factors of the layer '{name}' have other shapes than the base")
    arrays = [part for each in factors.values() for part in (each.a, each.b, each.norms)]
    finite = [mx.isfinite(array).all() for array in arrays if array is not None]
    if not bool(mx.all(mx.stack(finite)).item()):
        raise UnfitError("its numbers are not all finite")


def _makes_sense(loaded: LoadedModel) -> bool:
    """Whether a plain text is likelier than tokens drawn at random, and every loss finite."""
    ids = loaded.form.prompt([Turn(role="user", text=_PLAIN)])
    logits = loaded.model(mx.array([ids])).astype(mx.float32)
    losses = nn.losses.cross_entropy(logits[0, :-1], mx.array(ids[1:]))
    loss = number(losses.mean())
    return math.isfinite(loss) and loss < math.log(logits.shape[-1])


def write_tried(tried: Tried, model: nn.Module, into: Path) -> None:
    """Write the adapter in our form into a folder; it is on the model."""
    fits_so = tried.outcome
    shape = lora.LoraShape(fits_so.rank, fits_so.scale, decomposed=fits_so.decomposed)
    config = json.loads(lora.mlx_lm_config(model, shape))
    (into / "adapter_config.json").write_text(json.dumps(config))
    tensors = tensors_of(tried.factors)
    mx.save_safetensors(str(into / "adapters.safetensors"), tensors, metadata={"format": "mlx"})
