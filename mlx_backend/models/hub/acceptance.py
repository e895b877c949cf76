"""Whether what was fetched is a base model that this version can load, and how large it is.

Nothing of the model is run, and its weights are not read here, only their headers.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from mlx_backend.library.weight_headers import Tensor, read_header
from mlx_backend.models.hub.wanted import is_weights, no_model

INDEX = "model.safetensors.index.json"

_Fields = dict[str, object]
_UNREADABLE = (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError)
_LARGEST_JSON = 16 << 20  # bytes
_SHARD = re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors")
_MODEL_TYPE = re.compile(r"\w{1,64}", re.ASCII)
# Those that mlx-lm 0.32.2 reads (`load_model` in mlx_lm/utils.py).
_QUANTISED_BY = {"awq", "bitnet", "compressed-tensors", "fp8", "gptq", "modelopt", "mxfp4", "mxfp8"}


def check_before_weights(name: str, folder: Path, weights: Collection[str]) -> None:
    """Check configuration, tokenizer and index of the repository `name`, which are in `folder`.

    weights: the names of the weight files that are to be fetched. Raises OvernightError where they
    cannot make a model that can be loaded.
    """
    config = _read_json(name, folder / "config.json")
    if config.get("model_file") is not None:
        raise no_model(name, "It asks to run program code of its own (model_file).")
    _check_type(name, config)
    _check_quantisation(name, config)
    _check_tokenizer(name, folder)
    needed = set(_index(name, folder).values()) | _all_shards(weights)
    missing = sorted(needed - set(weights))
    if missing:
        raise no_model(name, f"Weight files are missing: {', '.join(missing[:3])}.")


def check_whole(name: str, folder: Path) -> int:
    """Check the headers of the weights, once all files are there.

    Returns the number of parameters. Raises OvernightError where something does not fit together.
    """
    tensors: dict[str, Tensor] = {}
    files: dict[str, str] = {}
    for path in sorted(path for path in folder.iterdir() if is_weights(path.name)):
        try:
            found = read_header(path)
        except ValueError as error:
            raise no_model(name, f"Its weights are damaged: {error}.") from error
        if twice := sorted(found.keys() & tensors.keys()):
            raise no_model(name, f"Two of its weight files hold the same tensor, {twice[0]}.")
        tensors |= found
        files |= dict.fromkeys(found, path.name)
    _check_index(name, _index(name, folder), files)
    return _parameters(tensors, _read_json(name, folder / "config.json"))


def _check_type(name: str, config: Mapping[str, object]) -> None:
    """Whether mlx-lm has code of its own for this type of model."""
    # mlx_lm loads MLX, which the commands that only list models do without.
    from mlx_lm.utils import MODEL_ARCHITECTURE_REMAPPING, MODEL_REMAPPING

    said = config.get("model_type")
    known = str(MODEL_REMAPPING.get(said, said) if isinstance(said, str) else said)
    architectures = config.get("architectures")
    for each in architectures if isinstance(architectures, list) else ():
        if isinstance(each, str):
            known = MODEL_ARCHITECTURE_REMAPPING.get((said, each), known)
    try:
        module = importlib.import_module(f"mlx_lm.models.{known}") if _is_type(known) else None
    except ImportError:
        module = None
    if not (hasattr(module, "Model") and hasattr(module, "ModelArgs")):
        raise no_model(name, f"Its type, '{str(said)[:64]}', is unknown to this version of mlx-lm.")


def _is_type(text: str) -> bool:
    return _MODEL_TYPE.fullmatch(text) is not None


def _check_quantisation(name: str, config: Mapping[str, object]) -> None:
    if config.get("quantization"):
        return
    for holder in (config, config.get("text_config")):
        if isinstance(holder, dict) and isinstance(said := holder.get("quantization_config"), dict):
            method = said.get("quant_method")
            if method not in _QUANTISED_BY:
                raise no_model(
                    name, f"Its weights are quantised by {method}, which MLX cannot read."
                )


def _all_shards(weights: Collection[str]) -> set[str]:
    """What the names of the weight files say there must be: 1 of 3 needs 2 and 3."""
    totals = {int(found[2]) for name in weights if (found := _SHARD.fullmatch(name))}
    return {
        f"model-{number:05}-of-{total:05}.safetensors"
        for total in totals
        for number in range(1, total + 1)
    }


def _index(name: str, folder: Path) -> dict[str, str]:
    """In which file the index says each tensor is; empty where there is no index."""
    path = folder / INDEX
    if not path.exists():
        return {}
    try:
        return msgspec.convert(_read_json(name, path).get("weight_map"), dict[str, str])
    except msgspec.ValidationError as error:
        raise no_model(name, f"Its index of weights ({INDEX}) is damaged.") from error


def _check_index(name: str, index: Mapping[str, str], files: Mapping[str, str]) -> None:
    wrong = [tensor for tensor, file in index.items() if files.get(tensor) != file]
    if wrong:
        raise no_model(
            name, f"Its index of weights is wrong: {wrong[0][:80]} is not where it says."
        )


def _check_tokenizer(name: str, folder: Path) -> None:
    """Load it as chats and runs do, but never with code of the model's own."""
    from mlx_lm.utils import load_tokenizer
    from tokenizers import Tokenizer

    try:
        Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer = load_tokenizer(folder, {"trust_remote_code": False})
        has_template = bool(tokenizer.chat_template) or tokenizer.has_chat_template
    except Exception as error:  # whatever the libraries raise for a file that is not theirs
        why = f"Its tokenizer cannot be loaded ({type(error).__name__})."
        if "trust_remote_code" in str(error):
            why = "Its tokenizer asks to run program code of its own."
        raise no_model(name, why) from error
    if not has_template:
        raise no_model(name, "It has no chat template, so it cannot take part in a conversation.")


def _parameters(tensors: Mapping[str, Tensor], config: Mapping[str, object]) -> int:
    """How many parameters the weights stand for: packed ones are counted unpacked."""
    total = 0
    for name, tensor in tensors.items():
        stem, _, part = name.rpartition(".")
        scales = tensors.get(f"{stem}.scales")
        if scales is None:
            total += tensor.elements * (8 if part == "qweight" else 1)  # AWQ, GPTQ: 4 of 32 bits
        elif part == "weight":
            total += scales.elements * _group_size(config, stem)
    return total


def _group_size(config: Mapping[str, object], stem: str) -> int:
    quantisation = config.get("quantization") or config.get("quantization_config")
    whole = quantisation if isinstance(quantisation, dict) else {}
    own = whole.get(stem)
    size = (own if isinstance(own, dict) else whole).get("group_size", whole.get("group_size", 64))
    return size if isinstance(size, int) else 64


def _read_json(name: str, path: Path) -> _Fields:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise no_model(name, f"Its {path.name} is far too large for what it is.")
        return msgspec.json.decode(path.read_bytes(), type=_Fields)
    except _UNREADABLE as error:
        raise no_model(name, f"Its {path.name} is no readable JSON.") from error
