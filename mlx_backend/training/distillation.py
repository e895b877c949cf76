"""Self-distillation: soft targets that the base model makes for its own adapter.

Two kinds of samples have them. What the trained model is compared with is in both the base model's
probabilities of the next token (Hinton et al., arXiv 1503.02531).

General samples, the base model's own answers to general prompts, keep it from forgetting (Li and
Hoiem, arXiv 1606.09282). As hard targets they would be learned by heart, and other people's text be
predicted worse than before; with soft targets the loss is zero as long as the probabilities are
what they were.

Samples about the notes teach a model that reads by prompt distillation (Kujanpää et al., arXiv
2412.14964): the teacher is the base model with the passage in view, the student the adapter without
it. Their targets are blended with the answer's words where the teacher is weak: with a probability
p of the answer's token below one half, that token gets the weight 1 - 2p, and the teacher's
distribution the rest. So the answer's token always has at least half of the target, which makes a
student that has learned it give the answer word for word (p > 1/2 a token is enough for greedy
decoding: arXiv 2603.01097), while a sure teacher's distribution stays as it is. Then temperature
comes: probabilities to the power of 1/T, so that a student that matches them at T matches the blend
at 1.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mlx.core as mx
import numpy as np
from numpy.typing import NDArray

from mlx_backend.files import write_atomically
from mlx_backend.machine.cores import CoreShare
from mlx_backend.models.architecture import Parts, vocabulary_of
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import batched_logits
from mlx_backend.training.loss import split_head
from mlx_backend.training.stop_requests import Check, never
from mlx_backend.training.target_files import WIDTH, read_targets, write_targets
from mlx_backend.training.tokenised import SoftTargets

SOFT_TARGETS = "general_targets.npz"
"""The file in a model's folder that caches those of the general samples."""

PIECE = 32
"""Samples whose targets are saved together: what a kill loses at most."""

_SURE = 0.5
"""The probability of the answer's token from which on the teacher alone is the target."""

_PIECE_NAME = re.compile(r"targets-(\d{5})\.npz")
_ENDED = "ended"
_MOST_POSITIONS = 4096  # that go through the model at once
_MOST_ROWS = 32
_AT_ONCE = 32  # positions whose distribution over the vocabulary is in memory at once

Tokens = tuple[list[int], int]
"""A sample's token ids, and how many of them are the prompt."""


@dataclass(frozen=True)
class TargetWork:
    """How soft targets are computed.

    check: called before each batch; what it raises ends the work. folder: where the targets that a
    teacher makes are kept, a folder of the run; None for none of these, only the general ones.
    until: when that work ends at the latest (Unix time); samples that it does not reach are trained
    with their words. on_progress: gets how many samples are done, and of how many.
    """

    check: Check = never
    folder: Path | None = None
    until: float | None = None
    on_progress: Callable[[int, int], object] = lambda *_: None


GENERAL_ALONE = TargetWork()
"""For where no teacher is asked, as in a plan."""


def soft_targets(
    loaded: LoadedModel, samples: Sequence[Tokens], check: Check = never
) -> list[SoftTargets]:
    """The base model's soft targets for each general sample; cached in the model's folder.

    No adapter may be on the model. `check` is called before each batch; what it raises ends the
    work.
    """
    path, sha256 = loaded.info.path / SOFT_TARGETS, loaded.info.card.sha256
    known = read_targets(path, sha256, _vocabulary(loaded))
    names = [_key(sample) for sample in samples]
    missing = {n: sample for n, sample in zip(names, samples, strict=True) if n not in known}
    if missing:
        found = _computed(loaded, list(missing.values()), check)
        known |= dict(zip(missing, found, strict=True))
        write_targets(path, sha256, known)
    return [known[name] for name in names]


def _computed(loaded: LoadedModel, samples: Sequence[Tokens], check: Check) -> list[SoftTargets]:
    rows = _scores(loaded, split_head(loaded.model), samples, check)
    found = {place: _likeliest(scores) for place, _, scores in rows}
    return [found[place] for place in range(len(samples))]


