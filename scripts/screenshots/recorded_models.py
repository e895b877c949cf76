"""Base models, and downloads in every state, put into a library: for pictures alone."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.abilities import Abilities, Quantised, Reading
from mlx_backend.library.models import CARD, ModelCard
from mlx_backend.private_data.masked_errors import report_of

_GIGABYTE = 10**9
_CONFIG: dict[str, object] = {
    "model_type": "qwen3",
    "num_hidden_layers": 28,
    "hidden_size": 2048,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 6144,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
}
_READS = Abilities(
    tried_with=("0.32.4", "0.32.2", "gpu"),
    layers=("attention",),
    packs=True,
    trims_cache=True,
    encodes_parts=True,
    roles=("system", "user", "assistant"),
    thinks=True,
    bytes_in_memory=984_013_244,
    reading=Reading(asked=30, right=27, needed=20),
)
_COST = Quantised(
    bits=4,
    asked=100,
    right_before=71,
    right_after=69,
    perplexity_before=6.1,
    perplexity_after=6.4,
)


def add_models(library: Library) -> None:
    """A model that reads, can think, and was made smaller; one never tried; one put in by hand."""
    title = "Qwen3-1.7B"
    tried = {"abilities": _READS, "quantised": _COST}
    for name, found in ((title, tried), (f"{title} 2", {})):
        card = ModelCard(
            name=name,
            title=title,
            licence="apache-2.0",
            source="",
            parameters=1_720_574_976,
            sha256="0" * 64,
            **found,  # type: ignore[arg-type]
        )
        (_add_folder(library, name) / CARD).write_bytes(msgspec.json.encode(card))
    _add_folder(library, "My own model")


def _add_folder(library: Library, name: str) -> Path:
    folder = library.models / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(msgspec.json.encode(_CONFIG))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


def record_download(library: Library) -> JobFolder:
    """A download that is under way as long as its lock is held."""
    return _record(
        library,
        protocol.DownloadSpec(repo="mlx-community/Qwen3-4B-Instruct-2507-4bit"),
        protocol.StageBegan(stage="downloading"),
        protocol.Progress(
            done=1_210_000_000,
            total=2_260_000_000,
            unit="bytes",
            text="48.2 MB/s",
            remaining_s=22 * 1.0,
        ),
    )


def record_paused(library: Library) -> JobFolder:
    """A download that an earlier session left."""
    return _record(
        library,
        protocol.DownloadSpec(repo="mlx-community/granite-4.1-3b-4bit"),
        protocol.StageBegan(stage="downloading"),
        protocol.Progress(done=702_000_000, total=2_127_162_429, unit="bytes", text=""),
        protocol.Stopped(),
    )


def record_refused(library: Library) -> JobFolder:
    """A download of a model that is given only to those who accept its licence."""
    name = "meta-llama/Llama-3.2-3B-Instruct"
    error = OvernightError(
        ErrorKind.REFUSED,
        f"{name} is only given to those who accept its licence, and no token is set.",
        f"Log in and accept it at https://huggingface.co/{name}, then try again with a token.",
    )
    failed = protocol.Failed(error=report_of(error))
    return _record(library, protocol.DownloadSpec(repo=name), failed)


def _record(library: Library, spec: protocol.DownloadSpec, *events: protocol.JobEvent) -> JobFolder:
    folder = JobFolder.create(library.jobs, spec)
    for event in (protocol.Launched(), protocol.Started(pid=1), *events):
        folder.append(event)
    return folder


def fill_cache(cache: Path) -> None:
    """What the Hub's own tools keep: a model that can be added, and one that cannot."""
    config = _CONFIG | {"architectures": ["Qwen3ForCausalLM"], "quantization": {"bits": 4}}
    good = _snapshot(cache, "mlx-community", "Qwen3-1.7B-4bit", config)
    (good / "tokenizer.json").write_text("{}")
    _make_file(good / "model.safetensors", 968_000_000)
    bad = _snapshot(cache, "someone", "Old-model", config)
    _make_file(bad / "pytorch_model.bin", 3 * _GIGABYTE)


def _snapshot(cache: Path, owner: str, name: str, config: dict[str, object]) -> Path:
    folder = cache / f"models--{owner}--{name}" / "snapshots" / ("0123456789" * 4)
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(msgspec.json.encode(config))
    return folder


def _make_file(path: Path, size: int) -> None:
    """A file of this size that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
