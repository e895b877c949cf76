from __future__ import annotations

import pytest

from mlx_backend.curation.curate import curate
from mlx_backend.library.curation_findings import CurationFindings
from mlx_backend.library.folder_decisions import FolderDecisions
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from tests.mlx_backend.curation.written import KEEPER, ROPE, ids, reason, save, statuses


def test_of_equal_texts_the_first_by_path_stays(notes: Notes) -> None:
    save(notes, {"/c.md": KEEPER, "/a.md": KEEPER, "/b.md": f"\n {KEEPER}\n\n", "/d.md": ROPE})
    outcome = curate(notes)
    assert statuses(notes) == {
        "/a.md": "new",
        "/b.md": "excluded",
        "/c.md": "excluded",
        "/d.md": "new",
    }
    assert outcome.left_out == {"duplicate": 2}
    found = reason(notes, "/b.md", "duplicate")
    assert found is not None
    assert found.stays == ids(notes)["/a.md"]
    assert found.sentence == "Its text is the same as that of “a.md”."


def test_the_text_of_a_duplicate_stays_in_the_library(notes: Notes) -> None:
    save(notes, {"/a.md": KEEPER, "/b.md": KEEPER})
    curate(notes)
    assert notes.text(ids(notes)["/b.md"]) == KEEPER
    assert {passage.note_title for passage in notes.passages()} == {"a.md"}


def test_when_the_note_that_stays_is_gone_another_takes_its_place(notes: Notes) -> None:
    save(notes, {"/a.md": KEEPER, "/b.md": KEEPER})
    curate(notes)
    notes.mark_gone([ids(notes)["/a.md"]])
    curate(notes)
    assert statuses(notes) == {"/a.md": "gone", "/b.md": "new"}


def test_a_draft_is_left_out_for_the_longer_note(notes: Notes) -> None:
    longer = f"{KEEPER} So says Ida."
    save(notes, {"/a/draft.md": KEEPER.replace("postcard", "letter"), "/b/final.md": longer})
    curate(notes)
    assert statuses(notes) == {"/a/draft.md": "excluded", "/b/final.md": "new"}
    found = reason(notes, "/a/draft.md", "near_duplicate")
    assert found is not None
    assert found.stays == ids(notes)["/b/final.md"]
    assert 0.9 <= (found.score or 0) < 1
    assert "percent of its wording, and every number, are also in “final.md”" in found.sentence


@pytest.mark.parametrize("filler", [KEEPER, f"{KEEPER} {ROPE}", KEEPER * 20])
def test_records_of_one_form_with_other_numbers_all_stay(notes: Notes, filler: str) -> None:
    save(notes, {f"/{n}.md": f"{filler} The meter stood at {1000 + n}." for n in range(5)})
    curate(notes)
    assert set(statuses(notes).values()) == {"new"}


def test_notes_that_share_a_half_all_stay(notes: Notes) -> None:
    other = " ".join(reversed(KEEPER.split()))
    save(notes, {"/a.md": f"{KEEPER} {ROPE}", "/b.md": f"{KEEPER} {other}", "/c.md": ROPE})
    curate(notes)
    assert set(statuses(notes).values()) == {"new"}


def test_each_note_left_out_is_near_to_one_that_stays(notes: Notes) -> None:
    words = (KEEPER + " " + ROPE).split()
    texts = {}
    for number in range(40):  # each differs from the one before it by a word
        words[number * 2] = "otherwise"
        texts[f"/{number:02}.md"] = " ".join(words)
    save(notes, texts)
    curate(notes)
    by_path = statuses(notes)
    paths = {note_id: path for path, note_id in ids(notes).items()}
    assert "excluded" in by_path.values()
    for path, status in by_path.items():
        found = reason(notes, path, "near_duplicate")
        assert (found is not None) == (status == "excluded")
        if found is not None and found.stays is not None:
            assert by_path[paths[found.stays]] == "new"


