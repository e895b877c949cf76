"""Which files of a repository a base model consists of. Nothing else is ever fetched.

Only weights in safetensors, tokenizers, configuration and licences: no pickles, scripts or GGUF
files, which can run code or crash the process that reads them. Files in folders are left out too:
they belong to other forms of the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.repository import RemoteFile, Repository

_WEIGHTS = re.compile(r"model[\w.-]{0,100}\.safetensors", re.ASCII)
_OTHERS = re.compile(
    r"config\.json|generation_config\.json|model\.safetensors\.index\.json"
    r"|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json"
    r"|chat_template\.(json|jinja)|(LICEN[CS]E|NOTICE|USE_POLICY)(\.txt|\.md)?"
)
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
    _refuse_other_kinds(repository.name, {file.path for file in repository.files})
    others = [file for file in repository.files if _OTHERS.fullmatch(file.path)]
    for file in others:
        if file.size > _LARGEST_OTHER:
            raise no_model(
                repository.name, f"Its file {file.path} is far too large for what it is."
            )
    weights = [file for file in repository.files if is_weights(file.path)]
    return [*sorted(others, key=_path), *sorted(weights, key=_path)]


def no_model(name: str, why: str) -> NoModel:
    """The repository `name` cannot be taken as a base model; `why` is a sentence."""
    return NoModel(
        ErrorKind.BAD_INPUT,
        f"{name} holds no base model that Overnight can use. {why}",
        "Look for an MLX or safetensors form of the model, for example by mlx-community.",
    )


def _path(file: RemoteFile) -> str:
    return file.path


def _refuse_other_kinds(name: str, paths: set[str]) -> None:
    if "adapter_config.json" in paths and not any(map(is_weights, paths)):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"{name} is an adapter (LoRA), not a base model.",
            "Download the base model that its page names.",
        )
    if not any(map(is_weights, paths)):
        raise no_model(name, _instead_of_weights(paths))
    if "config.json" not in paths:
        raise no_model(name, "It has no config.json.")
    if "tokenizer.json" not in paths:
        raise no_model(
            name,
            "Its tokenizer is a SentencePiece file, which this version of Overnight cannot read."
            if "tokenizer.model" in paths
            else "It has no tokenizer (tokenizer.json).",
        )


def _instead_of_weights(paths: Iterable[str]) -> str:
    names = [path.lower() for path in paths]
    if any(name.endswith(".gguf") for name in names):
        return "Its weights are GGUF files, which can crash a program that reads them."
    if any(name.endswith(_PICKLES) for name in names):
        return "Its weights are pickle files, which can run code."
    return "It has no weights in safetensors files (model*.safetensors)."
