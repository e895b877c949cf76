"""Files of soft targets, which are expensive to compute: written whole, and read with suspicion.

A file is one base model's, known by the SHA-256 of its weights. It holds the soft targets of some
samples by their keys. What is missing, damaged or another model's counts as not there.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlx_backend.files import write_atomically
from mlx_backend.training.tokenised import SoftTargets

WIDTH = 64
"""The number of tokens whose probability is kept at each position; the others count as one."""

_LARGEST_PROBABILITY = 1.001  # a little more than 1, because of rounding


def read_targets(path: Path, sha256: str, vocabulary: int) -> dict[str, SoftTargets]:
    """The soft targets in a file by key; none if it is missing, damaged or another model's.

    vocabulary: the number of tokens that the model has.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            if str(kept["sha256"]) != sha256:
                return {}
            names, ends = kept["names"], kept["ends"]
            tokens, probabilities = kept["tokens"], kept["shares"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    is_sound = (
        names.ndim == 1
        and tokens.ndim == 2
        and _are_ends(ends, len(names), len(tokens))
        and tokens.shape == probabilities.shape == (len(tokens), min(WIDTH, vocabulary))
        and _are_targets(tokens, probabilities, vocabulary)
    )
    return dict(_split(names, ends, tokens, probabilities)) if is_sound else {}


def write_targets(path: Path, sha256: str, targets: Mapping[str, SoftTargets]) -> None:
    """Write what `read_targets` reads; there must be some. Raises OSError when that fails."""
    content = io.BytesIO()
    np.savez(
        content,
        sha256=np.array(sha256),
        names=np.array(list(targets)),
        ends=np.cumsum([len(each.tokens) for each in targets.values()]),
        tokens=np.concatenate([each.tokens for each in targets.values()]),
        shares=np.concatenate([each.probabilities for each in targets.values()]),
    )
    write_atomically(path, content.getvalue())


def _are_ends(ends: NDArray[np.int64], samples: int, rows: int) -> bool:
    """Whether `ends` are the row indices at which each of this many samples ends."""
    if ends.dtype != np.int64 or ends.shape != (samples,):
        return False
    begins = np.array([0, *ends])
    return bool(begins[-1] == rows and (np.diff(begins) >= 0).all())


def _are_targets(
    tokens: NDArray[np.int32], probabilities: NDArray[np.float32], vocabulary: int
) -> bool:
    """Whether all tokens are in the vocabulary and all probabilities between 0 and 1."""
    are_tokens = tokens.dtype == np.int32 and ((tokens >= 0) & (tokens < vocabulary)).all()
    in_range = (probabilities >= 0) & (probabilities <= _LARGEST_PROBABILITY)
    return bool(are_tokens and probabilities.dtype == np.float32 and in_range.all())


def _split(
    names: NDArray[np.str_],
    ends: NDArray[np.int64],
    tokens: NDArray[np.int32],
    probabilities: NDArray[np.float32],
) -> Iterator[tuple[str, SoftTargets]]:
    """The rows of each sample by its key."""
    begin = 0
    for name, end in zip(names.tolist(), ends.tolist(), strict=True):
        yield name, SoftTargets(tokens[begin:end], probabilities[begin:end])
        begin = end
