"""The general probe: whether a model forgot general knowledge, the same for base and adapter.

It has multiple-choice questions, of which the model picks the choice with the least loss per token,
and question-answer pairs, whose answers' perplexity is measured. Both ship with the app.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import msgspec

from mlx_backend.files import write_atomically
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import summed_losses
from mlx_backend.training.stop_requests import Check, never

_LONGEST = 512  # tokens
_FEW = 30  # a probe with one in 30 of the questions estimates the time of all
GENERAL_PROBE = "general_probe.json"
"""The file in a model's folder with its probes."""

_QUESTIONS, _ANSWERS = "general_probe.tsv", "general_answers.tsv"


class Probe(msgspec.Struct, frozen=True):
    """The result of a probe.

    asked, right: numbers of questions. perplexity: of the general answers. seconds: of the probe.
    marks: whether each question was answered right; () in files of version 0.1.
    """

    asked: int
    right: int
    perplexity: float
    seconds: float = 0.0
    marks: tuple[bool, ...] = ()


class KeptProbes(msgspec.Struct, frozen=True):
    """A base model's probes, by `every` of `take_probe`; `sha256` is from `digest_of`."""

    sha256: str
    probes: dict[int, Probe]


def take_probe(loaded: LoadedModel, every: int = 1, check: Check = never) -> Probe:
    """Probe the model as it is, with one in `every` questions; calls `check` before each batch."""
    began = time.perf_counter()
    questions = _lines(_QUESTIONS)[::every]
    answers = _lines(_ANSWERS)[::every]
    pairs, sizes = [], []
    for question, right, wrong in questions:
        choices = [right, *wrong.split("|")]
        pairs += [(question, choice) for choice in choices]
        sizes.append(len(choices))
    losses = answer_losses(loaded, pairs, check)
    marks, first = [], 0
    for size in sizes:
        means = [total / count for total, count in losses[first : first + size]]
        marks.append(means[0] == min(means))
        first += size
    texts = answer_losses(loaded, [(question, answer) for question, answer in answers], check)
    mean = sum(total for total, _ in texts) / max(1, sum(count for _, count in texts))
    seconds = time.perf_counter() - began
    return Probe(len(questions), sum(marks), math.exp(mean), seconds, tuple(marks))


def general_questions() -> int:
    """How many general questions ship with the app."""
    return len(_lines(_QUESTIONS))


def probe_of_base(loaded: LoadedModel, every: int = 1, check: Check = never) -> Probe:
    """The probe of the base model without adapters, taken once and kept in its folder."""
    path, sha256 = loaded.info.path / GENERAL_PROBE, digest_of(loaded.info.card.sha256)
    known = _known(path, sha256)
    if not _has_marks(known.get(every)):
        known[every] = take_probe(loaded, every, check)
        write_atomically(path, msgspec.json.encode(KeptProbes(sha256, known)))
    return known[every]


def expected_probe_s(loaded: LoadedModel, every: int = 1) -> float:
    """Estimated seconds of `take_probe`: from the base model's probe, else from a small probe."""
    known = _known(loaded.info.path / GENERAL_PROBE, digest_of(loaded.info.card.sha256))
    for kept_every, probe in known.items():
        if probe.seconds:
            return probe.seconds * kept_every / every
    return take_probe(loaded, every * _FEW).seconds * _FEW


def is_kept(loaded: LoadedModel, every: int = 1) -> bool:
    """Whether `probe_of_base` has its result already."""
    path, sha256 = loaded.info.path / GENERAL_PROBE, digest_of(loaded.info.card.sha256)
    return _has_marks(_known(path, sha256).get(every))


def _has_marks(probe: Probe | None) -> bool:
    """Whether a kept probe tells of each question; one of version 0.1 does not."""
    return probe is not None and len(probe.marks) == probe.asked


def digest_of(sha256: str) -> str:
    """The identity of kept probes: a hash of the SHA-256 of the weights and of all questions."""
    asked = "".join(_text(name) for name in (_QUESTIONS, _ANSWERS))
    return hashlib.sha256(f"{sha256}\0{asked}".encode()).hexdigest()


def _known(path: Path, sha256: str) -> dict[int, Probe]:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=KeptProbes)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return {}
    return dict(kept.probes) if kept.sha256 == sha256 else {}


def _lines(name: str) -> list[list[str]]:
    return [line.split("\t") for line in _text(name).splitlines() if line.strip()]


def _text(name: str) -> str:
    return (resources.files("resources") / name).read_text(encoding="utf-8")


def answer_losses(
    loaded: LoadedModel, pairs: Sequence[tuple[str, str]], check: Check = never
) -> list[tuple[float, int]]:
    """The summed loss in nats and the number of tokens of each answer; (question, answer) pairs."""
    samples = [(ids[:_LONGEST], prompt) for ids, prompt in loaded.form.samples(pairs)]
    return summed_losses(loaded, samples, check)
