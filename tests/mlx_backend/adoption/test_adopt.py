from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.adoption.adopt import amount_placed
from mlx_backend.adoption.source import placing
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sha256_of_file
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import CARD, list_models, read_model
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.hub import fetching
from tests.mlx_backend.adoption.conftest import Adopt, refusal
from tests.mlx_backend.adoption.places import (
    REVISION,
    WEIGHTS,
    grown_old,
    in_cache,
    in_lm_studio,
    state_of,
)
from tests.mlx_backend.models.hub.weights import enlarge_folder, split_weights

MB = 1 << 20


def enlarge(folder: Path, amount: int = 6 * MB) -> None:
    enlarge_folder(folder, amount)
    grown_old(folder)


def notices(task: JobFolder) -> list[str]:
    return [e.text for e in task.reader().read_new() if isinstance(e, protocol.Notice)]


def has_same_bytes_on_disk(one: Path, other: Path) -> bool:
    """Whether a link was made; a clone has another inode, and the system does not tell of it."""
    return one.stat().st_ino == other.stat().st_ino


@pytest.mark.parametrize("shared", [False, True])
def test_from_hugging_faces_cache(
    library: Library, take: Adopt, task: JobFolder, files: Path, tmp_path: Path, shared: bool
) -> None:
    entry = in_cache(files, tmp_path, shared=shared)
    before = state_of(tmp_path / "hub")
    result = take(entry)
    model = read_model(library.models, "Tiny-1B")
    assert model.card.title == "Tiny-1B"
    assert model.card.source == result["source"] == f"someone/Tiny-1B@{REVISION}"
    assert model.card.licence == "not stated"
    assert model.card.sha256 == sha256_of_file(files / WEIGHTS)
    assert {p.name: p.read_bytes() for p in model.path.iterdir() if p.name != CARD} == {
        p.name: p.read_bytes() for p in files.iterdir()
    }
    assert not [path for path in model.path.iterdir() if path.is_symlink()]
    assert state_of(tmp_path / "hub") == before
    assert result["shared_bytes"] == sum(path.stat().st_size for path in files.iterdir())
    assert result["copied_bytes"] == 0
    assert any("No second copy was made" in text for text in notices(task))
    load_base_model(library, "Tiny-1B")


def test_no_bytes_are_copied_where_links_can_be_made(
    library: Library, take: Adopt, task: JobFolder, files: Path, tmp_path: Path
) -> None:
    folder = in_lm_studio(files, tmp_path)
    result = take(folder)
    ways = json.loads((task.path / "gathered.json").read_bytes())["ways"]
    assert set(ways) == {path.name for path in files.iterdir()}
    assert set(ways.values()) <= {"linked", "cloned"}
    for name, way in ways.items():
        if way == "linked":
            assert has_same_bytes_on_disk(folder / name, Path(result["path"]) / name)


