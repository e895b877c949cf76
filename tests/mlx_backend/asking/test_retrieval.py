from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from mlx_backend.asking.retrieval import Retriever, content_words
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.curation_findings import CurationFindings, Step
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.text.dictionary import stem
from mlx_backend.text.segmenting import segmented
from mlx_backend.text.stems import stems
from mlx_backend.text.words import folded_words


@pytest.fixture
def retriever(filled_library: Library, notes: Notes) -> Retriever:
    found = Retriever(notes.connection)
    found.refresh()
    return found


def test_the_passage_that_a_question_is_about_comes_first(
    notes: Notes, retriever: Retriever
) -> None:
    (best, *_) = retriever.find("Who planted the plum tree?")
    assert best.title == "Garden plan"
    assert "grandfather Emil" in best.text
    assert best.text == notes.text(best.note_id)[best.start : best.end]
    assert best.score > 0


def test_other_forms_of_a_word_are_found(retriever: Retriever) -> None:
    assert retriever.find("When do the potato beds get planting?")[0].title == "Garden plan"


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("Der Leuchtturm steht an der Straße.", "Straße"),
        ("Der Leuchtturm steht an der Straße.", "STRAßE?"),
        ("Der Fuß schmerzt.", "Welcher Fuß?"),
        ("Der Schlüssel hängt am Haken.", unicodedata.normalize("NFD", "Schlüssel")),
        (unicodedata.normalize("NFD", "Der Schlüssel hängt am Haken."), "Wo ist der Schlüssel?"),
        (unicodedata.normalize("NFD", "배는 한국어로 씁니다."), "한국어"),
        ("Call json_each to read a list.", "What does json_each do?"),
        ("Call json_each to read a list.", "each json?"),
    ],
)
def test_a_word_is_found_however_its_letters_are_typed(
    tiny_library: Library, notes: Notes, tmp_path: Path, written: str, question: str
) -> None:
    (tmp_path / "a.md").write_text(f"# A\n\n{written}\n", encoding="utf-8")
    import_into(tiny_library, [tmp_path / "a.md"])
    retriever = Retriever(notes.connection)
    retriever.refresh()
    (found,) = retriever.find(question)
    assert found.text.strip() == written


def test_what_a_question_asks_for_is_known_in_what_is_written() -> None:
    asked = "What does json_each do in der Großen STRAßE beim Schlüssel?"
    words = content_words(unicodedata.normalize("NFD", asked))
    assert words[:2] == ["json", "each"]
    assert {stem(word) for word in words} <= stems(asked)


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
    NoteDecisions(notes.connection).decide([garden.id], included=False)
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


@pytest.mark.parametrize("text", ["ヵㇰ猫𠀋", "ສະບາຍດີ", "แมวชื่อส้มโอ", "김 선생님", "hello, Großen"])
def test_a_question_has_the_words_of_the_index(text: str) -> None:
    assert content_words(text) == list(dict.fromkeys(folded_words(segmented(text))))


KEY = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"  # put together, so that no scanner takes this for a leak


def words_in_index(retriever: Retriever, notes: Notes) -> str:
    retriever.refresh()
    rows = notes.connection.execute("SELECT title, heading, text FROM passages_index")
    return " ".join(" ".join(row) for row in rows)


def leave_out(notes: Notes, step: str, words: str) -> int:
    """What curation does where it finds that `words` of a note are not to be taught."""
    note = next(note for note in notes.summaries() if note.title == "Lighthouse")
    start = notes.text(note.id).index(words)
    notes.connection.execute(
        "INSERT INTO findings (note_id, step, leaves_out, reason, spans) VALUES (?, ?, 0, '', ?)",
        (note.id, step, f"[[{start}, {start + len(words)}]]"),
    )
    return note.id


@pytest.mark.parametrize("step", ["authorship", "boilerplate"])
@pytest.mark.parametrize("for_all", [False, True])
def test_the_index_follows_what_is_left_out_and_what_is_decided_about_it(
    notes: Notes, retriever: Retriever, step: Step, for_all: bool
) -> None:
    found = leave_out(notes, step, "Its lens came from Bergen by boat.")
    assert "Bergen" not in words_in_index(retriever, notes)
    assert "lamp burns" in words_in_index(retriever, notes)
    findings, note_id = CurationFindings(notes.connection), None if for_all else found
    findings.undo(step, note_id)
    assert "Bergen" in words_in_index(retriever, notes)
    assert retriever.find("Bergen")[0].note_id == found
    findings.redo(step, note_id)
    assert "Bergen" not in words_in_index(retriever, notes)
    notes.connection.execute("DELETE FROM findings WHERE step = ?", (step,))
    assert "Bergen" in words_in_index(retriever, notes)


def test_the_index_follows_what_is_allowed_and_masked_again(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    (tmp_path / "boat.md").write_text(f"# Boat\n\nThe key of the harbour is {KEY} by now.\n")
    import_into(tiny_library, [tmp_path / "boat.md"])
    retriever, findings = Retriever(notes.connection), CurationFindings(notes.connection)
    assert KEY not in words_in_index(retriever, notes)
    findings.undo("secrets")
    assert KEY in words_in_index(retriever, notes)
    assert retriever.find(KEY)
    findings.redo("secrets")
    rows = notes.connection.execute("SELECT text FROM passages_index")
    assert KEY not in "".join(row["text"] for row in rows)  # from then on, not from the next search
    assert "harbour" in words_in_index(retriever, notes)
    assert not retriever.find(KEY)


def test_decisions_about_one_note_leave_the_others_in_the_index(
    notes: Notes, retriever: Retriever
) -> None:
    def indexed() -> set[int]:
        rows = notes.connection.execute(
            "SELECT DISTINCT note_id FROM passages JOIN indexed ON passage_id = passages.id"
        )
        return {row["note_id"] for row in rows}

    before = indexed()
    found = leave_out(notes, "authorship", "Its lens")
    assert indexed() == before - {found}
    retriever.refresh()
    CurationFindings(notes.connection).undo("authorship")
    assert indexed() == before - {found}
