from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.asking import meaning
from mlx_backend.asking.retrieval import Retriever, retriever_of
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.library.passage_vectors import PassageVectors
from mlx_backend.models import sentence_package
from mlx_backend.settings import change_settings
from tests.mlx_backend.vectors import WordDirections

MODEL = WordDirections("automobile car vehicle garage", "weather rain storm", "cake flour oven")
GARAGE = "# Garage\n\nThe old automobile of my grandfather stands behind the house and rusts.\n"
CAR = "# Play\n\nThe word car was said by an actor in the play, and nobody laughed about it.\n"
RAIN = "# Rain\n\nIt came down in sheets all day long, so that we stayed at home together.\n"


def filled(library: Library, notes: Notes, folder: Path, *texts: str) -> Retriever:
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    import_into(library, [folder])
    vectors = PassageVectors(notes.connection)
    passages = vectors.missing(100)
    vectors.add(passages, MODEL.vectors([each.text for each in passages]))
    return Retriever(notes.connection)


def near(retriever: Retriever, question: str) -> list[str]:
    return [found.title for found in retriever.find(question) if found.is_near]


@pytest.fixture(autouse=True)
def with_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "_model", lambda: MODEL)


def test_what_shares_no_word_is_found_by_meaning(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    retriever = filled(tiny_library, notes, tmp_path / "n", GARAGE, CAR, RAIN)
    assert near(retriever, "Where is the car?") == ["Play", "Garage"]
    alone = Retriever(notes.connection, by_meaning=False)
    assert near(alone, "Where is the car?") == ["Play"]


def test_what_the_person_does_not_want_is_off_at_once(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    filled(tiny_library, notes, tmp_path / "n", GARAGE, CAR, RAIN)
    change_settings(tiny_library.settings, search_by_meaning=False)
    by_words = retriever_of(tiny_library, notes.connection)
    assert near(by_words, "Where is the car?") == ["Play"]
    change_settings(tiny_library.settings, search_by_meaning=True)
    again = retriever_of(tiny_library, notes.connection)
    assert near(again, "Where is the car?") == ["Play", "Garage"]


def test_meaning_decides_among_those_alike_by_words(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    second = RAIN.replace("# Rain", "# Day").replace("sheets", "sheets of rain and a storm")
    retriever = filled(tiny_library, notes, tmp_path / "n", second, RAIN.replace("Rain", "Cake"))
    assert retriever.find("the storm of the day at home together")[0].title == "Day"


def test_never_by_meaning_alone(tiny_library: Library, notes: Notes, tmp_path: Path) -> None:
    retriever = filled(tiny_library, notes, tmp_path / "n", GARAGE, RAIN)
    assert retriever.find("vehicle") == []


def test_a_question_in_another_language_goes_by_words(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    german = (
        "# Schuppen\n\nDas alte Auto meines Großvaters steht hinter dem Haus und rostet seit vielen"
        " Jahren vor sich hin.\n"
    )
    retriever = filled(tiny_library, notes, tmp_path / "n", GARAGE, german, RAIN)
    vectors = PassageVectors(notes.connection)
    assert len(vectors.of_notes_in_use()[0]) == 2  # the German one has none
    assert [f.title for f in retriever.find("Wo steht das Auto meines car?")] == ["Schuppen"]


def test_deleted_and_left_out_notes_are_not_found_by_meaning(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    retriever = filled(tiny_library, notes, tmp_path / "n", GARAGE, CAR, RAIN)
    notes.connection.execute("UPDATE notes SET included = 0 WHERE title = 'Garage'")
    assert near(retriever, "Where is the car?") == ["Play"]
    notes.connection.execute("DELETE FROM notes WHERE title = 'Garage'")
    assert near(retriever, "Where is the car?") == ["Play"]
    retriever.refresh()
    (count,) = notes.connection.execute("SELECT count(*) FROM passage_vectors").fetchone()
    assert count == 2


@pytest.mark.parametrize("damage", [b"", b"\x00", b"\xff" * 768, b"\x7f\x7c" * 384])
def test_damaged_vectors_are_passed_over(
    tiny_library: Library, notes: Notes, tmp_path: Path, damage: bytes
) -> None:
    retriever = filled(tiny_library, notes, tmp_path / "n", GARAGE, CAR, RAIN)
    notes.connection.execute("UPDATE passage_vectors SET vector = ?", (damage,))
    assert near(retriever, "Where is the car?") == ["Play"]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_missing_or_damaged_model_leaves_the_words(
    tiny_library: Library,
    notes: Notes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_there: bool,
) -> None:
    retriever = filled(tiny_library, notes, tmp_path / "n", GARAGE, CAR)
    monkeypatch.undo()
    (tmp_path / sentence_package.WEIGHTS).write_bytes(b"something else")
    monkeypatch.setattr(meaning, "find_folder", lambda: tmp_path if is_there else None)
    meaning._model.cache_clear()
    try:
        assert near(retriever, "Where is the car?") == ["Play"]
    finally:
        meaning._model.cache_clear()


def test_a_word_is_meant_by_one_of_about_the_same_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert meaning.unmeant(["car", "rain"], "vehicle garage") == ["rain"]
    assert meaning.unmeant(["car"], "") == ["car"]
    assert meaning.unmeant([], "The vehicle is in the garage.") == []
    monkeypatch.setattr(meaning, "_model", lambda: None)
    assert meaning.unmeant(["car", "rain"], "vehicle garage") == ["car", "rain"]
    assert meaning.nearest_words("car", ["vehicle garage"]) is None


def test_the_nearest_word_of_each_text() -> None:
    near, far, nothing = meaning.nearest_words("car", ["a vehicle", "rain", ""]) or [0.0] * 3
    assert near > 0.9
    assert far < 0.5
    assert nothing == 0.0
