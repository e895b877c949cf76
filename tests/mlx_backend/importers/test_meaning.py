from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlx_backend.importers import meaning
from mlx_backend.importers.importing import import_into
from mlx_backend.importers.meaning import compute_missing, start_if_due
from mlx_backend.library import Library, database
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.library.passage_vectors import PassageVectors
from mlx_backend.models import sentence_model
from mlx_backend.models.sentence_package import find_folder
from mlx_backend.settings import change_settings
from tests.mlx_backend.vectors import WordDirections

TEXT = "# Note {0}\n\nThe {0} lamps of the harbour burn oil from Bergen all night long.\n"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> WordDirections:
    """The stand-in in the place of the installed model."""
    found = WordDirections("lamp")
    monkeypatch.setattr(meaning, "find_folder", lambda: tmp_path)
    monkeypatch.setattr(sentence_model, "SentenceModel", lambda _: found)
    return found


def filled(library: Library, folder: Path, count: int) -> Library:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number}.md").write_text(TEXT.format(number), encoding="utf-8")
    import_into(library, [folder])
    return library


def vectors(notes: Notes) -> int:
    (count,) = notes.connection.execute("SELECT count(*) FROM passage_vectors").fetchone()
    return int(count)


def test_only_what_changed_is_read_again(
    tiny_library: Library, notes: Notes, tmp_path: Path, model: WordDirections
) -> None:
    folder = tmp_path / "n"
    filled(tiny_library, folder, 3)
    assert compute_missing(notes.connection) == 3
    assert compute_missing(notes.connection) == 0
    long = TEXT.format(1) + "\n## More\n\nOne more lamp was lit by Ida in the evening of May.\n"
    (folder / "1.md").write_text(long, encoding="utf-8")
    import_into(tiny_library, [folder])
    model.read.clear()
    assert compute_missing(notes.connection) == 1
    assert "One more lamp" in model.read[0]
    assert vectors(notes) == 4
    (folder / "1.md").unlink()
    import_into(tiny_library, [folder])
    assert vectors(notes) == 4  # its text stays in the library, to be taken in again
    notes.connection.execute("DELETE FROM notes WHERE gone")
    import_into(tiny_library, [folder])
    assert vectors(notes) == 2


def test_a_stop_keeps_what_is_done_and_the_next_one_goes_on(
    tiny_library: Library,
    notes: Notes,
    tmp_path: Path,
    model: WordDirections,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(meaning, "_AT_ONCE", 2)
    filled(tiny_library, tmp_path / "n", 5)
    asked = iter([False, True])
    assert compute_missing(notes.connection, lambda: next(asked)) == 2
    assert vectors(notes) == 2
    assert compute_missing(notes.connection) == 3
    assert len(model.read) == len(set(model.read)) == 5


def test_notes_that_go_meanwhile_get_no_vectors(
    tiny_library: Library, notes: Notes, tmp_path: Path, model: WordDirections
) -> None:
    filled(tiny_library, tmp_path / "n", 2)
    store = PassageVectors(notes.connection)
    passages = store.missing(10)
    notes.connection.execute("DELETE FROM notes WHERE title = 'Note 0'")
    store.add(passages, model.vectors([each.text for each in passages]))
    assert vectors(notes) == 1


def test_what_is_left_out_is_not_read(
    tiny_library: Library, notes: Notes, tmp_path: Path, model: WordDirections
) -> None:
    filled(tiny_library, tmp_path / "n", 2)
    (one, _) = notes.summaries()
    NoteDecisions(notes.connection).decide([one.id], included=False)
    assert compute_missing(notes.connection) == 1


def test_without_the_package_nothing_is_computed_or_started(
    tiny_library: Library, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "find_folder", lambda: None)
    change_settings(tiny_library.settings, search_by_meaning=True)
    filled(tiny_library, tmp_path / "n", 1)
    assert compute_missing(notes.connection) == 0
    assert start_if_due(tiny_library) is None


def test_who_does_not_want_it_keeps_no_vectors(
    tiny_library: Library, notes: Notes, tmp_path: Path, model: WordDirections
) -> None:
    filled(tiny_library, tmp_path / "n", 1)
    compute_missing(notes.connection)
    assert start_if_due(tiny_library) is None  # as the library of tests is set
    assert vectors(notes) == 0


needs_model = pytest.mark.skipif(
    find_folder() is None, reason="the sentence model is not installed"
)


@needs_model
def test_a_killed_process_leaves_whole_batches(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    filled(tiny_library, tmp_path / "n", 70)
    command = [sys.executable, "-m", "mlx_backend.importers.meaning", str(tiny_library.home)]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 200
        while not vectors(notes) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert vectors(notes) in {64, 70}
    assert subprocess.run(command, check=False).returncode == 0
    assert vectors(notes) == 70
    with database.opened(tiny_library.database) as connection:
        assert len(PassageVectors(connection).of_notes_in_use()[0]) == 70


@needs_model
def test_it_is_started_by_itself_and_once(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    change_settings(tiny_library.settings, search_by_meaning=True)
    filled(tiny_library, tmp_path / "n", 3)
    processes = [start_if_due(tiny_library), start_if_due(tiny_library)]
    assert [each.wait() for each in processes if each] == [0] * len(list(filter(None, processes)))
    assert vectors(notes) == 3
    assert start_if_due(tiny_library) is None
