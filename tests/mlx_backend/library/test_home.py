from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE


def test_opening_makes_the_folders(tmp_path: Path) -> None:
    library = Library.open(tmp_path / "deep" / "library")
    for folder in (library.models, library.runs, library.jobs, library.adapters, library.logs):
        assert folder.is_dir()
    assert Library.open(library.home) == library


def test_a_new_library_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert Library.open(tmp_path / "new").home.stat().st_mode & 0o777 == 0o700
    (tmp_path / "chosen").mkdir()
    (tmp_path / "chosen").chmod(0o750)
    assert Library.open(tmp_path / "chosen").home.stat().st_mode & 0o777 == 0o750


def test_the_variable_chooses_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "chosen"))
    assert Library.open().home == tmp_path / "chosen"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(HOME_VARIABLE, "~/notes library")
    assert Library.open().home == tmp_path / "notes library"


def test_the_home_of_nobody_is_a_name_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, "~nobody-of-that-name/notes")
    assert Library.open().home == tmp_path / "~nobody-of-that-name" / "notes"


def test_a_place_that_is_no_text_is_refused_before_it_is_made(tmp_path: Path) -> None:
    home = tmp_path / os.fsdecode(b"b\xffd")
    with pytest.raises(OvernightError, match="not valid UTF-8"):
        Library.open(home)
    assert not home.exists()


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(OvernightError, match="broken symbolic link"):
        Library.open(tmp_path / "link")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, "")
    assert "Overnight" in str(Library.default_home())


def test_a_relative_place_does_not_move_with_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    library = Library.open(Path("library"))
    assert library.home == tmp_path / "library"


def test_a_file_in_the_way_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OvernightError) as caught:
        Library.open(tmp_path / "file")
    assert caught.value.kind is ErrorKind.MISSING_LIBRARY
    assert HOME_VARIABLE in caught.value.hint
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_place_that_may_not_be_written_is_a_typed_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OvernightError) as caught:
            Library.open(tmp_path / "library")
    finally:
        tmp_path.chmod(0o700)
    assert caught.value.kind is ErrorKind.MISSING_LIBRARY
