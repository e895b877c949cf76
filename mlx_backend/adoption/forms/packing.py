"""Quantising a model in a folder, and asking it the general probe before and after.

This runs in a process of its own (`quantising_process`), because it loads a stranger's model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import psutil

from mlx_backend.adoption.forms.packed_weights import write_packed
from mlx_backend.adoption.trial.memory import weights_in_memory
from mlx_backend.adoption.trial.messages import Asked, Outcome, Packed, TrialReply
from mlx_backend.adoption.trial.refusing import refused
from mlx_backend.adoption.trial.tried_tokenizer import as_model, load_tokenizer
from mlx_backend.exam.probe import Probe, take_probe
from mlx_backend.library.abilities import Quantised
from mlx_backend.models.base_model import LoadedModel, load_weights
from mlx_backend.models.chat_form import ChatForm

WHOLE, WRITING_FROM, WRITING_TO = 100, 40, 60
"""Progress is told in hundredths; the probes before and after writing take most of the time."""

# The probe asks fewer of its 120 questions and 60 answers where all of them would take longer.
_LONGEST_PROBE_S = 120.0
_FEW = 30
# The share of the memory that the weights may take to be asked as they came.
_ROOM = 0.6

Tell = Callable[[TrialReply], object]


@dataclass(frozen=True)
class Packing:
    """What is to be quantised: the model in `folder`, called `name`, into the folder `new`.

    `new` has copies of all files but weights and config.json.
    """

    folder: Path
    new: Path
    bits: int
    name: str


def outcome_of(packing: Packing, tell: Tell) -> Outcome:
    """Quantise; whatever is raised becomes a refusal."""
    try:
        return Packed(pack(packing, tell))
    except (Exception, SystemExit) as error:  # mlx-lm's `olmo` ends the process without ai2-olmo
        return refused(error, packing.folder)


def pack(packing: Packing, tell: Tell) -> Quantised:
    """Write the quantised weights and their config.json; returns what that cost.

    Raises OvernightError where no layer can be quantised, and whatever a library raises.
    """
    before = None
    if _has_room(packing.folder):
        before = _probe(packing.folder, packing, None, _reached(0, WRITING_FROM, tell))
    reached = _reached(WRITING_FROM, WRITING_TO, tell)
    write_packed(packing.folder, packing.new, packing.bits, reached)
    after = before
    if before is not None:
        after = _probe(packing.new, packing, before, _reached(WRITING_TO, WHOLE, tell))
    return _cost(packing.bits, before, after)


@dataclass(frozen=True)
class _Probed:
    """A probe, and that it had one in `every` of the questions."""

    every: int
    probe: Probe


def _reached(begin: int, end: int, tell: Tell) -> Callable[[float], None]:
    """A function that tells how far the whole is, from the share done of a part of it."""

    def reached(share: float) -> None:
        tell(Asked(begin + int(min(1.0, share) * (end - begin)), WHOLE))

    return reached


def _probe(
    folder: Path, packing: Packing, like: _Probed | None, reached: Callable[[float], None]
) -> _Probed:
    """The probe of the model in `folder`, with as many questions as `like`, if that is given."""
    reached(0.0)
    loaded = _loaded(folder, packing.name)
    if like is None:
        all_s = take_probe(loaded, _FEW).seconds * _FEW
        every = _every(all_s)
        expected_s = all_s / every
    else:
        every, expected_s = like.every, like.probe.seconds
    began = time.perf_counter()

    def check() -> None:
        reached((time.perf_counter() - began) / max(expected_s, 1e-3))

    probe = take_probe(loaded, every, check)
    del loaded
    mx.clear_cache()
    return _Probed(every, probe)


def _loaded(folder: Path, name: str) -> LoadedModel:
    info = as_model(folder, name)
    tokenizer = load_tokenizer(folder)
    return LoadedModel(load_weights(folder), tokenizer, ChatForm(tokenizer, info), info)


def _every(all_s: float) -> int:
    """One in how many questions to ask, where all of them would take `all_s` seconds."""
    return next((every for every in (1, 2, 4) if all_s / every <= _LONGEST_PROBE_S), 8)


def _has_room(folder: Path) -> bool:
    """Whether the weights fit into the memory as they are loaded here."""
    return weights_in_memory(folder) <= _ROOM * psutil.virtual_memory().total


def _cost(bits: int, before: _Probed | None, after: _Probed | None) -> Quantised:
    nothing = Probe(0, 0, 0.0)
    first = nothing if before is None else before.probe
    then = nothing if after is None else after.probe
    return Quantised(
        bits=bits,
        asked=first.asked,
        right_before=first.right,
        right_after=then.right,
        perplexity_before=first.perplexity,
        perplexity_after=then.perplexity,
    )
