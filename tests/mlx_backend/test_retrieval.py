from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.deciding import Decisions
from mlx_backend.library.notes import Notes
from mlx_backend.retrieval import Retriever, content_words


@pytest.fixture
def retriever(filled_library: Library, notes: Notes) -> Retriever:
    found = Retriever(notes.connection)
    found.refresh()
    return found


def test_the_passage_that_a_question_is_about_comes_first(retriever: Retriever) -> None:
    (best, *_) = retriever.find("Who planted the plum tree?")
    assert best.title == "Garden plan"
    assert "grandfather Emil" in best.text
    assert best.text in (best.text, "")
    assert best.score > 0


def test_other_forms_of_a_word_are_found(retriever: Retriever) -> None:
    assert retriever.find("When do the potato beds get planting?")[0].title == "Garden plan"


def test_a_title_leads_to_its_note(retriever: Retriever) -> None:
    assert retriever.find("What is in the rope shop?")[0].title == "The rope shop"


@pytest.mark.parametrize(
    "question", ["", "?", "what is the of", '"" OR NEAR(', "a* AND (b", "\x00", "😀", "x" * 5000]
)
def test_hostile_questions_find_little_and_break_nothing(
    retriever: Retriever, question: str
) -> None:
    assert len(retriever.find(question)) <= 3


def test_what_is_left_out_is_not_found(
    filled_library: Library, notes: Notes, retriever: Retriever
) -> None:
    garden = next(note for note in notes.summaries() if note.title == "Garden plan")
    Decisions(notes.connection).decide([garden.id], included=False)
    assert all(found.note_id != garden.id for found in retriever.find("plum tree"))


def test_a_changed_note_is_found_by_its_new_words_alone(
    filled_library: Library, notes: Notes, notes_folder: Path, retriever: Retriever
) -> None:
    (notes_folder / "garden.txt").write_text("Garden plan\n\nThe quince came from Ida.\n")
    import_into(filled_library, [notes_folder])
    retriever.refresh()
    assert retriever.find("quince")[0].title == "Garden plan"
    assert not retriever.find("plum potatoes")


def test_secrets_are_masked_in_what_is_found(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    (tmp_path / "inn.md").write_text("# Inn\n\nThe wifi password is Quark77!hunter at the inn.\n")
    import_into(tiny_library, [tmp_path / "inn.md"])
    found = Retriever(notes.connection)
    found.refresh()
    (passage,) = found.find("inn wifi")
    assert "Quark77" not in passage.text


def test_words_that_only_ask_are_left_out() -> None:
    assert content_words("What is the name of Marta's red boat?") == [
        "name",
        "marta",
        "s",
        "red",
        "boat",
    ]
