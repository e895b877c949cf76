"""Adapters as PEFT stores them: Hugging Face's library, which trains and runs them in PyTorch.

Format: `adapter_config.json` (peft.LoraConfig) and `adapter_model.safetensors`, whose tensors are
`base_model.model.LAYER.lora_A.weight` of (rank, inputs) and `.lora_B.weight` of (outputs, rank); of
embeddings `.lora_embedding_A` of (rank, tokens) and `.lora_embedding_B` of (width, rank); of DoRA
also `.lora_magnitude_vector` of (outputs,). A layer changes by `alpha / rank * B @ A`, with rsLoRA
by `alpha / sqrt(rank) * B @ A` (huggingface.co/docs/peft/developer_guides/checkpoint).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mlx.core as mx

from mlx_backend.adapters.forms.base_layers import BaseLayers
from mlx_backend.models.lora_factors import Factors

PEFT_CONFIG = "adapter_config.json"
PEFT_WEIGHTS = "adapter_model.safetensors"

_PREFIX = "base_model.model."
_TENSOR = re.compile(
    r"base_model\.model\.(?P<layer>.+?)\."
    r"(?P<part>lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector)"
    r"(?:\.default)?(?:\.weight)?"
)
# What says nothing about how the adapter computes, once its tensors are there.
_OF_NO_CONSEQUENCE = frozenset(
    {
        *("alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "corda_config"),
        *("ensure_weight_tying", "eva_config", "exclude_modules", "inference_mode"),
        *("init_lora_weights", "layers_pattern", "layers_to_transform", "loftq_config"),
        *("lora_alpha", "lora_dropout", "lora_ga_config", "megatron_core", "peft_type"),
        *("peft_version", "qalora_group_size", "r", "rank_pattern", "revision"),
        *("runtime_config", "target_modules", "task_type", "use_dora", "use_rslora"),
    }
)

_LONGEST_SHOWN = 40  # characters

# Ways to begin that leave the base model's weights as they are.
_ON_THE_BASE_AS_IT_IS = (True, False, None, "gaussian", "eva", "orthogonal")


@dataclass(frozen=True)
class PeftAdapter:
    """An adapter in PEFT's form: its configuration, and its tensors by their names."""

    config: dict[str, object]
    tensors: dict[str, mx.array]


HEAD = "lm_head"
"""The output layer, as transformers calls it."""


def to_peft(factors: Mapping[str, Factors], base: BaseLayers, repository: str) -> PeftAdapter:
    """An adapter in PEFT's form, with the same strength.

    A head that is tied to adapted embeddings becomes a layer of its own there, with the same
    factors the other way round, because PEFT adapts the two separately. `repository`: the base
    model's on the Hub, or "".
    """
    layers = {name: _as_linear(each, name in base.embeddings) for name, each in factors.items()}
    embedded = factors.get(base.tied_head or "")
    if embedded is not None:
        layers[HEAD] = _Layer("linear", embedded.b, embedded.a, embedded.scale)
    tensors: dict[str, mx.array] = {}
    for name, layer in sorted(layers.items()):
        tensors |= layer.tensors(f"{_PREFIX}{name}")
    return PeftAdapter(_config(layers, base, repository), tensors)


@dataclass(frozen=True)
class _Layer:
    """A layer in PEFT's shapes: A is (rank, inputs), B is (outputs, rank)."""

    kind: str
    a: mx.array
    b: mx.array
    scale: float
    norms: mx.array | None = None

    @property
    def rank(self) -> int:
        return int(self.a.shape[0])

    @property
    def alpha(self) -> float:
        return self.scale * self.rank

    def tensors(self, name: str) -> dict[str, mx.array]:
        a, b = mx.contiguous(self.a), mx.contiguous(self.b)
        if self.kind == "embedding":
            return {f"{name}.lora_embedding_A": a, f"{name}.lora_embedding_B": b}
        found = {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}
        if self.norms is not None:
            found[f"{name}.lora_magnitude_vector"] = self.norms
        return found


def _as_linear(factors: Factors, embeds: bool) -> _Layer:
    kind = "embedding" if embeds else "linear"
    return _Layer(kind, factors.a.T, factors.b.T, factors.scale, factors.norms)


def _config(layers: Mapping[str, _Layer], base: BaseLayers, repository: str) -> dict[str, object]:
    usual = max(layers.values(), key=lambda layer: layer.rank)
    others = {
        name: layer
        for name, layer in layers.items()
        if (layer.rank, layer.alpha) != (usual.rank, usual.alpha)
    }
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": repository,
        "inference_mode": True,
        "r": usual.rank,
        "lora_alpha": _number(usual.alpha),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": any(layer.norms is not None for layer in layers.values()),
        "rank_pattern": {name: layer.rank for name, layer in others.items()},
        "alpha_pattern": {name: _number(layer.alpha) for name, layer in others.items()},
        "target_modules": _targets(layers, base),
        "modules_to_save": None,
    }


def _targets(layers: Mapping[str, _Layer], base: BaseLayers) -> list[str]:
    """The last parts of the layers' names where those say which they are, else whole names."""
    endings = {name.rpartition(".")[2] for name in layers}
    meant = {name for name in base.names if name.rpartition(".")[2] in endings}
    return sorted(endings if meant <= set(layers) else layers)


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def from_peft(
    config: Mapping[str, Any], tensors: Mapping[str, mx.array], tied_head: str | None
) -> dict[str, Factors]:
    """The factors of an adapter in PEFT's form, by the names of the layers.

    `tied_head`: the embeddings that are the base model's output layer too, if any. Raises
    ValueError, whose text ends a sentence that begins "it cannot be used: ", where there is
    something that would make it compute otherwise than we do.
    """
    _check_config(config)
    _check_numbers(config)
    _check_patterns(config, tensors)
    parts: dict[str, dict[str, mx.array]] = {}
    for name, tensor in tensors.items():
        found = _TENSOR.fullmatch(name)
        if found is None:
            raise ValueError(f"it holds '{name}', which is no part of a LoRA adapter")
        own = parts.setdefault(found["layer"], {})
        if own.setdefault(found["part"], tensor) is not tensor:
            raise ValueError(f"it holds '{name}' twice")
    factors = {name: _factors(name, own, config) for name, own in parts.items()}
    return _with_tied_head(factors, tied_head)


