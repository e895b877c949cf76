"""Which files of a repository or a folder a base model consists of. Nothing else is ever taken.

Only weights in safetensors, tokenizers, configuration and licences: no pickles, scripts or GGUF
files, which can run code or crash the process that reads them. Files in folders are left out too:
they belong to other forms of the model.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.repository import RemoteFile, Repository

_WEIGHTS = re.compile(r"model[\w.-]{0,100}\.safetensors", re.ASCII)
_OTHERS = re.compile(
    r"config\.json|generation_config\.json|model\.safetensors\.index\.json"
    r"|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json"
    r"|chat_template\.(json|jinja)|(LICEN[CS]E|NOTICE|USE_POLICY)(\.txt|\.md)?"
)
_TOKENIZER, _SENTENCEPIECE = "tokenizer.json", "tokenizer.model"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_LARGEST_OTHER = 100 << 20  # bytes; the largest tokenizer.json known takes 35 MB


class NoModel(OvernightError):
    """The repository holds no base model that can be used; trying again changes nothing."""


def is_weights(name: str) -> bool:
    """Whether mlx-lm would load a file of this name as weights."""
    return _WEIGHTS.fullmatch(name) is not None


def wanted_files(repository: Repository) -> list[RemoteFile]:
    """The files to fetch, the small ones first so that what is no model is known early.

    Raises OvernightError where the repository holds no base model that Overnight can use.
    """
    files = {file.path: file for file in repository.files}
    sizes = {path: file.size for path, file in files.items()}
    return [files[path] for path in wanted_names(repository.name, sizes)]


def wanted_names(name: str, sizes: Mapping[str, int]) -> list[str]:
    """The files to take of the model `name`, of all files with their `sizes` in bytes.

    The small ones come first. Raises OvernightError where they are no base model for Overnight.
    """
    _refuse_other_kinds(name, sizes)
    others = sorted(path for path in sizes if _is_wanted_beside_weights(path, sizes))
    for path in others:
        if sizes[path] > _LARGEST_OTHER:
            raise no_model(name, f"Its file {path} is far too large for what it is.")
    return [*others, *sorted(filter(is_weights, sizes))]


def no_model(name: str, why: str) -> NoModel:
    """The repository `name` cannot be taken as a base model; `why` is a sentence."""
    return NoModel(
        ErrorKind.BAD_INPUT,
        f"{name} holds no base model that Overnight can use. {why}",
        "Look for an MLX or safetensors form of the model, for example by mlx-community.",
    )


def _is_wanted_beside_weights(path: str, paths: Collection[str]) -> bool:
    if path == _SENTENCEPIECE:
        return _TOKENIZER not in paths
    return _OTHERS.fullmatch(path) is not None


def _refuse_other_kinds(name: str, paths: Collection[str]) -> None:
    if "adapter_config.json" in paths and not any(map(is_weights, paths)):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"{name} is an adapter (LoRA), not a base model.",
            "Take the base model that it was trained on.",
        )
    if not any(map(is_weights, paths)):
        raise no_model(name, _instead_of_weights(paths))
    if "config.json" not in paths:
        raise no_model(name, "It has no config.json.")
    if not {_TOKENIZER, _SENTENCEPIECE} & set(paths):
        raise no_model(name, f"It has no tokenizer ({_TOKENIZER}).")


def _instead_of_weights(paths: Iterable[str]) -> str:
    names = [path.lower() for path in paths]
    if any(name.endswith(".gguf") for name in names):
        return "Its weights are GGUF files, which can crash a program that reads them."
    if any(name.endswith(_PICKLES) for name in names):
        return "Its weights are pickle files, which can run code."
    return "It has no weights in safetensors files (model*.safetensors)."
