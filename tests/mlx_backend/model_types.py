"""Tiny random models of the architectures that mlx-lm knows, with configurations made by rule.

mlx-lm has one module for each architecture, whose `ModelArgs` names the fields of its
configuration. A field gets a small value by its name, else its default; `_OVERRIDES` has what an
architecture wants otherwise.
"""

from __future__ import annotations

import dataclasses
import json
import pkgutil
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx_lm.models
import msgspec
from mlx.utils import tree_flatten, tree_map_with_path
from mlx_lm.utils import quantize_model

from mlx_backend.files import sha256_of_file
from mlx_backend.library.models import CARD, ModelCard
from tests.mlx_backend.model_fields import COMMON, LAYERS, VOCABULARY

_GROUP = 32
_MAMBA = ["mamba", "attention", "mamba", "attention"]
_SLIDING = ["sliding_attention", "full_attention"] * 2
_LINEAR = ["linear_attention", "full_attention"] * 2
_ROPE_BY_LAYER = {kind: {"rope_theta": 10_000.0, "rope_type": "default"} for kind in _SLIDING}
_YARN = {
    "type": "yarn",
    "factor": 4.0,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "original_max_position_embeddings": 1024,
    "beta_fast": 32,
    "beta_slow": 1,
}
_LLAMA_4_ROPE = {
    "rope_theta": 10_000.0,
    "llama_4_scaling_beta": 0.1,
    "original_max_position_embeddings": 4096,
    "type": "default",
}
_OVERRIDES: dict[str, dict[str, object]] = {
    "lfm2": {"layer_types": ["conv", "full_attention"] * 2, "block_ff_dim": 64},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "nemotron_h": {"hybrid_override_pattern": ["*", "M", "-", "M"]},
    "mamba2": {"head_dim": 16, "num_heads": 8},
    "plamo2": {"mamba_num_heads": 4},
    "olmo_hybrid": {"layer_types": _LINEAR},
    "afmoe": {"layer_types": _SLIDING},
    "exaone_moe": {"layer_types": _SLIDING},
    "laguna": {"layer_types": _SLIDING},
    "gpt_oss": {"layer_types": _SLIDING},
    "olmo3": {"layer_types": _SLIDING},
    "ministral3": {
        "layer_types": _SLIDING,
        "sliding_window": 8,
        "rope_parameters": _LLAMA_4_ROPE,
    },
    "exaone4": {"sliding_window_pattern": "LG", "layer_types": _SLIDING, "rope_scaling": None},
    "glm4_moe": {"rope_scaling": None},
    "gemma3_text": {"sliding_window_pattern": 2, "query_pre_attn_scalar": 16},
    "gemma2": {"query_pre_attn_scalar": 16},
    "llama4_text": {"no_rope_layers": [1, 1, 0, 0]},
    "smollm3": {"no_rope_layers": [1, 1, 1, 0]},
    "kimi_linear": {
        "linear_attn_config": {
            "num_heads": 4,
            "head_dim": 16,
            "kda_layers": [1, 3],
            "short_conv_kernel_size": 4,
        }
    },
    "dbrx": {
        "ffn_config": {"ffn_hidden_size": 64, "moe_num_experts": 4, "moe_top_k": 2},
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 10_000.0},
    },
    "openelm": {
        "num_query_heads": [4] * LAYERS,
        "num_kv_heads": [2] * LAYERS,
        "ffn_multipliers": [2.0] * LAYERS,
        "ffn_dim_divisor": 32,
    },
    "nemotron-nas": {
        "block_configs": [
            {
                "attention": {"n_heads_in_group": 2, "no_op": False, "replace_with_linear": False},
                "ffn": {"ffn_mult": 1.0, "no_op": False, "replace_with_linear": False},
            }
        ]
        * LAYERS
    },
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "phixtral": {"num_local_experts": 4},
    "mimo_v2_flash": {"moe_layer_freq": [0, 1, 0, 1]},
    "gemma4_text": {"layer_types": _SLIDING, "num_kv_shared_layers": 0},
    "step3p5": {"layer_types": _SLIDING, "moe_layers_enum": "1,2,3"},
    "bailing_moe_v3": {"q_lora_rank": 32},
    "gear": {"layer_types": _SLIDING},
    "muse_glimmer": {"layer_types": _SLIDING},
    "phi3small": {"blocksparse_block_size": 32, "blocksparse_num_local_blocks": 2},
    "deepseek_v2": {"rope_scaling": _YARN},
    "minicpm3": {"rope_scaling": {"original_max_position_embeddings": 4096}},
    "hunyuan": {"rope_scaling": {"alpha": 1000.0, "factor": 1.0, "type": "dynamic"}},
    "glm_moe_dsa": {"rope_parameters": {"rope_theta": 10_000.0, "rope_type": "default"}},
    "glm4_moe_lite": {"quantization": dataclasses.MISSING},
    "granitemoehybrid": {
        "layer_types": _MAMBA,
        "mamba_n_heads": 8,
        "mamba_d_head": 16,
        "mamba_n_groups": 1,
        "mamba_d_state": 16,
        "mamba_d_conv": 4,
        "mamba_proj_bias": False,
        "mamba_conv_bias": False,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "shared_intermediate_size": 32,
    },
    "mellum": {"layer_types": _SLIDING, "rope_parameters": _ROPE_BY_LAYER},
    "spark2_5": {"hidden_act": "gelu", "layer_types": _SLIDING, "rope_parameters": _ROPE_BY_LAYER},
    "mistral4": {"rope_parameters": _LLAMA_4_ROPE},
    "qwen3": {"rope_theta": 10_000.0},
}
_TEXT_OF = {
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "kimi_k25": "deepseek_v3",
    "kimi_vl": "deepseek_v3",
    "lfm2-vl": "lfm2",
    "llama4": "llama4_text",
    "mistral3": "ministral3",
    "pixtral": "llama",
    "qwen2_vl": "qwen2",
    "qwen3_vl": "qwen3",
    "qwen3_vl_moe": "qwen3_moe",
    "qwen3_5": "qwen3_next",
    "qwen3_5_moe": "qwen3_next",
    "prism_hadamard_qwen35": "qwen3_next",
}
_OWN_TEXT: dict[str, dict[str, object]] = {
    "minimax_m3_vl": {
        "moe_layer_freq": [0, 1, 1, 1],
        "dense_intermediate_size": 64,
        "sparse_attention_freq": [0, 0, 0, 0],
    },
    "muse_spark": {
        "layer_types": _SLIDING,
        "layer_rope_theta": [10_000.0, 0, 10_000.0, 0],
        "rope_parameters": {"rope_theta": 10_000.0, "rope_type": "default"},
        "post_norm_eps": 1e-5,
        "final_logit_softcapping": 30.0,
        "output_multiplier": 1.0,
        "moe_hidden_size": 64,
        "num_shared_experts": 0,
    },
    "llama4": {
        "model_type": "llama4_text",
        "attention_chunk_size": 8,
        "interleave_moe_layer_step": 2,
        "num_local_experts": 2,
        "num_experts_per_tok": 1,
    },
    "kimi_k3": {
        "mla_use_nope": True,
        "hidden_act": "situ",
        "linear_attn_config": {
            "num_heads": 4,
            "head_dim": 16,
            "kda_layers": [1, 3],
            "full_attn_layers": [2, 4],
            "short_conv_kernel_size": 4,
        },
    },
    "gemma3n": {
        "model_type": "gemma3n",
        "layer_types": _SLIDING,
        "activation_sparsity_pattern": [0.5, 0.0, 0.5, 0.0],
        "hidden_size_per_layer_input": 32,
        "altup_num_inputs": 2,
        "altup_coef_clip": 1.0,
        "altup_correct_scale": True,
        "altup_active_idx": 0,
        "laurel_rank": 8,
        "rope_local_base_freq": 10_000.0,
        "final_logit_softcapping": 30.0,
    },
}


