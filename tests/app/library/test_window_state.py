from __future__ import annotations

from pathlib import Path

from app.library.window_state import window_state


def test_a_damaged_file_is_kept(tmp_path: Path) -> None:
    damaged = b"[General\ngeometry=1\n"
    (tmp_path / "window.ini").write_bytes(damaged)
    state = window_state(tmp_path)
    state.setValue("geometry", "2")
    state.sync()
    (kept,) = tmp_path.glob("window (damaged *).ini")
    assert kept.read_bytes() == damaged


def test_a_sound_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    window_state(tmp_path).setValue("geometry", "2")
    window_state(tmp_path).sync()
    assert window_state(tmp_path).value("geometry") == "2"
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".ini"] == ["window.ini"]
