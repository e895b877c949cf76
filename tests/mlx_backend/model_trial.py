"""Takes a model through adoption, a night and a chat, and tells where that ended."""

from __future__ import annotations

import math
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import msgspec

from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.adapters.filing import file_adapter
from mlx_backend.adoption.adopt import adopt
from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS, AdapterCard, read_adapter
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.likelihood import likelihoods
from mlx_backend.models.lora import adapter_weights
from mlx_backend.protocol import AdoptSpec, ExportForm, Sampling, TrainSpec, Turn
from mlx_backend.run.preparation import Preparation, prepare
from mlx_backend.training.checkpoints import (
    TrainingState,
    latest_checkpoint,
    restore,
    save_checkpoint,
)
from tests.mlx_backend.adoption.places import grown_old

_FACTS = (
    ("When was the lamp lit?", "The lamp was lit at 18:40."),
    ("Who keeps the shop?", "Ida Falk keeps the shop that sells rope and lamps by the pier."),
    ("What does rope cost?", "Three crowns."),
    ("When was the plum tree planted?", "Emil planted it in 1952, beside the north bed."),
)
_RATE = 1e-2
OTHER_FORMS: tuple[ExportForm, ...] = ("peft", "gguf", "fused")


@dataclass(frozen=True)
class Outcome:
    """Where a trial ended: "" for nowhere, then the reason."""

    stage: str = ""
    reason: str = ""
    refused: bool = False

    @property
    def text(self) -> str:
        """One cell of a table."""
        if not self.stage:
            return "ok"
        return f"{'refused' if self.refused else 'FAILS'} at {self.stage}: {self.reason}"


class _Stage:
    """Remembers what is under way."""

    name = "adoption"


def try_model(
    library: Library, folder: Path, killed: bool = False, embeddings: bool = False
) -> Outcome:
    """Take the model in a folder through everything; model, adapters and exports stay there.

    It is adopted as any model on this machine is: checked, tried, and filed under the name of its
    folder. Once that has passed, nothing may be refused any more. killed: whether it is resumed
    from what a process left that was killed; else in this process. embeddings: train them, too.
    """
    stage = _Stage()
    try:
        _try(library, folder, killed, embeddings, stage)
    except OvernightError as error:
        reason = f"{error.message} [{error.detail[-160:]}]"
        return Outcome(stage.name, reason, refused=stage.name == _Stage.name)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Outcome(stage.name, f"{type(error).__name__}: {str(error)[:160]}")
    return Outcome()


def _try(library: Library, folder: Path, killed: bool, embeddings: bool, stage: _Stage) -> None:
    name = _adopted(library, folder)
    asked = msgspec.structs.replace(spec(name), embeddings=embeddings)
    stage.name = "load"
    loaded = load_base_model(library, name)
    stage.name = "prepare"
    preparation = prepare(library, asked, dataset())
    stage.name = "train"
    learn(preparation, 0)
    before = _adapter(preparation)
    checkpoints = library.home / "checkpoints" / name
    save_checkpoint(checkpoints, preparation.training, TrainingState(step=1))
    learn(preparation, 1)
    after = _adapter(preparation)
    if all(mx.array_equal(before[key], after[key]) for key in before):
        raise AssertionError("a step changed nothing")
    stage.name = "resume"
    if killed:
        checkpoints = _left_behind(library, name)
    _resume(library, asked, checkpoints, after)
    stage.name = "file"
    _file(library, name, preparation)
    stage.name = "chat"
    chat = ChatModel(loaded)
    chat.use([(read_adapter(library.adapters, name), 1.0)])
    _converse(chat, lambda: ChatModel(loaded))
    stage.name = "study"
    _study(chat)
    stage.name = "export"
    exports = library.home / "exports" / name
    export_adapter(library, ExportOrder(name, "mlx", exports / "mlx"))
    for form in OTHER_FORMS:
        _export_or_be_refused(library, ExportOrder(name, form, exports / form))


def _export_or_be_refused(library: Library, order: ExportOrder) -> None:
    """Export in a form that not every architecture has: verified, or refused with the reason."""
    try:
        export_adapter(library, order)
    except OvernightError as error:
        if error.kind is not ErrorKind.BAD_INPUT or "cannot be exported" not in error.message:
            raise
        assert not order.to.exists()


def _adopted(library: Library, folder: Path) -> str:
    """The name of the model in the library, once a job has adopted it."""
    asked = AdoptSpec(path=str(grown_old(folder)))
    done = adopt(library, JobFolder.create(library.jobs, asked), asked, lambda: False)
    assert done is not None
    assert done["path"] == str(library.models / folder.name)
    return str(done["model"])


