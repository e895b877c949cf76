"""Made-up folders of the programs that keep models, with files of which only the size counts."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

COMMIT = "5" * 40
CONFIG: dict[str, object] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 1024,
    "num_hidden_layers": 28,
    "intermediate_size": 3072,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "quantization": {"group_size": 64, "bits": 4},
}
BYTES = 335_000_000


def files_of(config: dict[str, object] = CONFIG) -> dict[str, bytes | int]:
    """The files of a whole model: their content, or only their size."""
    return {"config.json": json.dumps(config).encode(), "tokenizer.json": b"{}"} | {
        "model.safetensors": BYTES
    }


def write(folder: Path, files: dict[str, bytes | int] | None = None) -> Path:
    """Write a model's files; those of which only the size counts are empty on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (files_of() if files is None else files).items():
        path = folder / name
        if isinstance(content, int):
            path.touch()
            os.truncate(path, content)
        else:
            path.write_bytes(content)
    return folder


def write_in_cache(
    cache: Path, name: str, files: dict[str, bytes | int] | None = None, commit: str = COMMIT
) -> Path:
    """Write a repository into a cache of the Hub, its files as links to blobs; its snapshot."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    for file, content in (files_of() if files is None else files).items():
        digest = hashlib.sha256(file.encode()).hexdigest()
        write(repository / "blobs", {digest: content})
        (snapshot / file).symlink_to(f"../../blobs/{digest}")
    return snapshot
