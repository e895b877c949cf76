"""Whole nights, and chats on the morning after, of models that stay in 16 or 4 bits.

On the CPU the loader makes them float32, because that is faster; here they are computed with as
they are stored, as on a GPU.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import msgspec
import pytest

from mlx_backend.asking.answering import answer_from_notes
from mlx_backend.asking.retrieval import Retriever
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.models import read_model
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import base_model
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import Sampling, TrainSpec, Turn
from mlx_backend.run import preparation
from mlx_backend.study.by_model import screening
from mlx_backend.training import batches
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.model_types import write_model
from tests.mlx_backend.run.whole_run import work
from tests.mlx_backend.tiny import keep_general_answers

KINDS = ("llama", "qwen3", "gemma3_text", "lfm2", "qwen3_moe")
SHORTLY = Sampling(temperature=0.0, max_tokens=8)


ONLY_FLOAT32 = ("qwen3_moe",)
"""MLX's CPU build computes the experts of a mixture in float32 alone, or quantised."""


SMALLER: dict[str, dict[str, object]] = {kind: {"num_hidden_layers": 2} for kind in KINDS}
SMALLER["lfm2"]["layer_types"] = ["conv", "full_attention"]


@pytest.fixture(autouse=True)
def short_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are small, and no question reads too badly for a random model to be asked."""
    monkeypatch.setattr(batches, "ROW_LENGTHS", (64, 128))
    monkeypatch.setattr(preparation, "positions", lambda: 128)
    monkeypatch.setattr(screening, "_WORST_READING", -math.inf)
    monkeypatch.setattr(screening, "_WORST_END", -math.inf)


@pytest.fixture
def library_of_a_note(tiny_library: Library, notes_folder: Path) -> Library:
    """More notes would only take longer."""
    import_into(tiny_library, [notes_folder / "lighthouse.md"])
    return tiny_library


@pytest.mark.parametrize("bits", [None, 4], ids=["bf16", "4 bit"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_night_and_the_chat_after_it(
    library_of_a_note: Library,
    tiny_folders: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    bits: int | None,
) -> None:
    library, folder = library_of_a_note, library_of_a_note.models / "one"
    if kind not in ONLY_FLOAT32 or bits is not None or has_gpu():
        monkeypatch.setattr(base_model, "_to_float32", lambda model: None)
    write_model(folder, kind, tiny_folders["tiny"], bits, mx.bfloat16, **SMALLER[kind])
    keep_general_answers(folder, read_model(library.models, "one").card.sha256)
    spec = TrainSpec(name="Garden", model="one", steps=2, rank=4, learning_rate=1e-2, seed=3)
    job = JobFolder.create(library.runs, spec)
    assert work(library, job) is not None
    report = msgspec.json.decode((job.path / "report.json").read_bytes())
    assert report["ended"] == "all steps"
    assert report["exam_asked"] > 0
    for name in ("train_loss", "valid_loss", "base_valid_loss"):
        assert isinstance(report[name], float), name
        assert 0 < report[name] < 20, name
    loaded = load_base_model(library, "one")
    assert any("scales" in module for _, module in loaded.model.named_modules()) is (bits == 4)
    if kind not in ONLY_FLOAT32:
        dtypes = {each.dtype for each in flatten(loaded.model.parameters()).values()}
        assert dtypes <= {mx.bfloat16, mx.uint32}
    check_chat(library, loaded)


def check_chat(library: Library, loaded: LoadedModel) -> None:
    """Answers of base and adapter, from the cache, and from the notes by quoting and by reading."""
    chat = ChatModel(loaded)
    turns = [Turn(role="user", text="Who lit the lamp of Amber Cove?")]
    base = chat.answer(turns, SHORTLY)
    chat.use([(read_adapter(library.adapters, "Garden"), 1.0)])
    answer = chat.answer(turns, SHORTLY)
    assert answer.generated_tokens > 0
    again = [*turns, Turn(role="assistant", text=answer.text or "Marta."), turns[0]]
    assert chat.answer(again, SHORTLY).cached_tokens > 0
    assert base.prompt_tokens == answer.prompt_tokens
    retriever = Retriever(database.connect(library.database))
    retriever.refresh()
    quoted = answer_from_notes(chat, retriever, turns, SHORTLY)
    assert "Marta" in quoted.quote
    card = msgspec.structs.replace(loaded.info.card, abilities=READS)
    reader = ChatModel(replace(loaded, info=replace(loaded.info, card=card)))
    reader.use([(read_adapter(library.adapters, "Garden"), 1.0)])
    read = answer_from_notes(reader, retriever, turns, SHORTLY)
    assert not read.from_notes
    assert read.answer.prompt_tokens > answer.prompt_tokens
    assert read.answer.generated_tokens > 0