def model_types() -> list[str]:
    """All architectures of mlx-lm: the modules of its models that define one."""
    names = [module.name for module in pkgutil.iter_modules(mlx_lm.models.__path__)]
    return [name for name in names if _defines_a_model(name)]


def config_of(kind: str) -> dict[str, Any]:
    """A configuration for a tiny model of this architecture."""
    fields = _fields_of(kind)
    config = {name: _value(name, default) for name, default in fields.items()}
    config = {name: value for name, value in config.items() if value is not None}
    config |= _OVERRIDES.get(kind, {})
    config = {name: value for name, value in config.items() if value is not dataclasses.MISSING}
    config |= {"model_type": kind, "max_position_embeddings": COMMON["max_position_embeddings"]}
    if "text_config" in fields:
        text = _TEXT_OF.get(kind)
        own = _OWN_TEXT.get(kind)
        config["text_config"] = (COMMON | own) if own else config_of(text or "llama")
        config["vocab_size"] = VOCABULARY
    return config | {"bos_token_id": 1, "eos_token_id": 2}


def write_model(
    folder: Path,
    kind: str,
    like: Path,
    bits: int | None = None,
    dtype: mx.Dtype = mx.float32,
    **changed: object,
) -> None:
    """Write a tiny model of an architecture; tokenizer and template are those of `like`.

    `bits` quantises it; what is not quantised is of the `dtype`. `changed` goes into its
    configuration. Raises whatever mlx-lm raises where the configuration is not one that it accepts.
    """
    config = config_of(kind) | changed
    module = import_module(f"mlx_lm.models.{kind}")
    mx.random.seed(7)
    model = module.Model(module.ModelArgs.from_dict(config))
    model.update(tree_map_with_path(_settled, model.parameters()))
    if dtype != mx.float32:
        may_change = getattr(model, "cast_predicate", lambda _: True)
        model.update(
            tree_map_with_path(
                lambda name, array: array.astype(dtype) if may_change(name) else array,
                model.parameters(),
            )
        )
    if bits is not None:
        model, config = quantize_model(model, config, _GROUP, bits)
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(like / name, folder / name)
    weights = folder / "model.safetensors"
    mx.save_safetensors(
        str(weights), dict(tree_flatten(model.parameters())), metadata={"format": "mlx"}
    )
    (folder / "config.json").write_text(json.dumps(config))
    card = ModelCard(
        name=folder.name,
        title=kind,
        licence="CC0-1.0",
        source="random numbers",
        parameters=100_000,
        sha256=sha256_of_file(weights),
    )
    (folder / CARD).write_bytes(msgspec.json.encode(card))


