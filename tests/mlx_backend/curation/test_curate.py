from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend import locks
from mlx_backend.curation import pending
from mlx_backend.curation.curate import _look_at, curate
from mlx_backend.curation.curation_tables import CurationTables
from mlx_backend.curation.language import load as load_languages
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library, database
from mlx_backend.library.bin import Bin
from mlx_backend.library.curation_findings import CurationFindings
from mlx_backend.library.languages import Languages
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.library.voices import Voice
from tests.mlx_backend.curation.written import (
    KEEPER,
    ROPE,
    everything,
    ids,
    new_note,
    reason,
    save,
    statuses,
)

TIL = Path(__file__).parents[4] / "shared" / "notes" / "til"
LOG = "\n".join(f"2026-03-01 10:22:{n:02},513 INFO lamp: burning" for n in range(30))
LOG_OF_ANOTHER_DAY = LOG.replace("2026-03-01", "2031-03-01")


def test_a_note_has_its_quality_and_language(notes: Notes) -> None:
    save(notes, {"/a.md": KEEPER})
    curate(notes)
    language, quality = reason(notes, "/a.md", "language"), reason(notes, "/a.md", "quality")
    assert language is not None
    assert (language.value, language.sentence) == ("en", "It is written in English.")
    assert quality is not None
    assert (quality.score, quality.sentence) == (1.0, "Nothing speaks against it.")
    assert [each.name for each in Languages(notes.connection).all()] == ["English"]


def test_how_much_of_a_note_the_person_wrote(notes: Notes) -> None:
    end = len(ROPE)
    both_voices = (
        Voice("Emil", 0, 0, end, own=True),
        Voice("Ida", end, end, end + len(KEEPER), own=False),
    )
    notes.save(
        [
            new_note("/mine.md", ROPE),
            new_note("/both.md", ROPE + KEEPER, voices=both_voices),
            new_note("/theirs.md", KEEPER, voices=(Voice("Ida", 0, 0, len(KEEPER), own=False),)),
        ]
    )
    curate(notes)
    assert reason(notes, "/mine.md", "authorship") is None
    both, theirs = (
        reason(notes, "/both.md", "authorship"),
        reason(notes, "/theirs.md", "authorship"),
    )
    assert both is not None
    assert theirs is not None
    assert both.score == pytest.approx(len(ROPE) / len(ROPE + KEEPER), abs=0.001)
    assert both.spans == ((end, end + len(KEEPER)),)
    assert (theirs.score, theirs.spans, theirs.leaves_out) == (0, (), False)


def test_junk_is_excluded_and_says_why(notes: Notes) -> None:
    save(notes, {"/a.md": KEEPER, "/log.md": LOG})
    assert curate(notes).left_out == {"quality": 1}
    assert statuses(notes) == {"/a.md": "new", "/log.md": "excluded"}
    found = reason(notes, "/log.md", "quality")
    assert found is not None
    assert found.leaves_out
    assert "100 percent of it is lines of a log." in found.sentence
    assert notes.totals().notes == 1


def test_the_person_decides(notes: Notes) -> None:
    save(notes, {"/a.md": KEEPER, "/copy.md": KEEPER, "/log.md": LOG, "/rope.md": ROPE})
    curate(notes)
    decisions = NoteDecisions(notes.connection)
    decisions.decide([ids(notes)["/log.md"], ids(notes)["/copy.md"]], included=True)
    decisions.decide([ids(notes)["/rope.md"]], included=False)
    chosen = {"/a.md": "new", "/copy.md": "new", "/log.md": "new", "/rope.md": "excluded"}
    curate(notes)
    assert statuses(notes) == chosen
    # The same after the notes are imported again, unchanged and changed.
    save(notes, {"/log.md": LOG, "/copy.md": KEEPER, "/rope.md": ROPE})
    curate(notes)
    assert statuses(notes) == chosen
    save(notes, {"/log.md": LOG_OF_ANOTHER_DAY, "/copy.md": KEEPER[:-1], "/rope.md": ROPE + "!"})
    curate(notes)
    assert statuses(notes) == chosen
    # The same after everything is analysed anew.
    notes.connection.execute("UPDATE curated SET version = 0")
    curate(notes)
    assert statuses(notes) == chosen


