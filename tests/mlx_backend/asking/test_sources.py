from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mlx_backend.asking.grounding import Reader, citations_of, ground_reader
from mlx_backend.asking.retrieval import Retriever
from mlx_backend.asking.sources import JoinedSource, joined, room_for_notes
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import Turn

PADDING = " ".join(["The wind came from the west and the tide was low all morning."] * 5)
SECTIONS = {
    "Keeper": "Marta keeps the lamp of the Amber lighthouse.",
    "Oil": "Fourteen litres of oil burn in a week.",
    "Lens": "The lens came from Bergen by boat.",
    "Fog": "In fog the horn sounds twice a minute.",
    "Boat": "The red boat lies on the slip behind.",
}
LONG = "# Lighthouse\n\n" + "\n\n".join(
    f"## {heading}\n\n{text} {PADDING}" for heading, text in SECTIONS.items()
)


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@pytest.fixture
def retriever(tiny_library: Library, notes: Notes, tmp_path: Path) -> Retriever:
    folder = tmp_path / "vault"
    folder.mkdir()
    (folder / "long.md").write_text(LONG, encoding="utf-8")
    (folder / "inn.md").write_text("# Inn\n\nThe inn has a lens in its window too.\n")
    import_into(tiny_library, [folder])
    return Retriever(notes.connection)


def read(retriever: Retriever, question: str, words: int) -> list[JoinedSource]:
    return joined(retriever, retriever.find(question, 8), words, count)


def test_neighbours_are_joined_in_the_notes_order(retriever: Retriever) -> None:
    (best, *_) = read(retriever, "Which lens came from Bergen?", 250)
    assert best.title == "Lighthouse"
    texts = [SECTIONS[heading] for heading in ("Oil", "Lens", "Fog")]
    places = [best.text.index(text) for text in texts]
    assert places == sorted(places)
    assert best.text.count(SECTIONS["Lens"]) == 1
    assert "\nThe lens came" in best.text
    assert best.text.splitlines()[0] == "Oil"  # the heading that it stands under


def test_what_was_found_comes_before_what_stands_around_it(retriever: Retriever) -> None:
    sources = read(retriever, "Which lens came from Bergen?", 90)
    assert [each.title for each in sources] == ["Lighthouse", "Inn"]
    assert [len(each.passages) for each in sources] == [1, 1]


def test_there_is_always_one_passage(retriever: Retriever) -> None:
    (only,) = read(retriever, "Which lens came from Bergen?", 0)
    assert SECTIONS["Lens"] in only.text


def test_a_gap_is_shown(retriever: Retriever) -> None:
    found = retriever.find("Amber lamp; red boat on the slip", 2)
    assert {p.heading for p in found} == {"Lighthouse › Keeper", "Lighthouse › Boat"}
    (only,) = joined(retriever, found, 180, count)
    assert "\n\n…\n\n" in only.text
    assert only.text.index("Marta") < only.text.index("red boat")


def test_an_answer_cites_its_passage_within_a_source(retriever: Retriever) -> None:
    sources = read(retriever, "Which lens came from Bergen?", 400)
    (citation,) = citations_of("The horn sounds twice a minute. [1]", sources)
    shown = retriever.find("horn fog")[0]
    assert (citation.start, citation.end) == (shown.start, shown.end)
    both = "Fourteen litres of oil burn in a week, and in fog the horn sounds twice a minute."
    assert len(citations_of(both, sources)) == 2
    assert [c.title for c in citations_of("An inn with a window has it. [2]", sources)] == ["Inn"]


def test_less_is_read_until_the_prompt_fits(retriever: Retriever) -> None:
    turns = [Turn(role="user", text="Which lens came from Bergen?")]
    roomy = ground_reader(retriever, turns, Reader(400, count, lambda _: True))
    limit = len(roomy.turns[-1].text) - 1
    tight = ground_reader(retriever, turns, Reader(400, count, lambda text: len(text) <= limit))
    assert SECTIONS["Lens"] in tight.turns[-1].text
    assert len(tight.turns[-1].text) <= limit
    none = ground_reader(retriever, turns, Reader(400, count, lambda _: False))
    assert none.crowded_out
    assert none.turns == tuple(turns)


def test_the_room_follows_the_window_and_the_machine() -> None:
    assert room_for_notes(2048, has_gpu=True) == 512
    assert room_for_notes(512, has_gpu=False) == 128
    assert room_for_notes(131_072, has_gpu=False) < room_for_notes(131_072, has_gpu=True) <= 3000


def test_a_note_deleted_between_search_and_reading_is_left_out(
    retriever: Retriever, notes: Notes
) -> None:
    found = retriever.find("Which lens came from Bergen?", 8)
    notes.connection.execute("DELETE FROM notes WHERE title = 'Lighthouse'")
    sources = joined(retriever, found[:1], 400, count)
    assert [each.passages for each in sources] == [tuple(found[:1])]  # without neighbours