def _check_config(config: Mapping[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise ValueError(f"it is of the kind {config.get('peft_type')!r}, not LORA")
    if config.get("bias", "none") != "none":
        raise ValueError("it changes biases, too")
    if config.get("init_lora_weights", True) not in _ON_THE_BASE_AS_IT_IS:
        raise ValueError(f"it was trained on a changed base ({config['init_lora_weights']})")
    if config.get("loftq_config") or config.get("corda_config"):
        raise ValueError("it was trained on a changed base")
    more = [name for name, value in config.items() if value and name not in _OF_NO_CONSEQUENCE]
    if more:
        raise ValueError(f"its configuration says '{more[0]}', which is not supported")


def _check_numbers(config: Mapping[str, Any]) -> None:
    """Raise ValueError where something else stands in place of a number or a yes or no."""
    if "lora_alpha" not in config:
        raise ValueError("its configuration does not say how strong it is ('lora_alpha')")
    strengths: dict[str, object] = {"lora_alpha": config["lora_alpha"]}
    ranks: dict[str, object] = {}
    for pattern, numbers in (("alpha_pattern", strengths), ("rank_pattern", ranks)):
        said = config.get(pattern) or {}
        if not isinstance(said, Mapping):
            raise ValueError(f"its configuration says {_shown(said)} as '{pattern}'")
        numbers.update({f"{pattern}', '{key}": value for key, value in said.items()})
    if (rank := config.get("r")) is not None:
        ranks["r"] = rank
    for name, value in (strengths | ranks).items():
        is_whole = type(value) is int and value > 0
        is_strength = type(value) in (int, float) and name in strengths
        if not (is_whole or is_strength):
            raise ValueError(f"its configuration says {_shown(value)} as '{name}'")
    for name in ("use_dora", "use_rslora"):
        if (value := config.get(name)) not in (None, True, False):
            raise ValueError(f"its configuration says {_shown(value)} as '{name}'")


def _shown(value: object) -> str:
    """A value as its configuration writes it, cut to what fits into a sentence."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"


def _check_patterns(config: Mapping[str, Any], tensors: Mapping[str, mx.array]) -> None:
    """Raise ValueError for a strength of its own for a layer that is not there by that name."""
    layers = {found["layer"] for name in tensors if (found := _TENSOR.fullmatch(name))}
    for key in config.get("alpha_pattern") or {}:
        if not any(_means(key, layer) for layer in layers):
            raise ValueError(f"its alpha_pattern names '{key}', which is no layer of it")


def _factors(name: str, parts: Mapping[str, mx.array], config: Mapping[str, Any]) -> Factors:
    embeds = "lora_embedding_A" in parts
    a, b = ("lora_embedding_A", "lora_embedding_B") if embeds else ("lora_A", "lora_B")
    decomposed = bool(config.get("use_dora")) and not embeds
    expected = {a, b, "lora_magnitude_vector"} if decomposed else {a, b}
    if set(parts) != expected:
        raise ValueError(f"the layer '{name}' has {sorted(parts)}, not {sorted(expected)}")
    if parts[a].ndim != 2 or parts[b].ndim != 2 or parts[a].shape[0] != parts[b].shape[1]:
        raise ValueError(f"the factors of the layer '{name}' do not fit together")
    norms = parts["lora_magnitude_vector"].flatten() if decomposed else None
    scale = _scale(name, int(parts[a].shape[0]), config)
    return Factors(mx.contiguous(parts[a].T), mx.contiguous(parts[b].T), scale, norms)


def _scale(name: str, rank: int, config: Mapping[str, Any]) -> float:
    patterns = config.get("alpha_pattern") or {}
    alpha = next((patterns[key] for key in patterns if _means(key, name)), config["lora_alpha"])
    try:
        scale = float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)
    except OverflowError:  # a whole number beyond all floats
        scale = math.inf
    if not math.isfinite(scale):
        raise ValueError(f"the strength of the layer '{name}' is {scale}")
    return scale


def _means(key: object, name: str) -> bool:
    """Whether a key of a pattern means a layer.

    PEFT takes keys for regular expressions; only names are taken here, because an expression from
    a stranger can take forever to match.
    """
    return isinstance(key, str) and (name == key or name.endswith(f".{key.lstrip('^')}"))


def _with_tied_head(factors: dict[str, Factors], tied_head: str | None) -> dict[str, Factors]:
    """Factors without those of a tied head, which ours are with the embeddings'."""
    if tied_head is None:
        return factors
    head, embedded = factors.pop(HEAD, None), factors.get(tied_head)
    if head is None and embedded is None:
        return factors
    if head is None or embedded is None or not _mirror(head, embedded):
        raise ValueError(
            "it changes the token embeddings and the output layer each in its own way, while both"
            " are the same weights in the base model"
        )
    return factors


def _mirror(head: Factors, embedded: Factors) -> bool:
    """Whether a head changes as the embeddings do that it is tied to."""
    if head.a.shape != embedded.b.T.shape or head.b.shape != embedded.a.T.shape:
        return False
    same = mx.all(head.a == embedded.b.T) & mx.all(head.b == embedded.a.T)
    return head.scale == embedded.scale and bool(same.item())
