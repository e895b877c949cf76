"""Self-distillation: soft targets from the base model, so that training does not make it forget.

Part of the training data are the base model's own answers to general prompts. If their tokens were
hard targets, the model would learn the answers by heart and predict other people's text worse than
before. The targets are instead the base model's probabilities of the next token (Hinton et al.,
arXiv 1503.02531; against forgetting: Li and Hoiem, arXiv 1606.09282): as long as the trained model
predicts the same probabilities, the loss is zero.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from mlx_backend.files import write_atomically
from mlx_backend.models.architecture import vocabulary_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import batched_logits
from mlx_backend.training.batches import SoftTargets
from mlx_backend.training.stop_requests import Check, never

WIDTH = 32
"""The number of tokens whose probability is kept at each position; the others count as one."""

SOFT_TARGETS = "general_targets.npz"
"""The file in a model's folder that caches them."""

_LARGEST_PROBABILITY = 1.001  # a little more than 1, because of rounding

Tokens = tuple[list[int], int]
"""A sample's token ids, and how many of them are the prompt."""


def soft_targets(
    loaded: LoadedModel, samples: Sequence[Tokens], check: Check = never
) -> list[SoftTargets]:
    """The base model's soft targets for each sample; cached in the model's folder.

    No adapter may be on the model. `check` is called before each batch; what it raises ends the
    work.
    """
    path, sha256 = loaded.info.path / SOFT_TARGETS, loaded.info.card.sha256
    known = _cached(path, sha256, _vocabulary(loaded))
    names = [_key(sample) for sample in samples]
    missing = {n: sample for n, sample in zip(names, samples, strict=True) if n not in known}
    if missing:
        found = _computed(loaded, list(missing.values()), check)
        known |= dict(zip(missing, found, strict=True))
        _keep(path, sha256, known)
    return [known[name] for name in names]


def _computed(loaded: LoadedModel, samples: Sequence[Tokens], check: Check) -> list[SoftTargets]:
    found: dict[int, SoftTargets] = {}
    for chosen, _, logits in batched_logits(loaded, [ids for ids, _ in samples]):
        check()
        for row, i in enumerate(chosen):
            ids, prompt = samples[i]
            found[i] = _likeliest(logits[row, max(prompt, 1) - 1 : len(ids) - 1])
    return [found[i] for i in range(len(samples))]


def _likeliest(logits: mx.array) -> SoftTargets:
    """The likeliest tokens of logits (positions, vocabulary) and their softmax probabilities."""
    # NumPy finds them in a tenth of the time that MLX's CPU build takes.
    scores = np.array(logits.astype(mx.float32))
    width = min(WIDTH, scores.shape[-1])
    tokens = np.argpartition(scores, -width, axis=-1)[:, -width:]
    scores -= scores.max(axis=-1, keepdims=True)
    total = np.exp(scores).sum(axis=-1, keepdims=True)
    probabilities = np.exp(np.take_along_axis(scores, tokens, axis=-1)) / total
    return SoftTargets(tokens.astype(np.int32), probabilities.astype(np.float32))


def _key(sample: Tokens) -> str:
    """The SHA-256 of a sample's tokens, its name in the cache."""
    ids, prompt = sample
    return hashlib.sha256(np.array([prompt, *ids], np.int64).tobytes()).hexdigest()


def _vocabulary(loaded: LoadedModel) -> int:
    """The size of the model's vocabulary; if it does not say, the largest possible token id."""
    return vocabulary_of(loaded.model) or int(np.iinfo(np.int32).max)


def _cached(path: Path, sha256: str, vocabulary: int) -> dict[str, SoftTargets]:
    """The cached soft targets by key; none if the file is missing, damaged or another model's."""
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


def _keep(path: Path, sha256: str, known: dict[str, SoftTargets]) -> None:
    content = io.BytesIO()
    np.savez(
        content,
        sha256=np.array(sha256),
        names=np.array(list(known)),
        ends=np.cumsum([len(each.tokens) for each in known.values()]),
        tokens=np.concatenate([each.tokens for each in known.values()]),
        shares=np.concatenate([each.probabilities for each in known.values()]),
    )
    write_atomically(path, content.getvalue())
