from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlx_backend.adoption import filing, taking_in
from mlx_backend.adoption.checks.acceptance import check_whole
from mlx_backend.adoption.work import Work
from mlx_backend.library import Library
from mlx_backend.library.models import CARD
from tests.mlx_backend.adoption.conftest import Adopt
from tests.mlx_backend.adoption.places import (
    state_of,
)


class Killed(BaseException):
    """As if the process were killed at this moment."""


def kill_at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Let the next adoption be killed where it calls this, after its files were checked."""

    def kill(*_: object) -> None:
        raise Killed

    def arm(name: str, model: Path) -> int:
        monkeypatch.setattr(Work if moment == "discard" else filing, moment, kill)
        return check_whole(name, model)

    monkeypatch.setattr(taking_in, "check_whole", arm)


@pytest.mark.parametrize("moment", ["write_atomically", "sync_path", "read_model", "discard"])
def test_killed_while_it_is_filed_the_model_is_there_once(
    take: Adopt, library: Library, files: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_at(monkeypatch, moment)
    with pytest.raises(Killed):
        take(files)
    monkeypatch.undo()
    assert take(files)["model"] == "Tiny-1B"
    assert [path.name for path in library.models.iterdir() if path.is_dir()] == ["Tiny-1B"]
    assert not list(library.jobs.glob("*/model"))


@pytest.mark.parametrize("moment", ["write_atomically", "read_model", "discard"])
def test_killed_while_one_put_in_by_hand_is_filed(
    take: Adopt, library: Library, files: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = library.models / "Tiny-1B"
    shutil.move(files, folder)
    before = state_of(folder)
    kill_at(monkeypatch, moment)
    with pytest.raises(Killed):
        take(folder)
    monkeypatch.undo()
    assert take(folder)["path"] == str(folder)
    after = state_of(folder)
    assert after.pop(CARD)
    assert after == before
