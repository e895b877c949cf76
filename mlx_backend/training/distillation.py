"""What the base model itself would say next: what its own answers to general prompts teach.

Learned word by word they would be learned by heart, and the model would come to foresee what
people write worse than before. What is learned instead is how likely the base model finds each
token that may follow (Hinton et al., arXiv 1503.02531; for keeping what a model could, Li and
Hoiem, arXiv 1606.09282): as long as the model finds them as likely, there is nothing to learn.
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
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import logits_in_rows
from mlx_backend.training.batches import SoftTargets
from mlx_backend.training.stopping import Check, never

WIDTH = 32
"""Tokens whose likelihood is kept at each place; the others count as one."""

SOFT_TARGETS = "general_targets.npz"
"""The file in a model's folder that keeps them."""

_MOST_SHARE = 1.001  # of one token; a little more than 1, for the sums are rounded

Tokens = tuple[list[int], int]
"""A text's tokens, and how many of them are the prompt."""


def soft_targets(
    loaded: LoadedModel, samples: Sequence[Tokens], check: Check = never
) -> list[SoftTargets]:
    """Of each sample what the base model finds likely; kept in its folder once it is known.

    No adapter may be on the model. `check` is called before each batch.
    """
    path, sha256 = loaded.info.path / SOFT_TARGETS, loaded.info.card.sha256
    known = _known(path, sha256, _vocabulary(loaded))
    names = [_name(sample) for sample in samples]
    missing = {n: sample for n, sample in zip(names, samples, strict=True) if n not in known}
    if missing:
        found = _computed(loaded, list(missing.values()), check)
        known |= dict(zip(missing, found, strict=True))
        _keep(path, sha256, known)
    return [known[name] for name in names]


def _computed(loaded: LoadedModel, samples: Sequence[Tokens], check: Check) -> list[SoftTargets]:
    found: dict[int, SoftTargets] = {}
    for chosen, _, logits in logits_in_rows(loaded, [ids for ids, _ in samples]):
        check()
        for row, i in enumerate(chosen):
            ids, prompt = samples[i]
            found[i] = _likeliest(logits[row, max(prompt, 1) - 1 : len(ids) - 1])
    return [found[i] for i in range(len(samples))]


def _likeliest(logits: mx.array) -> SoftTargets:
    # NumPy finds them in a tenth of the time that MLX's CPU build takes.
    scores = np.array(logits.astype(mx.float32))
    width = min(WIDTH, scores.shape[-1])
    tokens = np.argpartition(scores, -width, axis=-1)[:, -width:]
    scores -= scores.max(axis=-1, keepdims=True)
    total = np.exp(scores).sum(axis=-1, keepdims=True)
    shares = np.exp(np.take_along_axis(scores, tokens, axis=-1)) / total
    return SoftTargets(tokens.astype(np.int32), shares.astype(np.float32))


def _name(sample: Tokens) -> str:
    ids, prompt = sample
    return hashlib.sha256(np.array([prompt, *ids], np.int64).tobytes()).hexdigest()


def _vocabulary(loaded: LoadedModel) -> int:
    """How many tokens the model knows; where it does not say, what a token's id can be at most."""
    arguments = getattr(loaded.model, "args", None)
    return getattr(arguments, "vocab_size", None) or int(np.iinfo(np.int32).max)


def _known(path: Path, sha256: str, vocabulary: int) -> dict[str, SoftTargets]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            if str(kept["sha256"]) != sha256:
                return {}
            names, ends = kept["names"], kept["ends"]
            tokens, shares = kept["tokens"], kept["shares"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}  # not kept yet, or not whole
    is_sound = (
        names.ndim == 1
        and tokens.ndim == 2
        and _are_ends(ends, len(names), len(tokens))
        and tokens.shape == shares.shape == (len(tokens), min(WIDTH, vocabulary))
        and _are_targets(tokens, shares, vocabulary)
    )
    return dict(_split(names, ends, tokens, shares)) if is_sound else {}


def _are_ends(ends: NDArray[np.int64], samples: int, rows: int) -> bool:
    """Whether these say of as many samples where each of their rows ends."""
    if ends.dtype != np.int64 or ends.shape != (samples,):
        return False
    begins = np.array([0, *ends])
    return bool(begins[-1] == rows and (np.diff(begins) >= 0).all())


def _are_targets(tokens: NDArray[np.int32], shares: NDArray[np.float32], vocabulary: int) -> bool:
    """Whether the tokens are the model's, and the shares such as there can be."""
    are_tokens = tokens.dtype == np.int32 and ((tokens >= 0) & (tokens < vocabulary)).all()
    are_shares = shares.dtype == np.float32 and ((shares >= 0) & (shares <= _MOST_SHARE)).all()
    return bool(are_tokens and are_shares)


def _split(
    names: NDArray[np.str_],
    ends: NDArray[np.int64],
    tokens: NDArray[np.int32],
    shares: NDArray[np.float32],
) -> Iterator[tuple[str, SoftTargets]]:
    begin = 0
    for name, end in zip(names.tolist(), ends.tolist(), strict=True):
        yield name, SoftTargets(tokens[begin:end], shares[begin:end])
        begin = end


def _keep(path: Path, sha256: str, known: dict[str, SoftTargets]) -> None:
    content = io.BytesIO()
    np.savez(
        content,
        sha256=np.array(sha256),
        names=np.array(list(known)),
        ends=np.cumsum([len(each.tokens) for each in known.values()]),
        tokens=np.concatenate([each.tokens for each in known.values()]),
        shares=np.concatenate([each.shares for each in known.values()]),
    )
    write_atomically(path, content.getvalue())
