"""What a folder of another program holds: a base model that can be adopted, or why it cannot.

Only the configuration, the index of the weights and the sizes of files are looked at; nothing of
the weights is read, and nothing of the model runs. Adopting it checks the rest.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.catalogue.places import read_small
from mlx_backend.catalogue.same_weights import WEIGHTS

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"

# Types of models whose code mlx-lm has under another name (`MODEL_REMAPPING` in mlx_lm/utils.py).
REMAPPED = {
    "deepseek_v41_text": "deepseek_v41",
    "falcon_mamba": "mamba",
    "gemma4_unified": "gemma4",
    "iquestcoder": "llama",
    "joyai_llm_flash": "deepseek_v3",
    "kimi_k2": "deepseek_v3",
    "llava": "mistral3",
    "minimax_m2": "minimax",
    "mistral": "llama",
    "phi-msft": "phixtral",
    "qwen2_5_vl": "qwen2_vl",
    "xverse": "llama",
}

_LARGEST_CONFIG, _LARGEST_INDEX = 1 << 20, 16 << 20  # bytes
_SHARD = re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors")
_TYPE = re.compile(r"[\w-]{1,64}", re.ASCII)
_MOST_SHARDS, _MOST_FILES = 1000, 2000
_TOKENIZERS = ("tokenizer.json", "tokenizer.model")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_REWRITES_TEXT = ("bart", "marian", "mbart", "pegasus", "t5", "whisper")
_WRITES_TEXT = ("CausalLM", "LMHeadModel", "ConditionalGeneration")


@dataclass(frozen=True)
class Looked:
    """A model in a folder.

    bytes: of all files; weight_bytes: of the weights; weights: the same of each of their files.
    why_not: a sentence that says why it cannot be adopted; "" where nothing is known against.
    """

    config: Mapping[str, object]
    bytes: int
    weight_bytes: int
    weights: Mapping[str, int]
    why_not: str = ""


def look_at(folder: Path, names: Iterable[str], root: Path) -> Looked | None:
    """What is in a folder whose files have these names; None where it is no language model at all.

    root: a link that leads out of it stands for no file.
    """
    files = _files(folder, names, os.path.realpath(root))
    config = _read(folder / CONFIG, _LARGEST_CONFIG) if CONFIG in files else {}
    weights = {name: status for name, status in files.items() if WEIGHTS.fullmatch(name)}
    why_not = _why_not(folder, files, weights, config)
    if why_not is None:
        return None
    return Looked(
        config=config,
        bytes=sum(status.st_size for status in files.values()),
        weight_bytes=sum(status.st_size for status in weights.values()),
        weights={name: status.st_size for name, status in weights.items()},
        why_not=why_not,
    )


def may_be_model(names: Iterable[str]) -> bool:
    """Whether files of these names may be a model's, so that no other lies further down."""
    return any(name == CONFIG or name.endswith((".safetensors", ".gguf")) for name in names)


_Files = Mapping[str, os.stat_result]


def _files(folder: Path, names: Iterable[str], root: str) -> dict[str, os.stat_result]:
    """The regular files, by name; a link counts as the file that it leads to inside `root`."""
    found = {}
    for name in itertools.islice(names, _MOST_FILES):
        path = Path(os.path.realpath(folder / name))
        try:
            status = path.stat(follow_symlinks=False)
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(status.st_mode) and path.is_relative_to(root):
            found[name] = status
    return found


def _why_not(
    folder: Path, files: _Files, weights: _Files, config: Mapping[str, object]
) -> str | None:
    """Why the model cannot be adopted, "" where nothing is known; None where it is no model."""
    if "adapter_config.json" in files and not weights:
        return "It is an adapter (LoRA), not a base model."
    if not weights:
        return _instead_of_weights(files, config)
    if not config:
        return "Its configuration (config.json) is missing or cannot be read."
    if not _writes_text(config):
        return None
    return _known_against(folder, files, weights, config)


def _known_against(
    folder: Path, files: _Files, weights: _Files, config: Mapping[str, object]
) -> str:
    if config.get("model_file") is not None:
        return "It asks to run program code of its own (model_file)."
    if missing := _missing(folder, files, weights):
        return f"It is not complete: {missing} missing."
    if not any(name in files for name in _TOKENIZERS):
        return "It has no tokenizer."
    if not _is_known(config.get("model_type")):
        said = str(config.get("model_type"))[:64]
        return f"Its type, '{said}', is unknown to this version of mlx-lm."
    return ""


def _instead_of_weights(files: _Files, config: Mapping[str, object]) -> str | None:
    names = [name.lower() for name in files]
    if any(name.endswith(".gguf") for name in names):
        return "Its weights are GGUF files, which can crash a program that reads them."
    if INDEX in files:
        return "It is not complete: its weight files are missing."
    if not (config and _writes_text(config)):
        return None
    if any(name.endswith(_PICKLES) for name in names):
        return "Its weights are pickle files, which can run code."
    return "It is not complete: its weight files are missing."


def _writes_text(config: Mapping[str, object]) -> bool:
    """Whether this is a language model, not one that transcribes, draws or compares texts."""
    said = config.get("architectures")
    names = [each for each in said if isinstance(each, str)] if isinstance(said, list) else []
    if not names:
        return isinstance(config.get("model_type"), str)
    is_one = any(name.endswith(_WRITES_TEXT) for name in names)
    return is_one and config.get("model_type") not in _REWRITES_TEXT


def _missing(folder: Path, files: _Files, weights: _Files) -> str:
    """How many weight files are not there, with a verb; "" where all are."""
    totals = {int(shard[2]) for name in weights if (shard := _SHARD.fullmatch(name))}
    needed = {
        f"model-{number:05}-of-{total:05}.safetensors"
        for total in list(totals)[:10]
        for number in range(1, min(total, _MOST_SHARDS) + 1)
    }
    said = _read(folder / INDEX, _LARGEST_INDEX).get("weight_map") if INDEX in files else None
    if isinstance(said, dict):
        needed |= {each for each in said.values() if isinstance(each, str)}
    count = len(needed - weights.keys())
    return f"{count} weight {'file is' if count == 1 else 'files are'}" if count else ""


def _is_known(model_type: object) -> bool:
    """Whether mlx-lm has code for this type of model; true where mlx-lm is not found."""
    if not isinstance(model_type, str) or not _TYPE.fullmatch(model_type):
        return False
    folder = _code_of_models()
    return folder is None or (folder / f"{REMAPPED.get(model_type, model_type)}.py").is_file()


@functools.cache
def _code_of_models() -> Path | None:
    """The folder of mlx-lm's models, without loading any of it."""
    found = importlib.util.find_spec("mlx_lm")
    return Path(found.origin).parent / "models" if found and found.origin else None


def _read(path: Path, largest: int) -> dict[str, object]:
    try:
        return msgspec.json.decode(read_small(path, largest), type=dict[str, object])
    except (OSError, ValueError, RecursionError):
        return {}
