"""Whether what came is a base model that this version can load, and how large it is.

Nothing of the model is run, and its weights are not read here, only their headers.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mlx_backend.adoption.checks.configuration import read_configuration
from mlx_backend.adoption.checks.tokenizer_files import check_tokenizer_files, check_vocabulary
from mlx_backend.adoption.checks.weight_files import check_shards, read_weights
from mlx_backend.adoption.forms.sentencepiece_tokenizer import convert_tokenizer


def check_before_weights(name: str, folder: Path, weights: Collection[str]) -> None:
    """Check configuration, tokenizer and index of the model `name`, which are in `folder`.

    weights: the names of the weight files that are to come. A SentencePiece tokenizer gets its
    tokenizer.json first. Raises OvernightError where they cannot make a model that can be loaded.
    """
    read_configuration(name, folder)
    convert_tokenizer(folder)
    check_tokenizer_files(name, folder)
    check_shards(name, folder, weights)


def check_whole(name: str, folder: Path) -> int:
    """Check the model once all its files are there, without loading any.

    Returns the number of parameters. Raises OvernightError where something does not fit together.
    """
    config = read_configuration(name, folder)
    check_tokenizer_files(name, folder)
    weights = read_weights(name, folder)
    check_shards(name, folder, set(weights.files.values()))
    check_vocabulary(name, folder, weights.embedding_rows)
    return weights.parameters(config)
