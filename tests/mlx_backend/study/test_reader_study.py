"""The study of models that read: order, resuming, deadlines, and being killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.sample_drafts import GENRES, Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import Yield, digest
from mlx_backend.study.by_model.reader import reader as reader_module
from mlx_backend.study.by_model.reader.genres import ALL, ROUNDS
from mlx_backend.study.reader_study import ReaderStudy, passages_to_study
from mlx_backend.study.study import StudyPlan, StudyProgress
from tests.mlx_backend.study import scripted_reader
from tests.mlx_backend.study.scripted_reader import LOADED, NAME, ScriptedReader

GROUP = 4
NUMBER = 10


@pytest.fixture
def passages(library: Library, notes: Notes, tmp_path: Path) -> list[Passage]:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(NUMBER):
        text = f"# Garden {i}\n\nThe {i}th plum tree was planted by Emil{i} in {1900 + i}.\n"
        (folder / f"garden{i}.md").write_text(text, encoding="utf-8")
    import_into(library, [folder])
    return list(notes.passages())


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedReader:
    made = ScriptedReader()
    monkeypatch.setattr(reader_module, "Completer", lambda _: made)
    monkeypatch.setattr(reader_module, "agreement", scripted_reader.agree)
    return made


Run = Callable[..., Yield]


@pytest.fixture
def study(notes: Notes, passages: list[Passage], scripted: ScriptedReader) -> Run:
    def run(
        stop: Callable[[], bool] = lambda: False,
        seconds: float | None = None,
        told: list[StudyProgress] | None = None,
        about: list[Passage] | None = None,
    ) -> Yield:
        deadline = None if seconds is None else time.time() + seconds
        heard: list[StudyProgress] = [] if told is None else told
        made = ReaderStudy(Samples(notes.connection), StudyPlan(deadline, 0), heard.append, stop)
        return made.run(about or passages, LOADED, lambda *_: 0)

    return run


def marks(notes: Notes) -> Counter[str]:
    """How many passages each genre is done with."""
    done = Samples(notes.connection).genres_studied(NAME)
    return Counter(genre for genres in done.values() for genre in genres)


def test_genres_have_the_names_that_the_library_knows() -> None:
    assert tuple(ALL) == GENRES or set(ALL) == set(GENRES)
    assert [genre.name for genre in ROUNDS[0]] == ["facts"]


def test_a_sample_says_what_it_asks_for_and_where_it_stands(notes: Notes, study: Run) -> None:
    found = study()
    assert found.used >= NUMBER
    kept = [sample for sample, _ in Samples(notes.connection).used()]
    assert {sample.writer for sample in kept} == {NAME}
    texts = {p.note_id: p.text for p in notes.passages()}
    for sample in kept:
        assert sample.kind == "facts"
        assert sample.quote in texts[sample.note_id]
        assert sample.key in sample.quote
        assert not sample.answer.startswith(sample.note_title)


def test_each_round_goes_over_all_passages_before_the_next(
    study: Run, scripted: ScriptedReader
) -> None:
    told: list[StudyProgress] = []
    study(told=told)
    order = [call for call in scripted.calls if call != "reading"]
    facts = order.count("facts")
    assert set(order[:facts]) == {"facts"}
    assert set(order) == {"facts", "why", "how", "details"}  # no passage has a list or amounts
    assert told[-1].done == told[-1].total == NUMBER
    assert all(progress.by_model for progress in told)


def test_what_was_studied_is_not_studied_again(
    notes: Notes, study: Run, scripted: ScriptedReader
) -> None:
    study()
    scripted.calls.clear()
    before = [tuple(row) for row in notes.connection.execute("SELECT id, prompt FROM samples")]
    told: list[StudyProgress] = []
    study(told=told)
    assert not told
    assert not scripted.calls
    assert before == [tuple(r) for r in notes.connection.execute("SELECT id, prompt FROM samples")]


def test_past_the_deadline_one_group_is_written_and_only_one(notes: Notes, study: Run) -> None:
    study(seconds=-1.0)
    assert marks(notes) == {"facts": GROUP}
    study(seconds=-1.0)
    assert marks(notes) == {"facts": GROUP}


def test_stopped_in_a_group_it_saves_nothing_of_it_and_goes_on_later(
    notes: Notes, study: Run, passages: list[Passage]
) -> None:
    asked = iter([False, False, True, True, True, True])
    study(stop=lambda: next(asked))
    assert not marks(notes)
    study()
    assert set(marks(notes).values()) == {NUMBER}
    assert passages_to_study(Samples(notes.connection), passages, NAME) == 0


def test_a_missing_genre_is_written_and_nothing_else(
    notes: Notes, study: Run, scripted: ScriptedReader
) -> None:
    study()
    scripted.calls.clear()
    notes.connection.execute("UPDATE studied SET genres = replace(genres, 'steps', '')")
    study()
    assert set(scripted.calls) == {"why", "how"}
    assert marks(notes)["steps"] == NUMBER


def test_what_an_older_version_wrote_under_the_same_name_is_studied_anew(
    notes: Notes, study: Run, passages: list[Passage]
) -> None:
    samples = Samples(notes.connection)
    old = Draft(kind="restated", prompt="Old?", answer="Old.", key="", quote="Old.")
    samples.save(NAME, [(each, [old]) for each in passages])
    assert passages_to_study(samples, passages, NAME) == NUMBER
    study()
    assert "Old?" not in {sample.prompt for sample, _ in samples.used()}
    assert passages_to_study(samples, passages, NAME) == 0


def test_what_the_person_left_out_is_not_written_again(notes: Notes, study: Run) -> None:
    study()
    samples = Samples(notes.connection)
    chosen = samples.used()[0][0]
    samples.choose(chosen.id, "drop")
    notes.connection.execute("UPDATE studied SET genres = ''")
    study()
    abouts = [sample.about for sample, _ in samples.used()]
    assert chosen.about not in abouts


def test_a_note_in_a_changed_passage_is_carried_over(
    library: Library, notes: Notes, study: Run, tmp_path: Path
) -> None:
    study()
    samples = Samples(notes.connection)
    (chosen,) = [s for s, _ in samples.used() if s.note_title == "Garden 3"][:1]
    samples.edit(chosen.id, "Who planted it?", "Emil did.")
    file = tmp_path / "many" / "garden3.md"
    file.write_text(f"{file.read_text()}\nIt bears fruit.\n", encoding="utf-8")
    import_into(library, [tmp_path / "many"])
    study(about=list(notes.passages()))
    places = {(p.note_id, digest(p)) for p in notes.passages()}
    (moved,) = [(s, place) for s, place in samples.used() if s.id == chosen.id]
    assert (moved[0].note_id, moved[1]) in places
    assert moved[0].answer == "Emil did."


def test_what_asks_about_two_notes_goes_with_either(
    notes: Notes, study: Run, passages: list[Passage]
) -> None:
    study()
    samples = Samples(notes.connection)
    one, other = passages[:2]
    both = Draft(
        kind="notes",
        prompt="Which trees?",
        answer="Both.",
        key="tree",
        quote="The tree",
        others=((other.note_id, digest(other)),),
    )
    samples.save(NAME, [(one, [both])], ["notes"])

    def there() -> list[tuple[int, ...]]:
        return [s.others for s, _ in samples.used() if s.kind == "notes"]

    assert there() == [(other.note_id,)]
    notes.connection.execute("UPDATE notes SET included = 0 WHERE id = ?", (other.note_id,))
    assert there() == []
    notes.connection.execute("UPDATE notes SET included = 1 WHERE id = ?", (other.note_id,))
    assert there() == [(other.note_id,)]
    samples.forget_old([(one.note_id, digest(one)), (other.note_id, b"another")])
    assert there() == []
    assert "notes" not in samples.genres_studied(NAME)[one.note_id, digest(one)]
    samples.save(NAME, [(one, [both])], ["notes"])
    notes.connection.execute("DELETE FROM notes WHERE id = ?", (other.note_id,))
    left = notes.connection.execute("SELECT count(*) FROM samples WHERE kind = 'notes'")
    assert left.fetchone()[0] == 0
    assert "notes" not in samples.genres_studied(NAME)[one.note_id, digest(one)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_any_moment_it_loses_one_group_at_most(
    library: Library, notes: Notes, passages: list[Passage], tmp_path: Path, seed: int
) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-m", scripted_reader.__name__, str(library.home), str(log), "0.05"]
    process = subprocess.Popen(command)
    while process.poll() is None and not log.exists():
        time.sleep(0.01)
    time.sleep(random.Random(seed).random())
    process.kill()
    process.wait()
    told = len(log.read_text().splitlines())
    done = Counter(marks(notes))
    saved = sum(-(-done[genres[0].name] // GROUP) for genres in ROUNDS)
    assert told <= saved <= told + 1
    for genres in ROUNDS:  # no round is half saved, and none is begun before the one before ended
        assert len({done[genre.name] for genre in genres}) == 1
    counts = [done[genres[0].name] for genres in ROUNDS]
    assert counts == sorted(counts, reverse=True)
    subprocess.run([*command[:-1], "0"], check=True)
    assert set(marks(notes).values()) == {NUMBER}
    prompts = [sample.prompt for sample, _ in Samples(notes.connection).used()]
    assert len(prompts) == len(set(prompts))
    assert passages_to_study(Samples(notes.connection), passages, NAME) == 0
    assert (
        database.connect(library.database).execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    )