def test_from_lm_studio(library: Library, take: Adopt, files: Path, tmp_path: Path) -> None:
    (files / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    folder = in_lm_studio(files, tmp_path)
    before = state_of(tmp_path / ".lmstudio")
    assert take(folder)["model"] == "Tiny-1B-MLX"
    card = read_model(library.models, "Tiny-1B-MLX").card
    assert (card.source, card.licence) == ("someone/Tiny-1B-MLX", "apache-2.0")
    assert state_of(tmp_path / ".lmstudio") == before
    assert not (library.models / "Tiny-1B-MLX" / "README.md").exists()


def test_the_snapshot_that_main_names_or_the_newest(
    library: Library, take: Adopt, files: Path, tmp_path: Path
) -> None:
    entry = in_cache(files, tmp_path, revision="0" * 40)
    in_cache(files, tmp_path, revision="1" * 40)
    (entry / "refs" / "main").write_text("0" * 40)
    assert take(entry)["source"].endswith("@" + "0" * 40)


@pytest.mark.parametrize("said", ["", "../../x", "gone", "\xff"])
def test_without_a_main_that_is_there_the_newest(
    take: Adopt, files: Path, tmp_path: Path, said: str
) -> None:
    entry = in_cache(files, tmp_path, revision="0" * 40)
    in_cache(files, tmp_path, revision="1" * 40)
    os.utime(entry / "snapshots" / ("0" * 40), (1e9, 1e9))
    (entry / "refs" / "main").write_text(said)
    assert take(entry)["source"].endswith("@" + "1" * 40)


def test_a_snapshot_named_by_its_path(take: Adopt, files: Path, tmp_path: Path) -> None:
    entry = in_cache(files, tmp_path)
    assert take(entry / "snapshots" / REVISION)["source"] == f"someone/Tiny-1B@{REVISION}"


def test_a_blob_that_is_damaged(library: Library, take: Adopt, files: Path, tmp_path: Path) -> None:
    entry = in_cache(files, tmp_path)
    blob = (entry / "snapshots" / REVISION / WEIGHTS).resolve()
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    grown_old(tmp_path / "hub")
    assert "wrong check sum" in refusal(take, library, entry).message


def test_links_of_a_cache_that_lead_out(
    library: Library, take: Adopt, files: Path, tmp_path: Path
) -> None:
    entry = in_cache(files, tmp_path)
    link = entry / "snapshots" / REVISION / WEIGHTS
    for target in (files / WEIGHTS, Path("../../refs/main"), Path("../../../../Tiny-1B") / WEIGHTS):
        link.unlink()
        link.symlink_to(target)
        assert "link elsewhere" in refusal(take, library, entry).message
    (entry / "blobs").rename(tmp_path / "blobs elsewhere")
    (entry / "blobs").symlink_to(tmp_path / "blobs elsewhere")
    assert "link elsewhere" in refusal(take, library, entry).message


def test_an_entry_without_a_snapshot(
    library: Library, take: Adopt, files: Path, tmp_path: Path
) -> None:
    entry = in_cache(files, tmp_path)
    shutil.rmtree(entry / "snapshots" / REVISION)
    assert "overnight download someone/Tiny-1B" in refusal(take, library, entry).hint


def test_a_data_set_of_the_cache(library: Library, take: Adopt, tmp_path: Path) -> None:
    entry = tmp_path / "datasets--someone--x"
    entry.mkdir()
    assert "is a data set" in refusal(take, library, entry).message


def test_a_folder_of_models_names_those_in_it(
    library: Library, take: Adopt, files: Path, tmp_path: Path
) -> None:
    in_cache(files, tmp_path)
    assert "models--someone--Tiny-1B" in refusal(take, library, tmp_path / "hub").hint
    in_lm_studio(files, tmp_path)
    models = tmp_path / ".lmstudio" / "models"
    assert "someone/Tiny-1B-MLX" in refusal(take, library, models).hint


def test_a_path_that_is_no_folder(library: Library, take: Adopt, files: Path) -> None:
    assert refusal(take, library, files / "gone").kind is ErrorKind.PATH_MISSING
    assert "is no folder" in refusal(take, library, files / WEIGHTS).message
    (files / "loop").symlink_to("loop")
    assert refusal(take, library, files / "loop").kind is ErrorKind.UNREADABLE


def test_a_link_to_the_folder(take: Adopt, files: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(files)
    assert take(tmp_path / "link")["model"] == "Tiny-1B"


def test_a_link_within_the_folder(take: Adopt, library: Library, files: Path) -> None:
    (files / WEIGHTS).rename(files / "whole.bin")
    (files / WEIGHTS).symlink_to("whole.bin")
    path = Path(take(files)["path"])
    assert not (path / WEIGHTS).is_symlink()
    assert (path / WEIGHTS).read_bytes() == (files / "whole.bin").read_bytes()


@pytest.mark.parametrize(
    ("name", "becomes"),
    [("line\nbreak", "line break"), ("-x", "x"), ("CON", "model"), ("a" * 200, "a" * 64)],
)
def test_folders_with_names_that_no_model_has(
    take: Adopt, library: Library, files: Path, tmp_path: Path, name: str, becomes: str
) -> None:
    files.rename(tmp_path / name)
    assert take(tmp_path / name)["model"] == becomes


def test_a_name_of_choice_and_one_that_is_taken(take: Adopt, library: Library, files: Path) -> None:
    (library.models / "mine").mkdir()
    assert take(files, name="Mine")["model"] == "Mine 2"


def test_several_weight_files(take: Adopt, library: Library, files: Path) -> None:
    data = {WEIGHTS: (files / WEIGHTS).read_bytes()}
    split_weights(data)
    (files / WEIGHTS).unlink()
    for name, content in data.items():
        (files / name).write_bytes(content)
    take(grown_old(files))
    load_base_model(library, "Tiny-1B")


def test_copied_where_nothing_can_be_shared(
    take: Adopt,
    library: Library,
    task: JobFolder,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enlarge(files)
    monkeypatch.setattr(placing, "_WAYS", ())
    before = state_of(files)
    size = sum(path.stat().st_size for path in files.iterdir())
    result = take(files)
    assert (result["shared_bytes"], result["copied_bytes"]) == (0, size)
    assert state_of(files) == before
    for path in files.iterdir():
        assert not has_same_bytes_on_disk(path, library.models / "Tiny-1B" / path.name)
        assert path.read_bytes() == (library.models / "Tiny-1B" / path.name).read_bytes()
    events = task.reader().read_new()
    last = [e for e in events if isinstance(e, protocol.Progress) and e.total == size][-1]
    assert (last.done, last.unit) == (size, "bytes")
    assert any(isinstance(e, protocol.Notice) and "were copied from" in e.text for e in events)


def test_stopped_while_copying_it_goes_on(
    take: Adopt,
    library: Library,
    task: JobFolder,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enlarge(files)
    monkeypatch.setattr(placing, "_WAYS", ())
    part = task.path / "parts" / WEIGHTS

    def is_on_the_way() -> bool:
        return part.exists() and part.stat().st_size >= 3 * MB

    assert not take(files, is_on_the_way)
    assert not list_models(library.models)
    there, total = amount_placed(task)
    assert 3 * MB <= there < total
    inode = part.stat().st_ino
    damaged = bytearray(part.read_bytes())
    damaged[2 * MB :] = bytes(len(damaged) - 2 * MB)  # as a power cut may leave it
    part.write_bytes(damaged)
    take(files)
    copied = library.models / "Tiny-1B" / WEIGHTS
    assert copied.stat().st_ino == inode
    assert copied.read_bytes() == (files / WEIGHTS).read_bytes()


def test_a_disk_without_room_is_told_and_what_is_there_is_kept(
    take: Adopt,
    library: Library,
    task: JobFolder,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(placing, "_WAYS", ())
    usage = shutil.disk_usage("/")._replace(free=fetching.RESERVE)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(OvernightError) as caught:
            take(files)
    assert caught.value.kind is ErrorKind.DISK_FULL
    assert take(files)["model"] == "Tiny-1B"


def act_after_sharing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    wanted = placing.share

    def share(source: Path, to: Path) -> placing.Way | None:
        way = wanted(source, to)
        if source.name == WEIGHTS:
            act()
        return way

    monkeypatch.setattr("mlx_backend.adoption.source.gathering.share", share)


@pytest.mark.parametrize("what", ["written", "replaced", "gone"])
def test_a_file_that_changes_meanwhile(
    take: Adopt, library: Library, files: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path = files / WEIGHTS
    data = path.read_bytes()

    def act() -> None:
        if what == "written":
            with path.open("r+b") as file:
                file.write(data[:8])
        else:
            path.unlink()
        if what == "replaced":
            path.write_bytes(data)

    act_after_sharing(monkeypatch, act)
    error = refusal(take, library, files)
    assert error.kind is (ErrorKind.PATH_MISSING if what == "gone" else ErrorKind.BUSY)
    assert WEIGHTS in error.message


def test_a_file_that_was_written_just_now_is_watched_for_a_while(take: Adopt, files: Path) -> None:
    os.utime(files / WEIGHTS)
    began = time.time()
    assert take(files)
    assert time.time() - began > 1.5


@pytest.mark.parametrize(
    "name", ["model.safetensors.incomplete", "x.part", "model.safetensors.tmp", "y.crdownload"]
)
def test_a_download_that_is_not_done(take: Adopt, library: Library, files: Path, name: str) -> None:
    (files / name).touch()
    error = refusal(take, library, files)
    assert error.kind is ErrorKind.BUSY
    assert name in error.message


def test_a_download_of_hugging_faces_client_into_the_folder(
    take: Adopt, library: Library, files: Path
) -> None:
    folder = files / ".cache" / "huggingface" / "download"
    folder.mkdir(parents=True)
    (folder / "model.safetensors.lock").touch()
    (folder / "x.incomplete").touch()
    assert refusal(take, library, files).kind is ErrorKind.BUSY
    (folder / "x.incomplete").unlink()
    assert take(files)


def test_a_lock_that_is_held(take: Adopt, library: Library, files: Path) -> None:
    with (files / "download.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert refusal(take, library, files).kind is ErrorKind.BUSY
    assert take(files)


def test_an_entry_of_the_cache_that_is_being_downloaded(
    take: Adopt, library: Library, files: Path, tmp_path: Path
) -> None:
    entry = in_cache(files, tmp_path)
    part = entry / "blobs" / f"{'0' * 64}.12345678.incomplete"
    part.touch()
    assert refusal(take, library, entry).kind is ErrorKind.BUSY
    os.utime(part, (time.time() - 3600,) * 2)  # what a killed client left
    assert take(entry)
