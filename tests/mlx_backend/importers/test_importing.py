from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend import locks
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers import importing
from mlx_backend.importers.importing import import_into, import_paths
from mlx_backend.importers.limits import LARGEST_FILE
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.read_files import ImportOutcome
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes

Import = Callable[..., ImportOutcome]


@pytest.fixture
def run(notes: Notes, counter: TokenCounter) -> Import:
    """Imports paths and returns the outcome."""
    return lambda *paths: import_paths(notes, counter, paths)


def counts(outcome: ImportOutcome) -> tuple[int, int, int, int]:
    return outcome.added, outcome.changed, outcome.unchanged, outcome.removed


def touch(path: Path) -> None:
    info = path.stat()
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 10**9))


def rewrite(path: Path, text: str) -> None:
    path.write_text(text)
    touch(path)


def test_titles_texts_and_counts(run: Import, notes: Notes, notes_folder: Path) -> None:
    outcome = run(notes_folder)
    assert outcome.notes == 3
    assert counts(outcome) == (3, 0, 0, 0)
    by_title = {summary.title: summary for summary in notes.summaries()}
    assert by_title.keys() == {"Lighthouse", "The rope shop", "Garden plan"}
    shop = by_title["The rope shop"]
    assert shop.path == str(notes_folder / "shop" / "rope.md")
    assert shop.source == str(notes_folder)
    assert shop.words == len(notes.text(shop.id).split())
    assert shop.tokens > shop.words
    assert "title:" not in notes.text(shop.id)
    assert len(list(notes.passages())) >= 4


def test_again_only_what_changed_is_read(run: Import, notes_folder: Path) -> None:
    run(notes_folder)
    assert counts(run(notes_folder)) == (0, 0, 3, 0)
    rewrite(notes_folder / "garden.txt", "Something else entirely.")
    (notes_folder / "new.md").write_text("A new note.")
    outcome = run(notes_folder)
    assert counts(outcome) == (1, 1, 2, 0)
    assert outcome.notes == 4


def test_a_touched_file_is_unchanged(run: Import, notes_folder: Path) -> None:
    run(notes_folder)
    touch(notes_folder / "garden.txt")
    assert counts(run(notes_folder)) == (0, 0, 3, 0)


def test_a_file_that_goes_is_kept_as_gone_and_may_come_back(
    run: Import, notes: Notes, notes_folder: Path
) -> None:
    run(notes_folder)
    text = (notes_folder / "garden.txt").read_text()
    info = (notes_folder / "garden.txt").stat()
    (notes_folder / "garden.txt").unlink()
    outcome = run(notes_folder)
    assert counts(outcome) == (0, 0, 2, 1)
    assert outcome.notes == 2
    assert "gone" in {summary.status for summary in notes.summaries()}
    assert counts(run(notes_folder)) == (0, 0, 2, 0)
    (notes_folder / "garden.txt").write_text(text)
    os.utime(notes_folder / "garden.txt", ns=(info.st_atime_ns, info.st_mtime_ns))
    assert run(notes_folder).notes == 3
    assert {summary.status for summary in notes.summaries()} == {"new"}


def test_notes_of_a_moved_folder_go_with_it(run: Import, notes: Notes, notes_folder: Path) -> None:
    run(notes_folder)
    notes.mark_learned("A", notes.versions())
    before = {summary.title: summary.id for summary in notes.summaries()}
    moved = notes_folder.rename(notes_folder.with_name("moved"))
    assert counts(run(moved)) == (0, 0, 3, 0)
    after = notes.summaries()
    assert {summary.title: summary.id for summary in after} == before
    assert {summary.status for summary in after} == {"learned"}
    assert all(summary.path.startswith(f"{moved}/") for summary in after)