def _settled(path: str, array: mx.array) -> mx.array:
    """Parameters that begin as zeros or as unbounded numbers, as a trained model would have them.

    Where outputs are multiplied by zeros, nothing could be learned.
    """
    del path
    if not mx.issubdtype(array.dtype, mx.floating):
        return array
    is_constant = array.size > 1 and bool((array == array.flatten()[0]).all())
    if is_constant and bool((mx.abs(array) < 1e-6).all()):
        return 0.1 * mx.random.normal(array.shape)
    return array.astype(mx.float32)


def _defines_a_model(name: str) -> bool:
    try:
        module = import_module(f"mlx_lm.models.{name}")
    except (ImportError, SystemExit):  # `olmo` ends the process if a package is missing
        return True
    return hasattr(module, "Model") and hasattr(module, "ModelArgs")


def _fields_of(kind: str) -> dict[str, Any]:
    """The fields of an architecture's configuration with their defaults, MISSING without one."""
    arguments = import_module(f"mlx_lm.models.{kind}").ModelArgs
    found: dict[str, Any] = {}
    for field in dataclasses.fields(arguments):
        if field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
        else:
            found[field.name] = field.default
    return found


def _value(name: str, default: Any) -> Any:
    if (name in COMMON and default is not None) or default is dataclasses.MISSING:
        return COMMON.get(name, default)
    return json.loads(json.dumps(default)) if _is_plain(default) else dataclasses.MISSING


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True
