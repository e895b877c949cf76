"""The command that adopts a model, with its process, and models that are then used."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.adoption.adopt import adopt
from mlx_backend.cli.main import main
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import is_held
from mlx_backend.machine.cores import FIXED_CORES
from mlx_backend.settings import change_settings
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.adoption.places import REVISION, WEIGHTS, grown_old, in_cache, state_of
from tests.mlx_backend.cli.running import Run, Said


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(library: Library) -> Iterator[None]:
    yield
    wait(lambda: not any(is_held(f.path / "lock") for f in JobFolder.all(library.jobs)))


@pytest.fixture
def files(tmp_path: Path, model_files: Path) -> Path:
    folder = tmp_path / "Tiny-1B"
    shutil.copytree(model_files, folder)
    weights = bytearray((folder / WEIGHTS).read_bytes())
    weights[-4] ^= 1  # else they were those of the starter in `tiny_library`
    (folder / WEIGHTS).write_bytes(weights)
    return grown_old(folder)


@pytest.fixture
def at_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs adopt in this process, without a trial: processes and trials have other tests here."""

    def launch_here(folder: JobFolder) -> int:
        folder.append(protocol.Launched())
        folder.append(protocol.Started(pid=os.getpid()))
        spec = folder.spec()
        assert isinstance(spec, protocol.AdoptSpec)
        result = adopt(library, folder, spec, lambda: False)
        assert result is not None
        folder.append(protocol.Finished(result=result))
        return os.getpid()

    monkeypatch.setattr("mlx_backend.cli.arrivals.launch", launch_here)
    monkeypatch.setattr("mlx_backend.adoption.taking_in.try_model", lambda *_: READS)
    monkeypatch.setattr("mlx_backend.adoption.taking_in.try_tokenizer", lambda *_: None)