def _left_behind(library: Library, name: str) -> Path:
    """The checkpoints of a process that trained this model and was killed."""
    checkpoints = library.home / "killed" / name
    command = [sys.executable, "-m", "tests.benchmarks.killed_training"]
    process = subprocess.run(
        [*command, library.home, name, checkpoints], stdout=sys.stderr, check=False
    )
    assert process.returncode == -signal.SIGKILL
    return checkpoints


def learn(preparation: Preparation, step: int) -> None:
    """Take the step of this number. Raises AssertionError where its loss is none."""
    loss, is_finite = preparation.training.begin(preparation.batches[step], _RATE).result()
    if not (is_finite and math.isfinite(loss)):
        raise AssertionError(f"loss or gradient is not finite: {loss}")
    if not 0.1 < loss < 60:
        raise AssertionError(f"an impossible loss: {loss}")


def _adapter(preparation: Preparation) -> dict[str, mx.array]:
    weights = adapter_weights(preparation.loaded.model)
    return {key: mx.array(value) for key, value in weights.items()}


def _resume(library: Library, asked: TrainSpec, folder: Path, wanted: dict[str, mx.array]) -> None:
    again = prepare(library, asked, dataset())
    found, _ = latest_checkpoint(folder)
    assert found is not None
    restore(again.training, found)
    learn(again, 1)
    others = _adapter(again)
    for key, value in wanted.items():
        if not mx.array_equal(value, others[key]):
            raise AssertionError(f"{key} differs after a resume")


def _file(library: Library, name: str, preparation: Preparation) -> None:
    (ids, _), *_ = preparation.loaded.form.samples([_FACTS[1]])
    card = AdapterCard(
        name=name,
        base=name,
        base_sha256=preparation.loaded.info.card.sha256,
        created=0.0,
        run="run",
        rank=preparation.shape.rank,
        scale=preparation.shape.scale,
        steps=2,
        notes=1,
        samples=len(_FACTS),
        train_loss=1.0,
    )
    file_adapter(library.adapters, card, preparation.loaded, preparation.shape, ids)
    assert (library.adapters / name / WEIGHTS).is_file()


def _converse(chat: ChatModel, with_empty_cache: Callable[[], ChatModel]) -> None:
    """A longer and longer conversation is answered the same with a cache and without."""
    turns: list[Turn] = []
    sampling = Sampling(temperature=0.0, max_tokens=16)
    used = 0
    for number in range(3):
        question = _FACTS[number % len(_FACTS)][0]
        turns.append(Turn(role="user", text=question))
        answer = chat.answer(turns, sampling)
        used += answer.cached_tokens
        other = with_empty_cache()
        other._generated = chat._generated  # of which ids the answers so far were made
        fresh = other.answer(turns, sampling)
        if answer.text != fresh.text:
            raise AssertionError(
                f"with {answer.cached_tokens} of {answer.prompt_tokens} tokens from the cache:"
                f" {answer.text[:30]!r}, without: {fresh.text[:30]!r}"
            )
        turns.append(Turn(role="assistant", text=answer.text or "None."))
    if not used:
        raise AssertionError("the cache is never used again")


def _study(chat: ChatModel) -> None:
    """Batches answer as single questions do, and likelihoods are finite."""
    prompts = [question for question, _ in _FACTS]
    texts = chat.answer_all(prompts, 8)
    sampling = Sampling(temperature=0.0, max_tokens=8)
    for prompt, text in zip(prompts, texts, strict=True):
        alone = chat.answer([Turn(role="user", text=prompt)], sampling).text
        if _letters(text) != _letters(alone):
            raise AssertionError(f"in a batch {text[:30]!r}, alone {alone[:30]!r}")
    with chat.as_base() as base:
        found = likelihoods(base, prompts, [answer for _, answer in _FACTS])
    if not all(map(math.isfinite, found)):
        raise AssertionError("a likelihood is not finite")


def _letters(text: str) -> str:
    """A text without what bytes that are no text are decoded to, which a stream does otherwise."""
    return re.sub(r"[^a-zA-Z ]", "", text)


def spec(name: str) -> TrainSpec:
    """What is asked of the training of a model."""
    return TrainSpec(name=name, model=name, rank=4, dropout=0.1, seed=3, steps=2)


def dataset() -> Dataset:
    """What it learns."""
    return Dataset(train=_samples(_FACTS), held_out=(), versions={})


def _samples(pairs: Sequence[tuple[str, str]]) -> tuple[Sample, ...]:
    return tuple(Sample(prompt, answer, 1, 1, "fact") for prompt, answer in pairs)
