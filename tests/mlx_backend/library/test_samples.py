from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.sample_browsing import Group, SampleBrowsing, SampleFilter
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample, Yield, digest


def draft(prompt: str, dropped: str = "") -> Draft:
    return Draft(kind="name", prompt=prompt, answer="A: b.", key="b", quote="b.", dropped=dropped)


@pytest.fixture
def passages(filled_library: Library, notes: Notes) -> list[Passage]:
    return list(notes.passages())


@pytest.fixture
def samples(notes: Notes, passages: list[Passage]) -> Samples:
    found = Samples(notes.connection)
    found.save("rules", [(passages[0], [draft("Who?"), draft("What?", "like another one")])])
    return found


@pytest.fixture
def browsing(notes: Notes, samples: Samples) -> SampleBrowsing:
    return SampleBrowsing(notes.connection)


def listed(
    browsing: SampleBrowsing, search: str = "", group: Group | None = None
) -> list[StoredSample]:
    ids = browsing.ids(SampleFilter(search, group))
    rows = browsing.rows(ids)
    return [rows[number] for number in ids]


@pytest.mark.parametrize("search", ["MÜLLER", "müller", "muller", "STRASSE mu", "straße"])
def test_search_knows_a_word_in_any_letters(
    samples: Samples, browsing: SampleBrowsing, passages: list[Passage], search: str
) -> None:
    prompt = "Who lives with Müller in the Straße?"
    samples.save("rules", [(passages[1], [draft(prompt)])])
    assert [sample.prompt for sample in listed(browsing, search)] == [prompt]


def test_search_leaves_plain_letters_to_sqlite(
    samples: Samples, browsing: SampleBrowsing, notes: Notes
) -> None:
    """100,000 samples are searched while the person types."""
    asked: list[str] = []

    def fold(text: str) -> str:
        asked.append(text)
        return text

    notes.connection.create_function("folded", 1, fold)
    assert len(listed(browsing, "WHO")) == 1
    assert not listed(browsing, "wer müller")
    assert not asked


def test_what_is_kept_is_used_and_the_rest_is_told(
    samples: Samples, browsing: SampleBrowsing
) -> None:
    assert [sample.prompt for sample, _ in samples.used()] == ["Who?"]
    found = samples.yielded()
    assert (found.written, found.used) == (2, 1)
    assert found.dropped == {"like another one": 1}
    assert [sample.prompt for sample in listed(browsing, group="dropped")] == ["What?"]


def test_samples_of_a_note_that_is_left_out_are_no_yield(
    notes: Notes, samples: Samples, passages: list[Passage]
) -> None:
    NoteDecisions(notes.connection).decide([passages[0].note_id], included=False)
    assert samples.yielded() == Yield(written=0, used=0, dropped={})


def test_the_person_decides_before_the_filters(samples: Samples, browsing: SampleBrowsing) -> None:
    kept, dropped = listed(browsing)
    samples.choose(kept.id, "drop")
    samples.choose(dropped.id, "keep")
    assert [sample.prompt for sample, _ in samples.used()] == ["What?"]
    samples.choose(kept.id, "")
    samples.edit(dropped.id, " How? ", "A: c.")
    assert [(s.prompt, s.answer) for s, _ in samples.used()] == [
        ("Who?", "A: b."),
        ("How?", "A: c."),
    ]


def test_writing_again_leaves_what_the_person_changed(
    samples: Samples, browsing: SampleBrowsing, passages: list[Passage]
) -> None:
    samples.edit(listed(browsing)[0].id, "Mine?", "A: mine.")
    new = msgspec.structs.replace(draft("New?"), key="c")
    samples.save("rules", [(passages[0], [draft("Who?"), new])])
    assert {sample.prompt for sample, _ in samples.used()} == {"Mine?", "New?"}


def test_what_the_person_left_out_does_not_come_back(
    samples: Samples, browsing: SampleBrowsing, passages: list[Passage]
) -> None:
    samples.choose(listed(browsing)[0].id, "drop")
    samples.save("rules", [(passages[0], [draft("Who?")])])
    assert samples.used() == []


