"""What a model's config.json says, and whether mlx-lm has code for such a model."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlx_backend.library.bounded_json import LARGEST, read_object
from mlx_backend.models.hub.wanted import no_model

Fields = dict[str, object]

_MODEL_TYPE = re.compile(r"\w{1,64}", re.ASCII)
# Those that mlx-lm 0.32.2 reads (`load_model` in mlx_lm/utils.py).
_QUANTISED_BY = {"awq", "bitnet", "compressed-tensors", "fp8", "gptq", "modelopt", "mxfp4", "mxfp8"}
# The largest that each of these can be in a model of our time, with much room above.
_LARGEST_NUMBERS = {
    "hidden_size": 1 << 17,
    "num_hidden_layers": 1000,
    "num_attention_heads": 1 << 12,
    "num_key_value_heads": 1 << 12,
    "vocab_size": 1 << 22,
}


def read_fields(name: str, path: Path, largest: int = LARGEST) -> Fields:
    """The JSON object in a file of a model. Raises OvernightError: unreadable, too large."""
    try:
        return read_object(path, largest)
    except (ValueError, OSError) as error:
        if "larger than" in str(error):
            raise no_model(name, f"Its {path.name} is far too large for what it is.") from error
        raise no_model(name, f"Its {path.name} is no readable JSON ({_brief(error)}).") from error


def read_configuration(name: str, folder: Path) -> Fields:
    """The model's config.json, checked. Raises OvernightError where it cannot be loaded."""
    config = read_fields(name, folder / "config.json")
    if config.get("model_file") is not None:
        raise no_model(name, "It asks to run program code of its own (model_file).")
    _check_type(name, config)
    _check_quantisation(name, config)
    for part in _parts(config):
        _check_numbers(name, part)
    return config


def _check_type(name: str, config: Mapping[str, object]) -> None:
    """Whether mlx-lm has code of its own for this type of model."""
    # mlx_lm loads MLX, which the commands that only list models do without.
    from mlx_lm.utils import MODEL_ARCHITECTURE_REMAPPING, MODEL_REMAPPING

    said = config.get("model_type")
    known = str(MODEL_REMAPPING.get(said, said) if isinstance(said, str) else said)
    architectures = config.get("architectures")
    for each in architectures if isinstance(architectures, list) else ():
        if isinstance(each, str) and isinstance(said, str):
            known = MODEL_ARCHITECTURE_REMAPPING.get((said, each), known)
    try:
        module = importlib.import_module(f"mlx_lm.models.{known}") if _is_type(known) else None
    except (Exception, SystemExit):  # the module of `olmo` ends the process without ai2-olmo
        module = None
    if not (hasattr(module, "Model") and hasattr(module, "ModelArgs")):
        raise no_model(name, f"Its type, '{str(said)[:64]}', is unknown to this version of mlx-lm.")


def _is_type(text: str) -> bool:
    return _MODEL_TYPE.fullmatch(text) is not None


def _check_quantisation(name: str, config: Mapping[str, object]) -> None:
    if config.get("quantization"):
        return
    for part in _parts(config):
        if isinstance(said := part.get("quantization_config"), dict):
            method = said.get("quant_method")
            if not isinstance(method, str) or method not in _QUANTISED_BY:
                raise no_model(
                    name, f"Its weights are quantised by {method}, which MLX cannot read."
                )


def _check_numbers(name: str, part: Mapping[str, object]) -> None:
    for key, most in _LARGEST_NUMBERS.items():
        said = part.get(key)
        is_list = isinstance(said, list)  # a number for each layer, 0 for those without
        for value in said if isinstance(said, list) else [said]:
            is_number = type(value) is int and (0 if is_list else 1) <= value <= most
            if value is not None and not is_number:
                said = repr(value)[:40]
                raise no_model(name, f"Its config.json has {key} {said}, as no model can have.")


def _parts(config: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The configuration, and that of the language model in it, where it wraps one."""
    yield config
    if isinstance(inner := config.get("text_config"), dict):
        yield inner


def _brief(error: Exception) -> str:
    return type(error).__name__ if isinstance(error, OSError) else str(error)[:120]