def test_a_choice_can_be_taken_back(notes: Notes) -> None:
    save(notes, {"/a.md": KEEPER, "/log.md": LOG})
    curate(notes)
    findings, log = CurationFindings(notes.connection), ids(notes)["/log.md"]
    assert findings.choice(log) is None
    decisions = NoteDecisions(notes.connection)
    decision = decisions.decide([log], included=True)
    assert findings.choice(log) is True
    decisions.take_back(decision)
    assert findings.choice(log) is None
    assert statuses(notes)["/log.md"] == "excluded"


def test_what_was_excluded_before_there_was_curation_is_the_persons_choice(tmp_path: Path) -> None:
    notes = Notes(database.connect(tmp_path / "library.sqlite"))
    save(notes, {"/a.md": KEEPER})
    db = notes.connection
    db.execute("UPDATE notes SET included = 0")
    script = Path(database.__file__).with_name("migrations") / "0003_curation.sql"
    choices = next(s for s in script.read_text().split(";\n") if "INSERT INTO choices" in s)
    db.execute(choices)
    curate(notes)
    assert statuses(notes) == {"/a.md": "excluded"}


def test_a_step_can_be_undone(notes: Notes) -> None:
    save(
        notes, {"/a.md": KEEPER, "/copy.md": KEEPER, "/log.md": LOG, "/log2.md": LOG_OF_ANOTHER_DAY}
    )
    curate(notes)
    findings = CurationFindings(notes.connection)
    findings.undo("quality", ids(notes)["/log.md"])
    assert statuses(notes)["/log.md"] == "new"
    assert statuses(notes)["/log2.md"] == "excluded"
    findings.undo("quality")
    findings.undo("quality")
    assert statuses(notes)["/log2.md"] == "new"
    assert findings.undone_steps() == {"quality"}
    found = reason(notes, "/log2.md", "quality")
    assert found is not None
    assert found.undone
    curate(notes)
    assert statuses(notes)["/log2.md"] == "new"
    assert statuses(notes)["/copy.md"] == "excluded"
    findings.redo("quality")
    assert statuses(notes)["/log2.md"] == "excluded"
    assert statuses(notes)["/log.md"] == "new"


def test_only_what_changed_is_looked_at(notes: Notes) -> None:
    save(notes, {"/a.md": KEEPER, "/b.md": ROPE})
    assert curate(notes).looked_at == 2
    assert curate(notes).looked_at == 0
    save(notes, {"/a.md": KEEPER, "/b.md": ROPE + " Not on Sundays.", "/c.md": LOG})
    assert curate(notes).looked_at == 2
    notes.mark_gone([ids(notes)["/a.md"]])
    assert curate(notes).looked_at == 0


