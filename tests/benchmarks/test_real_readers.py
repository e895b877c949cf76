"""Two real models and the starter: their adoption, the reading exam, and an exam of notes.

The models are adopted by the command itself, the smaller one also in four bits.

OVERNIGHT_REAL_MODELS names the folder in which `real_readers` makes the models, or has made them;
without it they are skipped.
OVERNIGHT_EXAM names the folder of an exam: notes/, questions.tsv, unanswerable.tsv; without it, the
work log beside this file. OVERNIGHT_READERS="starter qwen2.5-coder-0.5b" tries only these.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from mlx_backend.adoption.trial.reading_exam import Marked, result_of, take_reading_exam
from mlx_backend.adoption.trial.trial import try_model
from mlx_backend.library import Library
from mlx_backend.library.abilities import Reading
from mlx_backend.library.models import CARD, STARTER, ModelCard, read_model
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.starter import ensure_starter
from mlx_backend.settings import change_settings
from tests.benchmarks.real_readers import PLACE, REAL_MODELS, made
from tests.benchmarks.test_knowing import cites_right_note, declined, overnight

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3 * 3600)]

EXAM = Path(os.environ.get("OVERNIGHT_EXAM", Path(__file__).parent / "work_log"))
NAMES = [model.name for model in REAL_MODELS]
SMALLEST = NAMES[0]
TRIED = os.environ.get("OVERNIGHT_READERS", "").split() or [STARTER, *NAMES]


@pytest.mark.parametrize("name", TRIED)
def test_whoever_reads_passes_the_reading_exam(name: str, tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    if name == STARTER:
        try_starter(library)
    else:
        adopted(library, name)
    reading = examined(library, name)
    assert reading.is_passed is (name != STARTER)
    answers_from_notes(library, name)


def test_made_smaller_it_says_what_that_cost_and_still_reads(tmp_path: Path) -> None:
    if SMALLEST not in TRIED:
        pytest.skip(f"{SMALLEST} is not among those to try")
    library = Library.open(tmp_path)
    name = f"{SMALLEST}-4bit"
    adopted(library, SMALLEST, "--bits", "4", "--name", name)
    model = read_model(library.models, name)
    assert model.card.quantised is not None
    assert model.card.quantised.bits == 4
    print(f"{name}: {model.card.quantised.cost}; {model.card.quantised}", flush=True)
    examined(library, name)
    answers_from_notes(library, name)


def adopted(library: Library, name: str, *options: str) -> None:
    """`overnight adopt` of a real model, as a person would type it."""
    if PLACE not in os.environ:
        pytest.skip(f"{PLACE} names no folder to make the models in")
    (model,) = [each for each in REAL_MODELS if each.name == name]
    folder = made(model, Path(os.environ[PLACE]))
    began = time.perf_counter()
    result = overnight(library.home, "adopt", str(folder), *options)
    seconds = time.perf_counter() - began
    print(f"\n{result['model']}: adopted in {seconds:.0f} s: {result}", flush=True)
    if not options:
        assert result["copied_bytes"] == 0 or folder.stat().st_dev != library.home.stat().st_dev


def try_starter(library: Library) -> None:
    """The starter's trial, which it has no need of, and its card with what that found."""
    folder = ensure_starter(library).path
    abilities = try_model(folder, STARTER, lambda *_: None, lambda: False)
    card = msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
    card = msgspec.structs.replace(card, abilities=abilities)
    (folder / CARD).write_bytes(msgspec.json.encode(card))


def examined(library: Library, name: str) -> Reading:
    """What the trial of a model found, and the reading exam taken again, question by question."""
    abilities = read_model(library.models, name).card.abilities
    assert abilities is not None
    print(f"{name}: {abilities}\n{name}: {told(read_again(library, name))}", flush=True)
    return abilities.reading


def read_again(library: Library, name: str) -> list[Marked]:
    """The reading exam in this process, for its single answers."""
    chat = ChatModel(load_base_model(library, name))
    return take_reading_exam(chat.answer_all)


def told(marked: list[Marked]) -> str:
    """The result, by language, and of questions with and without an answer in their passage."""
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for each in marked:
        by_kind[each.question.language].append(each.is_right)
        by_kind["answered" if each.question.answers else "not answered"].append(each.is_right)
    parts = [f"{kind} {sum(right)} of {len(right)}" for kind, right in by_kind.items()]
    return f"{result_of(marked)}; {', '.join(parts)}"


def answers_from_notes(library: Library, name: str) -> None:
    """The exam of the notes, with the notes: how much is right, rightly cited, and declined."""
    change_settings(library.settings, base_model=name)
    overnight(library.home, "import", str(EXAM / "notes"))
    for file in ("questions.tsv", "unanswerable.tsv"):
        began = time.perf_counter()
        items = overnight(library.home, "exam", str(EXAM / file), "--grounded")["items"]
        right = [item for item in items if item["right"]]
        print(
            f"{name}: {file}: {len(right)} of {len(items)} right,"
            f" {sum(map(cites_right_note, right))} of them from a note that says so,"
            f" {declined(items)} declined, {time.perf_counter() - began:.0f} s",
            flush=True,
        )