def wait(until: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_adopted_model_is_used_and_the_files_it_came_from_stay(
    library: Library,
    run: Run,
    files: Path,
    tiny_folders: dict[str, Path],
    notes_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its files may be those of another program: nothing may write into them."""
    monkeypatch.setenv(FIXED_CORES, "1")
    before = state_of(files)
    result = run("adopt", files)
    model = read_model(library.models, "Tiny-1B")
    assert result["path"] == str(model.path)
    assert result["bytes"] == model.bytes
    assert result["shared_bytes"] == sum(path.stat().st_size for path in files.iterdir())
    assert result["copied_bytes"] == 0
    assert result["licence"] == "not stated"
    for name in ("general_answers.json", "general_probe.json"):  # else the model is asked first
        shutil.copy(tiny_folders["tiny"] / name, model.path / name)
    (library.models / "starter").symlink_to(tiny_folders["starter"])
    patience = ("wait_on_battery", "wait_when_hot", "wait_when_memory_is_short")
    change_settings(
        library.settings, base_model="Tiny-1B", max_tokens=8, **dict.fromkeys(patience, False)
    )
    assert run("chat", "--prompt", "Who lit the lamp?")["prompt_tokens"]
    import_into(library, [notes_folder])
    assert run("train", "--name", "First", "--steps", "2")["steps"] == 2
    assert {path.name for path in model.path.iterdir()} > {path.name for path in files.iterdir()}
    assert state_of(files) == before
    run("models", "--remove", "Tiny-1B")
    run("bin", "--empty")
    assert state_of(files) == before


def test_the_same_again_is_there_already(
    at_once: None, library: Library, run: Run, files: Path, tmp_path: Path
) -> None:
    entry = in_cache(files, tmp_path)
    first = run("adopt", entry)
    again = run("adopt", entry)
    assert (again["path"], again["source"]) == (first["path"], f"someone/Tiny-1B@{REVISION}")
    assert again.keys() == first.keys()
    assert len(JobFolder.all(library.jobs)) == 1
    assert run("adopt", entry, "--name", "TINY-1b", code=1)["error"]["kind"] == "model_exists"
    assert run("adopt", first["path"], code=1)["error"]["kind"] == "model_exists"


def test_a_copy_elsewhere_is_the_same_model(
    at_once: None, library: Library, run: Run, said: Said, files: Path, tmp_path: Path
) -> None:
    """By its weights: their inodes and their folder are others."""
    first = run("adopt", files)
    shutil.copytree(files, tmp_path / "elsewhere" / "Copy")
    copy = grown_old(tmp_path / "elsewhere" / "Copy")
    again = run("adopt", copy)
    assert (again["path"], again["model"]) == (first["path"], "Tiny-1B")
    assert again.keys() == first.keys()
    assert (again["run"], again["shared_bytes"], again["copied_bytes"]) == (None, 0, 0)
    assert "in the library already, as 'Tiny-1B'" in said("adopt", copy)
    assert len(JobFolder.all(library.jobs)) == 1
    assert run("adopt", copy, "--name", "Second")["model"] == "Second"


def test_other_weights_of_the_same_sizes_are_another_model(
    at_once: None, library: Library, run: Run, files: Path, tmp_path: Path
) -> None:
    run("adopt", files)
    other = tmp_path / "elsewhere" / "Tiny-1B"
    shutil.copytree(files, other)
    content = bytearray((other / WEIGHTS).read_bytes())
    content[-4096:] = bytes(4096)
    (other / WEIGHTS).write_bytes(content)
    assert run("adopt", grown_old(other))["model"] == "Tiny-1B 2"


def test_cancelled_nothing_stays(library: Library, run: Run, files: Path) -> None:
    os.utime(files / WEIGHTS, (time.time() + 1,) * 2)  # so it waits for a moment
    job_id = run("adopt", files, "--detach")["run"]
    assert run("adopt", files, "--cancel") == {"cancelled": [job_id]}
    assert not list(library.jobs.iterdir())
    assert run("adopt", files, "--cancel", code=1)["error"]["kind"] == "run_unknown"
    assert files.is_dir()


def test_one_that_was_refused_is_removed_too(library: Library, run: Run, files: Path) -> None:
    (files / WEIGHTS).write_bytes(b"")
    run("adopt", grown_old(files), code=1)
    (folder,) = JobFolder.all(library.jobs)
    shutil.rmtree(files)
    assert run("adopt", files, "--cancel") == {"cancelled": [folder.id]}
    assert not list(library.jobs.iterdir())


def test_one_that_is_done_is_not_cancelled(
    at_once: None, library: Library, run: Run, files: Path
) -> None:
    run("adopt", files)
    assert run("adopt", files, "--cancel", code=1)["error"]["kind"] == "run_unknown"
    assert len(JobFolder.all(library.jobs)) == 1


def test_what_cannot_be_adopted_leaves_no_job(
    library: Library, run: Run, files: Path, tmp_path: Path
) -> None:
    assert run("adopt", tmp_path / "gone", code=1)["error"]["kind"] == "path_missing"
    assert run("adopt", files / WEIGHTS, code=1)["error"]["kind"] == "bad_input"
    assert run("adopt", files, "--name", "..", code=1)["error"]["kind"] == "bad_input"
    assert run("adopt", os.fsdecode(b"\xff"), code=1)["error"]["kind"] == "bad_input"
    (files / "x.part").touch()
    assert run("adopt", files, code=1)["error"]["kind"] == "busy"
    (files / "x.part").unlink()
    (files / WEIGHTS).unlink()
    assert run("adopt", files, code=1)["error"]["kind"] == "bad_input"
    assert not list(library.jobs.iterdir())


def test_one_that_is_refused_by_its_job_is_not_listed(
    library: Library, tiny_library: Library, run: Run, files: Path
) -> None:
    (files / WEIGHTS).write_bytes(b"")
    assert run("adopt", grown_old(files), code=1)["error"]["kind"] == "bad_input"
    assert run("models")["adoptions"] == []


def test_stopped_and_continued(tiny_library: Library, run: Run, said: Said, files: Path) -> None:
    os.utime(files / WEIGHTS, (time.time() + 1,) * 2)  # so it waits for a moment
    job_id = run("adopt", files, "--detach")["run"]
    assert run("stop", job_id) == {"run": job_id, "status": "stopped"}
    (row,) = run("models")["adoptions"]
    assert (row["id"], row["path"], row["status"]) == (job_id, str(files), "stopped")
    assert f"Adoption {job_id}: {files}, stopped" in said("models")
    assert "Adopted 'Tiny-1B'" in said("resume", job_id)
    assert run("models")["adoptions"] == []


def test_asked_for_again_it_goes_on(at_once: None, library: Library, run: Run, files: Path) -> None:
    folder = JobFolder.create(library.jobs, protocol.AdoptSpec(path=str(files)))
    folder.append(protocol.Stopped())
    assert folder.status().state is JobState.STOPPED
    assert run("adopt", files)["run"] == folder.id


def test_put_in_by_hand_the_command_to_adopt_it_is_named(
    tiny_library: Library, run: Run, said: Said, files: Path
) -> None:
    folder = tiny_library.models / "By hand"
    shutil.move(files, folder)
    change_settings(tiny_library.settings, base_model="By hand")
    told = said("chat", "--prompt", "x", code=1)
    assert f"overnight adopt '{folder}'" in told
    assert "Remove" not in told
    assert run("adopt", folder)["path"] == str(folder)
    assert run("chat", "--prompt", "x")["prompt_tokens"]


def test_only_some_bits(library: Library, files: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["adopt", str(files), "--bits", "5"])
    assert caught.value.code == 2