def test_better_steps_look_at_everything_again(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(notes, {"/a.md": KEEPER})
    curate(notes)
    monkeypatch.setattr("mlx_backend.curation.pending.VERSION", pending.VERSION + 1)
    assert curate(notes).looked_at == 1
    assert curate(notes).looked_at == 0


def test_progress_and_stop(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlx_backend.curation.curation_tables._MOST_NOTES", 2)
    save(notes, {f"/{n}.md": f"{KEEPER} {n}" for n in range(5)} | {"/6.md": LOG})
    heard: list[tuple[int, int]] = []
    outcome = curate(notes, lambda *call: heard.append(call), lambda: len(heard) == 2)
    assert (outcome.stopped, outcome.looked_at) == (True, 4)
    outcome = curate(notes, lambda *call: heard.append(call))
    assert (outcome.stopped, outcome.looked_at) == (False, 2)
    assert heard == [(0, 6), (2, 6), (0, 2), (2, 2)]
    assert statuses(notes)["/6.md"] == "excluded"


def test_one_curation_waits_for_another(
    library: Library, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("mlx_backend.curation.curate")
    monkeypatch.setattr(module, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.0)
    save(notes, {"/a.md": KEEPER})
    with locks.held(library.home / "curation.lock"):
        with pytest.raises(OvernightError) as caught:
            curate(notes)
        assert caught.value.kind is ErrorKind.BUSY
        outcome = curate(notes, stop_requested=lambda: True)
        assert (outcome.stopped, outcome.looked_at) == (True, 0)
    assert curate(notes).looked_at == 1


def change_text(other: Notes) -> None:
    save(other, {"/a.md": ROPE})


def change_and_curate(other: Notes) -> None:
    save(other, {"/a.md": ROPE})
    store = CurationTables(other)
    _look_at([store.read(ids(other)["/a.md"])], store, load_languages())


def change_gone(other: Notes) -> None:
    other.mark_gone([ids(other)["/a.md"]])


@pytest.mark.parametrize("change", [change_text, change_and_curate, change_gone])
@pytest.mark.parametrize(
    "step", ["duplicates.find_duplicates", "near_duplicates.compare", "boilerplate.find_repeated"]
)
@pytest.mark.parametrize("is_compared_before", [False, True])
def test_what_changes_while_notes_are_compared_is_compared_again(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Notes], None],
    step: str,
    is_compared_before: bool,
) -> None:
    notes, other = (Notes(database.connect(library.database)) for _ in range(2))
    save(notes, {"/a.md": KEEPER, "/b.md": KEEPER + " Then all was still."})
    if is_compared_before:
        curate(notes)
    save(notes, {"/copy.md": KEEPER, "/near.md": KEEPER + " Then all was quiet."})
    target = f"mlx_backend.curation.{step}"
    original: Callable[..., object] = getattr(*_place(target))

    def changing(*arguments: object) -> object:
        monkeypatch.undo()
        found = original(*arguments)
        change(other)
        return found

    monkeypatch.setattr(target, changing)
    curate(notes)
    assert pending.is_due(notes.connection)
    curate(notes)
    assert not pending.is_due(notes.connection)
    fresh = Notes(database.connect(Library.open(tmp_path / "fresh").database))
    there = [s for s in notes.summaries() if s.status != "gone"]
    fresh.save(new_note(s.path, notes.text(s.id), s.title) for s in there)
    curate(fresh)
    assert everything(notes) == everything(fresh)


def _place(target: str) -> tuple[object, str]:
    module, _, name = target.rpartition(".")
    return importlib.import_module(module), name


def test_a_comparison_that_was_cut_short_is_made_again(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(notes, {"/a.md": KEEPER, "/copy.md": KEEPER})
    with monkeypatch.context() as patch:
        patch.setattr("mlx_backend.curation.boilerplate.find_repeated", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            curate(notes)
    assert pending.is_due(notes.connection)
    curate(notes)
    assert statuses(notes) == {"/a.md": "new", "/copy.md": "excluded"}


def test_what_only_earlier_steps_found_is_forgotten(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = KEEPER + " The password is Kx9-Tulip-42."
    said = (Voice("Ida", 0, 0, len(secret), own=False),)
    notes.save([new_note("/a.md", secret, voices=said), new_note("/b.md", secret + " Yes.")])
    curate(notes)
    assert reason(notes, "/a.md", "secrets") is not None
    near = CurationFindings(notes.connection).counts().get("near_duplicate")
    assert near == 1
    monkeypatch.setattr("mlx_backend.curation.pending.VERSION", pending.VERSION + 1)
    monkeypatch.setattr("mlx_backend.curation.note_analysis.scan_note", lambda _: [])
    monkeypatch.setattr("mlx_backend.library.own_names.authorship", lambda *_: None)
    monkeypatch.setattr("mlx_backend.curation.near_duplicates.compare", lambda *_: (0.0, 0.0))
    curate(notes)
    for step in ("secrets", "authorship", "near_duplicate"):
        assert reason(notes, "/a.md", step) is None
        assert reason(notes, "/b.md", step) is None
    assert reason(notes, "/a.md", "quality") is not None


def edit(draw: random.Random, notes: Notes) -> None:
    """The changes that an import may bring: added, changed, copied, moved, lost and found notes."""
    words = KEEPER.split()
    path = f"/{draw.randint(0, 30):02}.md"
    known = ids(notes)
    match draw.randint(0, 5):
        case 0:
            save(notes, {path: f"{ROPE}\n\n{' '.join(draw.sample(words, 40))}"})
        case 1:
            words[draw.randrange(len(words))] = "otherwise"
            save(notes, {path: " ".join(words)})
        case 2:
            save(notes, {path: KEEPER + "." * draw.randint(0, 2)})
        case 3:
            save(notes, {path: draw.choice([LOG, "todo", "", ROPE + " " + KEEPER])})
        case 4 if known:
            notes.mark_gone([draw.choice(list(known.values()))])
        case 5 if known:
            old, new = draw.choice(list(known)), f"/moved/{draw.random()}.md"
            notes.connection.execute("UPDATE notes SET path = ? WHERE path = ?", (new, old))


@pytest.mark.parametrize("seed", range(4))
def test_curating_after_each_change_is_curating_all_anew(
    notes: Notes, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    for _ in range(20):
        for _ in range(draw.randint(1, 6)):
            edit(draw, notes)
        curate(notes)
    fresh = Notes(database.connect(Library.open(tmp_path / "fresh").database))
    there = [s for s in notes.summaries() if s.status != "gone"]
    draw.shuffle(there)
    fresh.save(new_note(s.path, notes.text(s.id), s.title) for s in there)
    curate(fresh)
    assert everything(fresh) == everything(notes)
    # The changes under test did occur.
    assert "excluded" in {s.status for s in there}


@pytest.mark.skipif(not TIL.is_dir(), reason="needs the collection of notes beside the checkout")
def test_of_a_collection_of_good_notes_nearly_all_stay(notes: Notes) -> None:
    texts = {str(path): path.read_text(encoding="utf-8") for path in sorted(TIL.rglob("*.md"))}
    save(notes, texts)
    curate(notes)
    left_out = [path for path, status in statuses(notes).items() if status == "excluded"]
    assert len(left_out) <= len(texts) / 500


def test_a_note_that_is_deleted_while_it_is_looked_at(
    library: Library, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(notes, {"/a.md": KEEPER, "/b.md": KEEPER})
    listed = pending.outdated(notes.connection)
    items = Bin(library, notes.connection).delete_notes([listed[0]])
    with monkeypatch.context() as late:
        late.setattr(pending, "outdated", lambda _: listed)
        curate(notes)
    assert statuses(notes) == {"/b.md": "new"}
    Bin(library, notes.connection).restore(items[0].id)
    curate(notes)
    assert sorted(statuses(notes).values()) == ["excluded", "new"]


def test_a_decision_is_taken_back_though_its_note_was_deleted(
    library: Library, notes: Notes
) -> None:
    save(notes, {"/a.md": KEEPER, "/b.md": ROPE})
    one, other = (note.id for note in notes.summaries())
    NoteDecisions(notes.connection).decide([one], included=False)
    decision = NoteDecisions(notes.connection).decide([one, other], included=True)
    Bin(library, notes.connection).delete_notes([one])
    NoteDecisions(notes.connection).take_back(decision)
    CurationFindings(notes.connection).undo("quality", one)
    assert statuses(notes) == {"/b.md": "new"}