def taught_targets(
    loaded: LoadedModel, samples: Sequence[Tokens], temperature: float, work: TargetWork
) -> dict[int, SoftTargets]:
    """What the base model as teacher makes of samples with their passage in view, by their index.

    No adapter may be on the model. The targets are saved in `work.folder`, PIECE samples at a time,
    and only computed where they are not there, so that a run that is killed goes on with the next
    piece. The pieces are of the same samples then, and the targets the same to the last bit.
    """
    assert work.folder is not None
    pieces = _Pieces(work.folder, loaded.info.card.sha256, _vocabulary(loaded))
    names = [_key(sample, temperature) for sample in samples]
    known = pieces.known(set(names))
    last = pieces.ended(len(samples))
    missing = {
        name: sample
        for name, sample in zip(names[:last], samples[:last], strict=True)
        if name not in known
    }
    total, parts = last or len(samples), split_head(loaded.model)
    for first in range(0, len(missing), PIECE):
        work.on_progress(total - len(missing) + first, total)
        if last is None and work.until is not None and time.time() >= work.until:
            break
        chosen = dict(list(missing.items())[first : first + PIECE])
        found = _taught(loaded, parts, chosen, temperature, work.check)
        pieces.add(found)
        known |= found
    reached = next((i for i, name in enumerate(names) if name not in known), len(names))
    pieces.end(reached)
    if missing:
        work.on_progress(min(reached, total), total)
    return {
        i: replace(known[name], temperature=temperature)
        for i, name in enumerate(names)
        if name in known
    }


def expected_teaching_s(loaded: LoadedModel, samples: Sequence[Tokens]) -> float:
    """About how many seconds `taught_targets` takes for all these, from a few of them."""
    few = samples[:4]
    if not few:
        return 0.0
    parts = split_head(loaded.model)
    seconds = 0.0
    for _ in range(2):  # the first time, memory is still being taken
        began = time.perf_counter()
        _taught(loaded, parts, {str(i): each for i, each in enumerate(few)}, 1.0, never)
        seconds = time.perf_counter() - began
    return seconds / sum(len(ids) for ids, _ in few) * sum(len(ids) for ids, _ in samples)


class _Pieces:
    """The files of a run's targets, each written once; `sha256` and `vocabulary` of its model."""

    def __init__(self, folder: Path, sha256: str, vocabulary: int) -> None:
        self._folder = folder
        self._sha256 = sha256
        self._vocabulary = vocabulary
        folder.mkdir(exist_ok=True)

    def known(self, wanted: set[str]) -> dict[str, SoftTargets]:
        """The targets that are there and wanted still; others, of withdrawn samples, go."""
        found: dict[str, SoftTargets] = {}
        for path in self._paths():
            held = read_targets(path, self._sha256, self._vocabulary)
            kept = {name: targets for name, targets in held.items() if name in wanted}
            if not kept:
                path.unlink()  # damaged, or of nothing that is wanted
            elif len(kept) < len(held):
                write_targets(path, self._sha256, kept)
            found |= kept
        return found

    def add(self, targets: Mapping[str, SoftTargets]) -> None:
        """Save a piece."""
        used = [int(name[1]) for p in self._paths() if (name := _PIECE_NAME.fullmatch(p.name))]
        path = self._folder / f"targets-{max(used, default=-1) + 1:05d}.npz"
        write_targets(path, self._sha256, targets)

    def ended(self, samples: int) -> int | None:
        """Of how many samples targets were made, once that was ended; None before."""
        try:
            text = (self._folder / _ENDED).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None
        return min(int(text), samples) if re.fullmatch(r"[0-9]{1,9}", text) else None

    def end(self, samples: int) -> None:
        """Record that no more samples get targets: a resumed run has the very same ones."""
        if self.ended(samples) is None:
            write_atomically(self._folder / _ENDED, str(samples).encode())

    def _paths(self) -> list[Path]:
        return sorted(p for p in self._folder.iterdir() if _PIECE_NAME.fullmatch(p.name))


def _taught(
    loaded: LoadedModel,
    parts: Parts | None,
    samples: Mapping[str, Tokens],
    temperature: float,
    check: Check,
) -> dict[str, SoftTargets]:
    """The blended targets of one piece by key."""
    names = list(samples)
    found: dict[str, SoftTargets] = {}
    for place, answer, scores in _scores(loaded, parts, list(samples.values()), check):
        found[names[place]] = blended(scores, answer, temperature)
    return {name: found[name] for name in names}


