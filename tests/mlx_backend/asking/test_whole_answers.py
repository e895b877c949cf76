"""Answers from help notes, as a person asks for them: whole, and word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.asking.grounding import ground
from mlx_backend.asking.quoting import Quoted, evidence, quote
from mlx_backend.asking.quoting.surroundings import notes_around
from mlx_backend.asking.retrieval import Retriever
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import Turn
from tests.mlx_backend.asking.judged import by_words

_HELP = Path(__file__).parent / "help_notes"


@pytest.fixture
def retriever(tiny_library: Library, notes: Notes, monkeypatch: pytest.MonkeyPatch) -> Retriever:
    monkeypatch.setattr(evidence, "likelihoods_after", by_words)
    import_into(tiny_library, [_HELP])
    retriever = Retriever(notes.connection)
    retriever.refresh()
    return retriever


def answered(retriever: Retriever, question: str) -> Quoted | None:
    passages = ground(retriever, [Turn(role="user", text=question)]).passages
    return quote(None, question, passages, notes_around(retriever.connection))  # type: ignore[arg-type]


def words(retriever: Retriever, question: str) -> str:
    found = answered(retriever, question)
    return found.words if found else ""


STEPS = """To make a new empty box:

1. Open the **Boxes** menu.
2. Choose *New box*:
    - On a phone, it is behind the three dots.
    - On a computer, it is at the top.
3. Type a name, for example `sketches`.
4. Press **Create**."""

FORMATS = """Lantern opens these kinds of drawings:

- Vector drawings: `svg`, `eps`
- Photographs:
    - `jpg`
    - `heic`, on a Mac only
- Scans: `tiff`"""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How do I make a new box?", STEPS),
        ("How to type a name for a new box?", STEPS),
        ("Which kinds of drawings does Lantern open?", FORMATS),
        ("What are the kinds of drawings that Lantern opens?", FORMATS),
    ],
)
def test_steps_and_lists_come_whole_with_what_leads_in_to_them(
    retriever: Retriever, question: str, answer: str
) -> None:
    assert words(retriever, question) == answer


def test_a_heading_answers_with_what_stands_below_it(retriever: Retriever) -> None:
    found = words(retriever, "How do I move a box?")
    assert "```bash\nlantern move ~/old ~/new\nlantern check ~/new\n```" in found
    assert "Close the box before you move it." in found
    assert "Forget" not in found


def test_how_much_gets_the_row_of_a_table_with_its_column_heads(retriever: Retriever) -> None:
    assert words(retriever, "How much is the price of the add-on for tiff?").splitlines() == [
        "| Format | Longest side | Price of the add-on |",
        "|--------|--------------|---------------------|",
        "| tiff   | 12,000 px    | 14 euros            |",
    ]


def test_a_pronoun_brings_the_sentence_that_it_leans_on(retriever: Retriever) -> None:
    found = words(retriever, "When is it written anew?")
    assert found == (
        "Lantern keeps an index beside the drawings."
        " It is written anew when you open the box again."
    )


def test_why_brings_the_reason_that_follows(retriever: Retriever) -> None:
    assert words(retriever, "Why do drawings look pale on old screens?") == (
        "Drawings look pale on old screens. This is because old screens show fewer colours."
    )


def test_an_item_alone_has_what_is_indented_below_it(retriever: Retriever) -> None:
    assert words(retriever, "What about photographs?") == (
        "- Photographs:\n    - `jpg`\n    - `heic`, on a Mac only"
    )


def test_notes_that_contradict_each_other_are_both_shown_the_newest_first(
    retriever: Retriever,
) -> None:
    found = answered(retriever, "After how many minutes is a box locked?")
    assert found is not None
    assert [citation.title for citation in found.citations] == ["What is new", "Boxes"]
    assert found.text == (
        "The notes do not agree:\n\n"
        "**What is new** (20 January 2025)\n\n"
        "A box is locked after 30 minutes without a key press.\n\n"
        "**Boxes** (2 March 2024)\n\n"
        "A box is locked after 15 minutes without a key press."
    )
    assert not found.words  # it is no quote of one note


def test_two_things_that_are_compared_come_from_where_each_is_told(
    tiny_library: Library, retriever: Retriever, tmp_path: Path
) -> None:
    (tmp_path / "Oak.md").write_text("# Oak\n\nThe oak table has room for eight people.\n")
    (tmp_path / "Pine.md").write_text("# Pine\n\nThe pine table has room for four people.\n")
    import_into(tiny_library, [tmp_path])
    retriever.refresh()
    found = answered(retriever, "Compare the tables of oak and pine")
    assert found is not None
    assert [citation.title for citation in found.citations] == ["Oak", "Pine"]
    assert "**Oak**\n\nThe oak table has room for eight people." in found.text
    assert "**Pine**\n\nThe pine table has room for four people." in found.text


@pytest.mark.parametrize(
    "question",
    [
        "How do I make a new box?",
        "Which kinds of drawings does Lantern open?",
        "How do I move a box?",
        "How much is the price of the add-on for tiff?",
        "When is it written anew?",
    ],
)
def test_what_is_quoted_is_in_the_note_where_its_citation_points(
    retriever: Retriever, question: str
) -> None:
    found = answered(retriever, question)
    assert found is not None
    (citation,) = found.citations
    text = Notes(retriever.connection).text(citation.note)
    cited = text[citation.start : citation.end]
    lines = found.words.splitlines()
    assert all(line in cited for line in lines)
    assert cited.startswith(lines[0])
    assert cited.endswith(lines[-1])
