from __future__ import annotations

from mlx_backend.curation.boilerplate import NOTES_FOR_LONG, NOTES_FOR_SHORT
from mlx_backend.curation.curate import curate
from mlx_backend.library.curation_findings import CurationFindings
from mlx_backend.library.notes import Notes
from tests.mlx_backend.curation.written import ids, new_note, reason, save, statuses

SIGNATURE = (
    "This message is meant for its reader alone;\nwhoever else reads it may keep it to himself."
)
_DAYS = ["storm", "fog", "sunshine", "hail", "drizzle", "frost", "thaw", "calm", "gale", "snow"]


def mails(count: int, signature: str = SIGNATURE) -> dict[str, str]:
    return {
        f"/{n:02}.md": f"Report {n}: we had {_DAYS[n % 10]} at pier {n} today.\n\n{signature}\n"
        for n in range(count)
    }


def taught(notes: Notes) -> str:
    return "\n".join(passage.text for passage in notes.passages())


def test_a_signature_is_taught_once(notes: Notes) -> None:
    save(notes, mails(8))
    curate(notes)
    assert taught(notes).count("meant for its reader") == 1
    for number in range(8):
        assert f"Report {number}: we had" in taught(notes)
    assert set(statuses(notes).values()) == {"new"}


def test_its_place_is_shown_and_the_text_kept(notes: Notes) -> None:
    save(notes, mails(8))
    curate(notes)
    found = reason(notes, "/05.md", "boilerplate")
    assert found is not None
    text = notes.text(ids(notes)["/05.md"])
    assert text == mails(8)["/05.md"]
    assert [text[start:end] for start, end in found.spans] == [SIGNATURE]
    assert not found.leaves_out
    assert "“00.md”" in found.sentence
    assert reason(notes, "/00.md", "boilerplate") is None


def test_what_stands_in_a_few_notes_stays(notes: Notes) -> None:
    save(notes, mails(NOTES_FOR_LONG - 1))
    curate(notes)
    assert taught(notes).count("meant for its reader") == NOTES_FOR_LONG - 1


def test_short_lines_may_recur_more_often(notes: Notes) -> None:
    short = "What went well today?"
    save(notes, mails(NOTES_FOR_SHORT - 1, short))
    curate(notes)
    assert taught(notes).count(short) == NOTES_FOR_SHORT - 1
    save(notes, mails(NOTES_FOR_SHORT, short))
    curate(notes)
    assert taught(notes).count(short) == 1


def test_what_people_write_of_again_and_again_stays(notes: Notes) -> None:
    walk = "Went for a walk.\n\n- 1 cup of flour\n- 2 eggs, as always\n- a pinch of salt"
    save(notes, {f"/{n}.md": f"# Day {n}\n\n{walk}\n- {_DAYS[n % 10]} {n}\n" for n in range(30)})
    curate(notes)
    assert taught(notes).count("Went for a walk.") == 30
    assert taught(notes).count("1 cup of flour") == 30


def test_code_stays_however_often_it_recurs(notes: Notes) -> None:
    code = "```python\nimport os, sys, re, json, time, math, random, itertools\n```"
    save(notes, mails(30, code))
    curate(notes)
    assert taught(notes).count("itertools") == 30


def test_copies_of_a_whole_note_are_duplicates_not_boilerplate(notes: Notes) -> None:
    save(notes, {f"/{n}.md": mails(1)["/00.md"] for n in range(9)})
    assert curate(notes).left_out == {"duplicate": 8}
    assert taught(notes).count("meant for its reader") == 1


def test_undone_for_a_note_or_for_all(notes: Notes) -> None:
    save(notes, mails(8))
    curate(notes)
    findings = CurationFindings(notes.connection)
    findings.undo("boilerplate", ids(notes)["/05.md"])
    assert taught(notes).count("meant for its reader") == 2
    findings.undo("boilerplate")
    assert taught(notes).count("meant for its reader") == 8
    curate(notes)
    assert taught(notes).count("meant for its reader") == 8
    findings.redo("boilerplate")
    findings.redo("boilerplate", ids(notes)["/05.md"])
    assert taught(notes).count("meant for its reader") == 1


def test_a_passage_of_which_nothing_remains_is_none(notes: Notes) -> None:
    save(notes, {f"/{n}.md": f"# One\n\n{SIGNATURE}\n\n# Two\n\nPier {n}.\n" for n in range(6)})
    curate(notes)
    assert all(passage.text for passage in notes.passages())
    assert len(list(notes.passages())) == 7


def test_places_in_an_old_text_do_not_cut_a_new_one(notes: Notes) -> None:
    save(notes, mails(8))
    curate(notes)
    changed = (
        "Now the pier is closed, and there is nothing more to report from it until the spring."
    )
    notes.save([new_note("/05.md", changed)])
    assert changed in taught(notes)
    curate(notes)
    assert changed in taught(notes)