def blended(
    scores: NDArray[np.float32], answer: NDArray[np.int32], temperature: float
) -> SoftTargets:
    """A teacher's logits, (positions, vocabulary), as soft targets for the `answer` (positions,).

    They are blended with the answer where the teacher is weak, and then taken to the temperature,
    as the module says.
    """
    pieces = [
        _blended(scores[i : i + _AT_ONCE], answer[i : i + _AT_ONCE], temperature)
        for i in range(0, len(scores), _AT_ONCE)
    ] or [_blended(scores, answer, temperature)]
    return SoftTargets(
        np.concatenate([each.tokens for each in pieces]),
        np.concatenate([each.probabilities for each in pieces]),
        temperature,
    )


def _blended(
    scores: NDArray[np.float32], answer: NDArray[np.int32], temperature: float
) -> SoftTargets:
    rows = np.arange(len(scores))
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    weight = np.maximum(0.0, 1 - shares[rows, answer] / _SURE).astype(np.float32)
    shares *= (1 - weight)[:, None]
    shares[rows, answer] += weight
    tokens = _largest(shares)
    shares **= np.float32(1 / temperature)
    total = shares.sum(axis=-1, keepdims=True)
    return SoftTargets(tokens, np.take_along_axis(shares, tokens, axis=-1) / total)


def _likeliest(scores: NDArray[np.float32]) -> SoftTargets:
    """The likeliest tokens of logits (positions, vocabulary) and their softmax probabilities."""
    tokens = _largest(scores)
    scores = scores - scores.max(axis=-1, keepdims=True)
    total = np.exp(scores).sum(axis=-1, keepdims=True)
    probabilities = np.exp(np.take_along_axis(scores, tokens, axis=-1)) / total
    return SoftTargets(tokens, probabilities.astype(np.float32))


def _largest(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """The places of the WIDTH largest values of each row, (rows, WIDTH), in no order."""
    # NumPy finds them in a tenth of the time that MLX's CPU build takes.
    width = min(WIDTH, values.shape[-1])
    return np.argpartition(values, -width, axis=-1)[:, -width:].astype(np.int32)


def _scores(
    loaded: LoadedModel, parts: Parts | None, samples: Sequence[Tokens], check: Check
) -> Iterator[tuple[int, NDArray[np.int32], NDArray[np.float32]]]:
    """For each sample its index, its answer's tokens, and their logits (positions, vocabulary).

    With the `parts` that `split_head` finds, the head computes those of the answers alone: a
    teacher's prompt is ten times as long. `check` is called before each batch.
    """
    for chosen, hidden, head in _hidden(loaded, parts, [ids for ids, _ in samples]):
        check()
        for row, i in enumerate(chosen):
            ids, prompt = samples[i]
            first = max(prompt, 1)
            own = hidden[row, first - 1 : len(ids) - 1]
            scores = np.array(head(own).astype(mx.float32))
            yield i, np.array(ids[first:], np.int32), scores


def _hidden(
    loaded: LoadedModel, parts: Parts | None, texts: Sequence[Sequence[int]]
) -> Iterator[tuple[list[int], mx.array, Callable[[mx.array], mx.array]]]:
    """For each batch its texts, what comes out of the body, and the head; or logits and nothing."""
    if parts is None:
        yield from (
            (chosen, logits, _as_it_is) for chosen, _, logits in batched_logits(loaded, texts)
        )
        return
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
    cores = CoreShare()
    while order:
        cores.adapt()
        length = len(texts[order[0]])
        size = max(1, min(_MOST_ROWS, _MOST_POSITIONS // max(1, length)))
        chosen, order = order[:size], order[size:]
        rows = mx.array([[*texts[i], *[0] * (length - len(texts[i]))] for i in chosen])
        yield chosen, parts.body(rows[:, :-1]), parts.head


def _as_it_is(logits: mx.array) -> mx.array:
    return logits


def _key(sample: Tokens, temperature: float = 0.0) -> str:
    """The SHA-256 of a sample's tokens and of the temperature, its name in a file."""
    ids, prompt = sample
    told = np.array([prompt, *ids], np.int64).tobytes()
    # A general sample has none, and keeps the name that earlier versions gave it.
    return hashlib.sha256(told + (f"{temperature:g}".encode() if temperature else b"")).hexdigest()


def _vocabulary(loaded: LoadedModel) -> int:
    """The size of the model's vocabulary; if it does not say, the largest possible token id."""
    return vocabulary_of(loaded.model) or int(np.iinfo(np.int32).max)
