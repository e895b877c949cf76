"""The figures of a model's architecture, out of its configuration (config.json).

The names are those that Hugging Face's and mlx-lm's configurations use. What a configuration does
not say is put in so that the need of memory is rather guessed too large than too small.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlx_backend.library.model_fit import Figures

Config = Mapping[str, object]

_WRAPPERS = ("text_config", "llm_config", "language_config")
_LAYERS = ("num_hidden_layers", "num_layers", "n_layers", "n_layer", "num_transformer_layers")
_WIDTH = ("hidden_size", "d_model", "n_embd", "model_dim", "dim", "hidden_dim")
_HEADS = ("num_attention_heads", "n_heads", "n_head", "num_heads")
_KV_HEADS = ("num_key_value_heads", "n_kv_heads", "num_kv_heads", "num_attention_groups")
_HEAD_SIZE = ("head_dim", "kv_channels", "hidden_size_per_head")
_MLP = ("intermediate_size", "ffn_hidden_size", "block_ff_dim", "n_inner", "ff_intermediate_size")
_EXPERT_MLP = ("moe_intermediate_size", "expert_ffn_hidden_size")
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_EXPERTS_USED = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k")
_CONTEXT = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")
_ATTENTION_KINDS = ("attention", "full_attention", "sliding_attention")
_LARGEST = 1 << 40  # what is larger is no figure of a model

# Where nothing is said: those of a model of 8 billion parameters.
_USUAL_VOCABULARY, _USUAL_HEAD = 152_000, 128
# Of formats that do not say it in numbers.
_BITS_OF_METHOD = {"mxfp4": 4, "mxfp8": 8, "fp8": 8, "bitnet": 2, "modelopt": 4}
_USUAL_BITS = 4  # AWQ, GPTQ and the like, unless they say otherwise
_MOST_BITS = 64
_BITS_OF = {"float32": 32, "float16": 16, "bfloat16": 16}


def figures_of(config: Config, parameters: int, weight_bytes: int) -> Figures:
    """The figures of a model; a wrapper's configuration of its language model counts.

    parameters, weight_bytes: 0 parameters are computed from the bytes of the weights' files.
    """
    inner = inner_config(config)
    width = _number(inner, _WIDTH) or _width_by_size(parameters)
    layers = _number(inner, _LAYERS) or 32
    heads = _number(inner, _HEADS) or max(1, width // _USUAL_HEAD)
    experts = _number(inner, _EXPERTS) or 1
    mlp = (_number(inner, _EXPERT_MLP) if experts > 1 else 0) or _number(inner, _MLP) or 4 * width
    used = _number(inner, _EXPERTS_USED) if experts > 1 else 1
    return Figures(
        parameters=parameters or parameters_by_size(config, weight_bytes),
        weight_bytes=weight_bytes,
        layers=layers,
        attention_layers=_attention_layers(inner, layers),
        hidden_size=width,
        heads=heads,
        kv_heads=_number(inner, _KV_HEADS) or heads,
        head_size=_number(inner, _HEAD_SIZE) or max(1, width // heads),
        intermediate_size=mlp * max(1, used),
        vocabulary=_number(inner, ("vocab_size", "num_vocab")) or _USUAL_VOCABULARY,
        context=context_of(config),
        expert_share=experts / max(1, used),
    )


def inner_config(config: Config) -> Config:
    """The part of a configuration that describes the language model: all of it, mostly."""
    for name in _WRAPPERS:
        if isinstance(inner := config.get(name), dict):
            return inner
    return config


def context_of(config: Config) -> int:
    """The context length in tokens; 0 where the configuration does not state it."""
    return _number(inner_config(config), _CONTEXT) or _number(config, _CONTEXT)


def stored_bits(config: Config) -> int:
    """The bits of a weight as it is stored, 0 where the configuration does not say."""
    if quantised := quantised_bits(config):
        return quantised
    for holder in (inner_config(config), config):
        for name in ("dtype", "torch_dtype"):
            if isinstance(said := holder.get(name), str) and said in _BITS_OF:
                return _BITS_OF[said]
    return 0


def quantised_bits(config: Config) -> int | None:
    """The bits of a weight of a quantised model, from its config.json; None if it is none."""
    for holder in (config, inner_config(config)):
        for name in ("quantization", "quantization_config"):
            if isinstance(said := holder.get(name), dict) and said:
                return _bits_said(said)
    return None


def parameters_by_size(config: Config, weight_bytes: int) -> int:
    """How many parameters weights of this size hold, roughly.

    A group of 64 quantised weights has a scale and an offset of 16 bits each.
    """
    bits = stored_bits(config) or 16
    group = 64
    if isinstance(said := config.get("quantization"), dict):
        group = _number(said, ("group_size",)) or group
    return int(weight_bytes * 8 / (bits if bits >= 16 else bits + 32 / group))


def _attention_layers(config: Config, layers: int) -> int:
    """How many layers keep keys and values; in others a state of fixed size does for all tokens."""
    kinds = config.get("layer_types")
    if not isinstance(kinds, list):
        return layers
    return min(layers, sum(kind in _ATTENTION_KINDS for kind in kinds)) or layers


def _width_by_size(parameters: int) -> int:
    """The usual width of a model of this size: 12 * 32 layers * width^2 parameters."""
    return max(64, int((parameters / 384) ** 0.5) // 64 * 64)


def _number(config: Config, names: tuple[str, ...]) -> int:
    for name in names:
        value = config.get(name)
        if isinstance(value, list) and value and all(type(each) is int for each in value):
            value = max(value)  # one for each layer
        if type(value) is int and 0 < value < _LARGEST:
            return value
    return 0


def _bits_said(said: Mapping[str, object]) -> int:
    method = _BITS_OF_METHOD.get(str(said.get("quant_method", "")).lower())
    for found in (said.get("bits"), method, *_bits_of_groups(said)):
        if type(found) is int and 0 < found <= _MOST_BITS:
            return found
    return _USUAL_BITS


def _bits_of_groups(said: Mapping[str, object]) -> list[object]:
    """What compressed-tensors says of each group of layers."""
    groups = said.get("config_groups")
    weights = [
        group.get("weights")
        for group in (groups.values() if isinstance(groups, dict) else ())
        if isinstance(group, dict)
    ]
    return [each.get("num_bits") for each in weights if isinstance(each, dict)]
