"""Base models as GGUF files in float32, and llama.cpp answering with an adapter on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import mlx.core as mx
import numpy as np
import xllamacpp

from mlx_backend.adapters.forms.gguf import names_for
from mlx_backend.machine.arrays import flatten
from mlx_backend.models.base_model import LoadedModel


def write_base(path: Path, loaded: LoadedModel) -> None:
    """Write a base model as llama.cpp's own converter does, in float32."""
    folder = loaded.info.path
    config = json.loads((folder / "config.json").read_text())
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    names = names_for(config["model_type"])
    assert names is not None
    writer = gguf.GGUFWriter(path, names.architecture)
    _write_keys(writer, config)
    _write_tokenizer(writer, config)
    layers = config["num_hidden_layers"]
    kind = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == names.architecture)
    known = gguf.get_tensor_name_map(kind, layers)
    for name, array in flatten(loaded.model.parameters()).items():
        stem, _, part = name.rpartition(".")
        values = np.array(array.astype(mx.float32))
        if names.interleaved and stem.endswith(("q_proj", "k_proj")):
            key = "num_attention_heads" if stem.endswith("q_proj") else "num_key_value_heads"
            values = _interleaved(values, config[key])
        writer.add_tensor(f"{known.get_name(stem)}.{part}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _interleaved(values: Any, heads: int) -> Any:
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))


def _write_keys(writer: Any, config: dict[str, Any]) -> None:
    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])


def _write_tokenizer(writer: Any, config: dict[str, Any]) -> None:
    """A vocabulary of made-up words: tests give and take ids.

    With byte-level tokens llama.cpp keeps back those that end within a letter.
    """
    marks = {config["bos_token_id"], config["eos_token_id"]}
    size = config["vocab_size"]
    kinds = [gguf.TokenType.CONTROL if i in marks else gguf.TokenType.NORMAL for i in range(size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([f"word{i}" for i in range(size)])
    writer.add_token_types(kinds)
    writer.add_token_merges(["w o"])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])


class LlamaCpp:
    """A model in llama.cpp, with or without an adapter, in float32 on the CPU."""

    def __init__(self, base: Path, adapter: Path | None = None) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = str(base)
        params.n_ctx = 512
        params.n_gpu_layers = 0
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.warmup = False
        params.verbosity = -1
        params.port = 0
        if adapter is not None:
            params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
        self._server = xllamacpp.Server(params)

    def continued(self, prompt: Sequence[int], tokens: int, top: int = 2) -> list[dict[str, Any]]:
        """What follows a prompt, greedily: for each token its id and the likeliest ones."""
        asked = {
            "prompt": list(prompt),
            "n_predict": tokens,
            "temperature": 0.0,
            "samplers": ["top_k"],
            "top_k": 1,
            "n_probs": top,
            "post_sampling_probs": False,
            "cache_prompt": False,
            "ignore_eos": True,
            "return_tokens": True,
        }
        answer = self._server.handle_completions(asked)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return list(answer["choices"][0]["logprobs"]["content"])