def test_many_copies_of_one_template_take_no_longer_than_other_notes(notes: Notes) -> None:
    # 2,000 notes in one group: comparing all would take 2,000,000 pairs.
    save(notes, {f"/{n}.md": f"{KEEPER} On day {n} all was well." for n in range(2000)})
    curate(notes)
    assert set(statuses(notes).values()) == {"new"}
    pairs = notes.connection.execute("SELECT count(*) FROM likenesses").fetchone()[0]
    assert pairs < 2000 * 200


def test_japanese_drafts_are_found(notes: Notes) -> None:
    text = (
        "灯台守のマルタは毎晩七時に明かりをともす。前の灯台守はオスカルで、娘が生まれたときに町へ移った。"
        * 1
    )
    longer = (
        text
        + "油は港の店で買う。店は船が着くと開き、船が出ると閉まる。静かな夜には鐘の音が聞こえる。"
    )
    save(notes, {"/a.md": longer, "/b.md": longer.replace("静かな", "暗い")})
    curate(notes)
    assert sorted(statuses(notes).values()) == ["excluded", "new"]


def test_a_copy_of_what_the_person_left_out_stays_out_too(notes: Notes) -> None:
    save(notes, {"/diary.md": KEEPER})
    curate(notes)
    NoteDecisions(notes.connection).decide([ids(notes)["/diary.md"]], included=False)
    save(notes, {"/a copy.md": KEEPER, "/z copy.md": KEEPER, "/rope.md": ROPE})
    curate(notes)
    both_out = {"/a copy.md": "excluded", "/z copy.md": "excluded", "/rope.md": "new"}
    assert statuses(notes) == both_out | {"/diary.md": "excluded"}
    found = reason(notes, "/a copy.md", "duplicate")
    assert found is not None
    assert found.sentence == "Its text is the same as that of “diary.md”, which you left out."
    # The same when the file of the note is gone.
    notes.mark_gone([ids(notes)["/diary.md"]])
    curate(notes)
    assert statuses(notes) == both_out | {"/diary.md": "gone"}


def test_the_person_may_use_the_copy_all_the_same(notes: Notes) -> None:
    save(notes, {"/diary.md": KEEPER})
    curate(notes)
    findings, diary = CurationFindings(notes.connection), ids(notes)["/diary.md"]
    decisions = NoteDecisions(notes.connection)
    decision = decisions.decide([diary], included=False)
    save(notes, {"/copy.md": KEEPER})
    curate(notes)
    findings.undo("duplicate", ids(notes)["/copy.md"])
    assert statuses(notes) == {"/copy.md": "new", "/diary.md": "excluded"}
    findings.redo("duplicate", ids(notes)["/copy.md"])
    decisions.take_back(decision)
    assert statuses(notes) == {"/copy.md": "excluded", "/diary.md": "new"}
    found = reason(notes, "/copy.md", "duplicate")
    assert found is not None
    assert found.sentence == "Its text is the same as that of “diary.md”."


def test_a_backup_that_is_left_out_takes_nothing_with_it(notes: Notes) -> None:
    near = KEEPER.replace("postcard", "letter")
    save(notes, {"/backup/a.md": KEEPER, "/notes/a.md": KEEPER})
    save(notes, {"/backup/b.md": f"{ROPE} {near} So says Ida.", "/notes/b.md": f"{ROPE} {near}"})
    curate(notes)
    decisions = FolderDecisions(notes.connection)
    decision = decisions.decide("/backup", included=False)
    curate(notes)
    used = {"/notes/a.md": "new", "/notes/b.md": "new"}
    unused = {"/backup/a.md": "excluded", "/backup/b.md": "excluded"}
    assert statuses(notes) == used | unused
    decisions.take_back(decision)
    curate(notes)
    assert sorted(statuses(notes).values()) == ["excluded", "excluded", "new", "new"]
