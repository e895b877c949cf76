"""Two real models and the starter: their trial at adoption, the reading exam, and an exam of notes.

OVERNIGHT_REAL_MODELS names the folder in which `real_readers` makes the models, or has made them;
without it they are skipped.
OVERNIGHT_EXAM names the folder of an exam: notes/, questions.tsv, unanswerable.tsv; without it, the
work log beside this file. OVERNIGHT_READERS="starter qwen2.5-coder-0.5b" tries only these.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from mlx_backend.adoption.trial.reading_exam import Marked, result_of, take_reading_exam
from mlx_backend.adoption.trial.trial import try_model
from mlx_backend.files import sha256_of_file
from mlx_backend.library import Library
from mlx_backend.library.abilities import Abilities
from mlx_backend.library.models import CARD, STARTER, ModelCard
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.starter import ensure_starter
from mlx_backend.settings import change_settings
from tests.benchmarks.real_readers import PLACE, REAL_MODELS, made
from tests.benchmarks.test_knowing import cites_right_note, declined, overnight

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3 * 3600)]

EXAM = Path(os.environ.get("OVERNIGHT_EXAM", Path(__file__).parent / "work_log"))
NAMES = [model.name for model in REAL_MODELS]
TRIED = os.environ.get("OVERNIGHT_READERS", "").split() or [STARTER, *NAMES]


@pytest.mark.parametrize("name", TRIED)
def test_whoever_reads_passes_the_reading_exam(name: str, tmp_path: Path) -> None:
    library = Library.open(tmp_path)
    folder = put_into(library, name)
    began = time.perf_counter()
    abilities = try_model(folder, name, lambda *_: None, lambda: False)
    print(f"\n{name}: trial in {time.perf_counter() - began:.0f} s: {abilities}", flush=True)
    file_card(folder, name, abilities)
    print(f"{name}: {told(read_again(library, name))}", flush=True)
    assert abilities.reading.is_passed is (name != STARTER)
    answers_from_notes(library, name)


def put_into(library: Library, name: str) -> Path:
    """A model's folder in a library, linked to its files where the file system can.

    By hard links, because a trial's process reads nothing but what is in the folder.
    """
    if name == STARTER:
        return ensure_starter(library).path
    if PLACE not in os.environ:
        pytest.skip(f"{PLACE} names no folder to make the models in")
    (model,) = [each for each in REAL_MODELS if each.name == name]
    folder = library.models / name
    folder.mkdir()
    for path in made(model, Path(os.environ[PLACE])).iterdir():
        try:
            (folder / path.name).hardlink_to(path)
        except OSError:
            shutil.copyfile(path, folder / path.name)
    return folder


def file_card(folder: Path, name: str, abilities: Abilities) -> None:
    """What adoption writes last, but for the starter, which has a card."""
    card = ModelCard(
        name=name,
        title=name,
        licence="Apache-2.0",
        source="packages",
        parameters=0,
        sha256=sha256_of_file(folder / "model.safetensors"),
    )
    if (folder / CARD).exists():
        card = msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
    card = msgspec.structs.replace(card, abilities=abilities)
    (folder / CARD).write_bytes(msgspec.json.encode(card))


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