def test_a_passage_is_studied_once_and_again_when_it_changed(
    filled_library: Library, notes: Notes, notes_folder: Path, samples: Samples,
    passages: list[Passage],
) -> None:  # fmt: skip
    def imported() -> set[tuple[int, bytes]]:
        import_into(filled_library, [notes_folder])
        return {(passage.note_id, digest(passage)) for passage in notes.passages()}

    first = passages[0]
    place = first.note_id, digest(first)
    assert samples.studied("rules") == {place}
    (notes_folder / "shop" / "rope.md").write_text("Rope costs 4 crowns by now.\n")
    assert place in imported()  # another note's change is none of this one
    path = notes_folder / "garden.txt"
    path.write_text(path.read_text() + "\n\nA new end of it all.\n")
    present = imported()
    assert first.note_id in {note_id for note_id, _ in present}
    assert not samples.studied("rules") & present
    assert samples.used()
    samples.forget_old(present)
    assert samples.used() == []
    assert samples.studied("rules") == set()


def test_what_a_note_left_out_has_is_not_kept(
    samples: Samples, browsing: SampleBrowsing, notes: Notes
) -> None:
    (kept,) = listed(browsing, group="kept")
    assert browsing.overview().kept == 1
    NoteDecisions(notes.connection).decide([kept.note_id], included=False)
    assert listed(browsing, group="kept") == []
    assert len(listed(browsing, group="dropped")) == 2
    assert (browsing.overview().written, browsing.overview().kept) == (2, 0)
    assert not any(sample.is_trained for sample in listed(browsing))
    NoteDecisions(notes.connection).decide([kept.note_id], included=True)
    assert listed(browsing, group="kept") == [kept]


def test_to_change_a_sample_that_is_gone_is_a_typed_error(samples: Samples) -> None:
    with pytest.raises(OvernightError) as edited:
        samples.edit(999, "Who?", "Me.")
    with pytest.raises(OvernightError) as chosen:
        samples.choose(999, "drop")
    for caught in (edited, chosen):
        assert caught.value.kind is ErrorKind.BAD_INPUT
        assert caught.value.hint


@pytest.mark.parametrize(
    ("search", "found"),
    [("%", 0), ("_", 0), ("\\", 0), ("'", 0), ('"', 0), ("who what", 0), ("who", 1), ("", 2)],
)
def test_a_search_takes_every_sign_as_it_is(
    browsing: SampleBrowsing, search: str, found: int
) -> None:
    assert len(listed(browsing, search)) == found


def test_a_deleted_sample_is_not_written_again_nor_what_it_is_about_taught(
    library: Library, notes: Notes, samples: Samples, passages: list[Passage]
) -> None:
    bin_ = Bin(library, notes.connection)
    there = samples.of_passage(passages[0].note_id, digest(passages[0]))
    items = bin_.delete_samples(sample.id for sample in there)
    samples.save("rules", [(passages[0], [draft("Who?")])])
    assert samples.of_passage(passages[0].note_id, digest(passages[0])) == []
    assert {(s.about, passage) for s, passage in samples.left_out()} == {
        (there[0].about, digest(passages[0]))
    }
    bin_.restore_all(item.id for item in items)
    assert samples.of_passage(passages[0].note_id, digest(passages[0])) == there
    assert samples.left_out() == []


def test_nothing_is_written_about_a_note_that_was_deleted_meanwhile(
    library: Library, notes: Notes, samples: Samples, passages: list[Passage]
) -> None:
    other = next(p for p in passages if p.note_id != passages[0].note_id)
    (item,) = Bin(library, notes.connection).delete_notes([passages[0].note_id])
    samples.save("rules", [(passages[0], [draft("Who?")]), (other, [draft("Whose?")])])
    assert [sample.prompt for sample, _ in samples.used()] == ["Whose?"]
    Bin(library, notes.connection).restore(item.id)
    assert [sample.prompt for sample, _ in samples.used()] == ["Who?", "Whose?"]


def test_nothing_is_written_that_tells_of_another_note_that_was_deleted_meanwhile(
    library: Library, notes: Notes, samples: Samples, passages: list[Passage]
) -> None:
    other = next(p for p in passages if p.note_id != passages[0].note_id)
    of_both = msgspec.structs.replace(draft("Which?"), others=((other.note_id, digest(other)),))
    Bin(library, notes.connection).delete_notes([other.note_id])
    samples.save("reader", [(passages[0], [of_both, draft("Whose?")])])
    rows = notes.connection.execute("SELECT prompt FROM samples WHERE writer = 'reader'")
    assert [row["prompt"] for row in rows] == ["Whose?"]