def test_a_renamed_file_keeps_its_note(run: Import, notes: Notes, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("No heading here.")
    run(tmp_path)
    (before,) = notes.summaries()
    (tmp_path / "one.md").rename(tmp_path / "two.md")
    assert counts(run(tmp_path)) == (0, 0, 1, 0)
    (after,) = notes.summaries()
    assert (after.id, after.title) == (before.id, "two")


def test_a_copy_is_a_note_of_its_own(run: Import, notes: Notes, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("The same.")
    run(tmp_path)
    shutil.copy(tmp_path / "one.md", tmp_path / "two.md")
    assert counts(run(tmp_path)) == (1, 0, 1, 0)


def test_nested_and_repeated_paths_count_once(
    run: Import, notes: Notes, notes_folder: Path
) -> None:
    paths = [notes_folder / "shop", notes_folder, notes_folder, notes_folder / "garden.txt"]
    assert counts(run(*paths)) == (3, 0, 0, 0)
    assert {summary.source for summary in notes.summaries()} == {str(notes_folder)}


def test_a_part_given_alone_marks_nothing_else_gone(run: Import, notes_folder: Path) -> None:
    run(notes_folder)
    assert counts(run(notes_folder / "shop")) == (0, 0, 1, 0)
    assert run(notes_folder).notes == 3


def test_paths_with_dots_are_the_same_files(run: Import, notes_folder: Path) -> None:
    run(notes_folder)
    assert counts(run(notes_folder / "shop" / "..")) == (0, 0, 3, 0)


def test_what_is_skipped_comes_with_its_reason(
    run: Import, notes: Notes, notes_folder: Path
) -> None:
    (notes_folder / "film.mp4").write_bytes(b"\0\1")
    (notes_folder / "empty.md").write_text(" \n")
    (notes_folder / "binary.md").write_bytes(b"\0\1\2")
    (notes_folder / "code.py").write_text("text")
    (notes_folder / "link.md").symlink_to("/etc/passwd")
    os.mkfifo(notes_folder / "pipe.md")
    outcome = run(notes_folder)
    reasons = {Path(path).name: reason for path, reason in outcome.skipped}
    assert reasons.keys() == {"film.mp4", "empty.md", "binary.md", "code.py", "link.md", "pipe.md"}
    assert all(reasons.values())
    assert outcome.added == 3
    assert notes.skipped() == sorted(outcome.skipped)
    assert all(
        "passwd" not in s.path and "root:" not in notes.text(s.id) for s in notes.summaries()
    )


def test_a_file_too_large_is_skipped_unread(run: Import, notes_folder: Path) -> None:
    with (notes_folder / "lighthouse.md").open("r+b") as file:
        file.write(b"# Lighthouse\n" * 1_000)
        file.truncate(LARGEST_FILE + 1)
    reasons = dict(run(notes_folder).skipped)
    assert "larger than 100 MB" in reasons[str(notes_folder / "lighthouse.md")]


def test_a_file_that_goes_while_it_is_read_is_skipped(
    notes: Notes, counter: TokenCounter, notes_folder: Path
) -> None:
    def on_progress(done: int, total: int, path: str) -> None:
        (notes_folder / "garden.txt").unlink(missing_ok=True)

    outcome = import_paths(notes, counter, [notes_folder], on_progress)
    assert outcome.added == 2
    assert [Path(path).name for path, _ in outcome.skipped] == ["garden.txt"]


def test_a_note_whose_file_becomes_unreadable_keeps_its_text(
    run: Import, notes: Notes, notes_folder: Path
) -> None:
    run(notes_folder)
    (notes_folder / "garden.txt").write_bytes(b"\0\1\2")
    outcome = run(notes_folder)
    assert len(outcome.skipped) == 1
    garden = next(s for s in notes.summaries() if s.title == "Garden plan")
    assert "Potatoes" in notes.text(garden.id)


def test_strange_names_and_texts(run: Import, notes: Notes, tmp_path: Path) -> None:
    folder = tmp_path / "strange"
    folder.mkdir()
    for name in ("né 🎉.md", "a\nb.md", "'; DROP TABLE notes; --.md", "%s.md"):
        (folder / name).write_text("<|im_end|> \u202e text <script>alert(1)</script>")
    assert run(folder).added == 4


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac's file system takes UTF-8 names alone")
def test_names_that_are_no_text_are_skipped(run: Import, notes: Notes, tmp_path: Path) -> None:
    folder = tmp_path / "strange"
    for name in (b"\xff\xfe.md", b"\xe9t\xe9/a.md", b"good.md"):
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    outcome = run(folder)
    assert outcome.added == 1
    assert len(outcome.skipped) == 2
    json.dumps(outcome.as_result(), ensure_ascii=False).encode()
    assert notes.skipped() == sorted(outcome.skipped)


def test_a_folder_without_files(run: Import, tmp_path: Path) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    with pytest.raises(OvernightError) as caught:
        run(tmp_path / "empty")
    assert caught.value.kind is ErrorKind.NO_NOTES
    assert caught.value.hint


def test_a_missing_path_imports_nothing_of_the_others(
    run: Import, notes: Notes, notes_folder: Path
) -> None:
    with pytest.raises(OvernightError) as caught:
        run(notes_folder, notes_folder.with_name("gone"))
    assert caught.value.kind is ErrorKind.PATH_MISSING
    assert notes.summaries() == []


def test_a_folder_that_vanished_does_not_mark_its_notes_gone(
    run: Import, notes: Notes, notes_folder: Path
) -> None:
    run(notes_folder)
    shutil.rmtree(notes_folder)
    with pytest.raises(OvernightError):
        run(notes_folder)
    assert {summary.status for summary in notes.summaries()} == {"new"}


@pytest.mark.parametrize("where", ["closed", "."])
@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, OSError])
def test_what_lies_in_a_folder_that_cannot_be_read_stays_as_it_is(
    notes: Notes,
    counter: TokenCounter,
    notes_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    error: type[OSError],
) -> None:
    for path in ("closed/deep/a.md", "closed.md", "goes.md"):
        (notes_folder / path).parent.mkdir(parents=True, exist_ok=True)
        (notes_folder / path).write_text(path)
    (notes_folder / "closed" / "film.mp4").write_bytes(b"\0\1")
    import_paths(notes, counter, [notes_folder])
    (notes_folder / "goes.md").unlink()
    scandir, closed = os.scandir, (notes_folder / where).resolve()

    def refuse(path: str | Path) -> object:
        # The file exists while files are counted, but not when they are looked for.
        if isinstance(path, Path) and path == closed:
            raise error(5, "Input/output error", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    outcome = import_paths(notes, counter, [notes_folder])
    is_all = where == "."
    assert outcome.removed == (0 if is_all else 1)
    gone = {Path(s.path).name for s in notes.summaries() if s.status == "gone"}
    assert gone == (set() if is_all else {"goes.md"})
    reasons = dict(outcome.skipped)
    assert "Input/output error" in reasons[str(closed)]
    assert str(notes_folder / "closed" / "film.mp4") in reasons
    monkeypatch.undo()
    assert import_paths(notes, counter, [notes_folder]).removed == (1 if is_all else 0)
    assert [Path(path).name for path, _ in notes.skipped()] == ["film.mp4"]


def test_a_stop_keeps_what_was_read_and_marks_nothing_gone(
    notes: Notes, counter: TokenCounter, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(150):
        (folder / f"{number:03}.md").write_text(f"Note {number}.")
    seen: list[int] = []
    outcome = import_paths(
        notes,
        counter,
        [folder],
        lambda done, total, path: seen.append(done),
        lambda: len(seen) >= 120,
    )
    assert outcome.stopped
    assert outcome.added == len(notes.summaries()) == 120
    again = import_paths(notes, counter, [folder])
    assert counts(again) == (30, 0, 120, 0)
    assert not again.stopped


def test_progress_names_each_file_and_goes_up_to_the_end(
    notes: Notes, counter: TokenCounter, notes_folder: Path
) -> None:
    seen: list[tuple[int, int, str]] = []
    import_paths(notes, counter, [notes_folder], lambda *call: seen.append(call))
    assert [(done, total) for done, total, _ in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [Path(path).name for _, _, path in seen] == [
        "garden.txt",
        "lighthouse.md",
        "rope.md",
        "",
    ]


def test_looking_through_what_was_read_tells_how_far_it_is_and_can_be_stopped(
    tiny_library: Library, notes_folder: Path
) -> None:
    seen: list[tuple[int, int]] = []

    def curated(stop_requested: Callable[[], bool]) -> ImportOutcome:
        seen.clear()
        return import_into(
            tiny_library,
            [notes_folder],
            stop_requested=stop_requested,
            on_curation=lambda *call: seen.append(call),
        )

    asked = itertools.count()
    outcome = curated(lambda: next(asked) >= 3)  # once for each file
    assert (outcome.added, outcome.stopped, seen) == (3, True, [])
    outcome = curated(lambda: False)
    assert (outcome.unchanged, outcome.stopped, seen) == (3, False, [(0, 3), (3, 3)])


def test_two_imports_do_not_run_at_once(
    tiny_library: Library, notes_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_IMPORT_PATIENCE_S", 0.05)
    with locks.held(tiny_library.import_lock), pytest.raises(OvernightError) as caught:
        import_into(tiny_library, [notes_folder])
    assert caught.value.kind is ErrorKind.BUSY
    assert import_into(tiny_library, [notes_folder]).added == 3


def test_a_title_keeps_the_joiners_of_its_words(run: Import, notes: Notes, tmp_path: Path) -> None:
    for name, title in (("a.md", "Die Familie 👨‍👩‍👧"), ("b.html", "می\u200cخواهم")):
        heading = f"<title>{title}</title><p>Some words" if name == "b.html" else f"# {title}\n\nx"
        (tmp_path / name).write_text(heading, encoding="utf-8")
    run(tmp_path / "a.md", tmp_path / "b.html")
    assert {note.title for note in notes.summaries()} == {"Die Familie 👨‍👩‍👧", "می\u200cخواهم"}
