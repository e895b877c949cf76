from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.adoption.adopt import adopt
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import CARD
from mlx_backend.models.base_model import load_base_model
from tests.mlx_backend.adoption.conftest import Adopt, refusal
from tests.mlx_backend.adoption.places import (
    WEIGHTS,
    grown_old,
    state_of,
)


def test_put_in_by_hand_it_is_adopted_where_it_is(
    take: Adopt, library: Library, files: Path
) -> None:
    folder = library.models / "By hand"
    shutil.move(files, folder)
    (folder / "notes.txt").write_text("mine")
    before = state_of(folder)
    result = take(folder)
    assert (result["model"], result["path"]) == ("By hand", str(folder))
    assert (result["shared_bytes"], result["copied_bytes"]) == (0, 0)
    after = state_of(folder)
    assert after.pop(CARD)
    assert after == before
    assert [path.name for path in library.models.iterdir() if path.is_dir()] == ["By hand"]
    load_base_model(library, "By hand")


def test_put_in_by_hand_and_renamed(take: Adopt, library: Library, files: Path) -> None:
    shutil.move(files, library.models / "By hand")
    assert take(library.models / "By hand", name="Mine")["path"] == str(library.models / "Mine")
    assert [path.name for path in library.models.iterdir() if path.is_dir()] == ["Mine"]


def test_put_in_by_hand_and_refused_nothing_of_it_is_lost(
    take: Adopt, library: Library, files: Path
) -> None:
    folder = library.models / "By hand"
    shutil.move(files, folder)
    (folder / WEIGHTS).write_bytes(b"")
    grown_old(folder)
    before = state_of(folder)
    assert "damaged" in refusal(take, library, folder).message
    assert state_of(folder) == before


def test_a_damaged_card_is_written_anew(take: Adopt, library: Library, files: Path) -> None:
    folder = library.models / "By hand"
    shutil.move(files, folder)
    (folder / CARD).write_bytes(b"{")
    assert take(folder)["model"] == "By hand"


def test_what_is_adopted_already(take: Adopt, library: Library, files: Path) -> None:
    path = take(files)["path"]
    again = JobFolder.create(library.jobs, protocol.AdoptSpec(path=path))
    with pytest.raises(OvernightError) as caught:
        adopt(library, again, protocol.AdoptSpec(path=path), lambda: False)
    assert caught.value.kind is ErrorKind.MODEL_EXISTS
