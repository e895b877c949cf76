"""The commands about downloads, with their processes, and a model that is then used."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.cli.main import main
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.locks import is_held
from mlx_backend.machine.cores import FIXED_CORES
from mlx_backend.models.hub.fetching import amount_fetched
from mlx_backend.settings import change_settings
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.models.hub.loopback_hub import COMMIT, REPO, Hub
from tests.mlx_backend.models.hub.weights import WEIGHTS, enlarge_weights

MB = 1 << 20


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(library: Library) -> Iterator[None]:
    yield
    for folder in JobFolder.all(library.jobs):
        kill(folder)


def kill(folder: JobFolder) -> None:
    started = [e for e in folder.reader().read_new() if isinstance(e, protocol.Started)]
    if started and is_held(folder.path / "lock"):
        os.kill(started[-1].pid, signal.SIGKILL)


def wait(until: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def only_job(library: Library) -> JobFolder:
    (folder,) = JobFolder.all(library.jobs)
    return folder


def test_a_downloaded_model_chats_and_trains(
    hub: Hub,
    library: Library,
    run: Run,
    tiny_folders: dict[str, Path],
    notes_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FIXED_CORES, "1")
    result = run("download", REPO)
    assert result["model"] == "Tiny-1B"
    assert result["path"] == str(library.models / "Tiny-1B")
    assert result["licence"] == "apache-2.0"
    assert result["bytes"] == read_model(library.models, "Tiny-1B").bytes
    for name in ("general_answers.json", "general_probe.json"):
        if (tiny_folders["tiny"] / name).exists():  # else each run asks the model first
            shutil.copy(tiny_folders["tiny"] / name, library.models / "Tiny-1B" / name)
    (library.models / "starter").symlink_to(tiny_folders["starter"])
    patience = ("wait_on_battery", "wait_when_hot", "wait_when_memory_is_short")
    change_settings(
        library.settings, base_model="Tiny-1B", max_tokens=8, **dict.fromkeys(patience, False)
    )
    assert run("chat", "--prompt", "Who lit the lamp?")["prompt_tokens"]
    import_into(library, [notes_folder])
    assert run("train", "--name", "First", "--steps", "1", "--no-study")["steps"] == 1


def test_the_same_again_is_there_already(hub: Hub, library: Library, run: Run) -> None:
    first = run("download", f"https://huggingface.co/{REPO}@{COMMIT}")
    sent = hub.sent
    again = run("download", REPO)
    assert again["path"] == first["path"]
    assert again.keys() == first.keys()
    assert hub.sent == sent
    assert run("download", REPO, "--name", "TINY-1b", code=1)["error"]["kind"] == "model_exists"
    assert run("download", REPO, "--name", "..", code=1)["error"]["kind"] == "bad_input"


def test_paused_by_command_and_continued(hub: Hub, library: Library, run: Run, said: Said) -> None:
    enlarge_weights(hub.repos[REPO].files)
    hub.bytes_per_second = 4 * MB
    job_id = run("download", REPO, "--detach")["run"]
    wait(lambda: hub.sent_of(WEIGHTS) > MB)
    assert run("stop", job_id) == {"run": job_id, "status": "stopped"}
    there = amount_fetched(only_job(library))[0]
    assert there > MB
    hub.bytes_per_second = 0
    assert "Downloaded 'Tiny-1B'" in said("resume", job_id)
    assert [r.begin for r in hub.requests if r.path == WEIGHTS][-1] > 0


def test_asked_for_again_it_goes_on(hub: Hub, library: Library, run: Run) -> None:
    enlarge_weights(hub.repos[REPO].files)
    hub.bytes_per_second = 4 * MB
    run("download", REPO, "--detach")
    wait(lambda: hub.sent_of(WEIGHTS) > MB)
    run("pause", only_job(library).id)
    hub.bytes_per_second = 0
    assert run("download", REPO)["run"] == only_job(library).id


def test_cancelled_nothing_stays(hub: Hub, library: Library, run: Run) -> None:
    enlarge_weights(hub.repos[REPO].files)
    hub.bytes_per_second = 4 * MB
    job_id = run("download", REPO, "--detach")["run"]
    wait(lambda: hub.sent_of(WEIGHTS) > MB)
    assert run("download", REPO, "--cancel") == {"cancelled": [job_id]}
    assert not list(library.jobs.iterdir())
    assert run("download", REPO, "--cancel", code=1)["error"]["kind"] == "run_unknown"


def test_unfinished_downloads_are_listed(
    hub: Hub, tiny_library: Library, run: Run, said: Said
) -> None:
    enlarge_weights(hub.repos[REPO].files)
    hub.statuses.extend([(403, {})])
    assert run("download", REPO, code=1)["error"]["kind"] == "refused"
    (row,) = run("models")["downloads"]
    size = sum(len(data) for data in hub.repos[REPO].files.values())
    small = size - len(hub.repos[REPO].files[WEIGHTS])
    job_id = only_job(tiny_library).id
    assert row == {"id": job_id, "repo": REPO, "status": "failed", "bytes": small, "total": size}
    assert f"Download {job_id}: {REPO}, failed, 15 kB of 6.7 MB" in said("models")
    assert [r["status"] for r in run("runs")["runs"]] == []


def test_what_cannot_be_downloaded_leaves_no_job(hub: Hub, library: Library, run: Run) -> None:
    hub.repos[REPO].gated = True
    assert run("download", REPO, code=1)["error"]["kind"] == "refused"
    assert run("download", "nobody/nothing", code=1)["error"]["kind"] == "model_unknown"
    for words in (
        "gpt2",
        "../x",
        "a/b/c",
        "a/b@",
        "a/b@../c",
        "a--b/c",
        "https://evil.example/a/b",
    ):
        wanted = "model_unknown" if words == "a/b@" else "bad_input"
        assert run("download", words, code=1)["error"]["kind"] == wanted
    assert not list(library.jobs.iterdir())


def test_the_token_is_in_no_file_and_no_output(
    hub: Hub, library: Library, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "mirror-Zq81kkT0pw"
    monkeypatch.setenv("HF_TOKEN", token)
    hub.repos[REPO].gated = True
    printed = said("download", REPO, code=1)
    hub.repos[REPO].tokens = {token}
    printed += said("download", REPO)
    assert f"Bearer {token}" in hub.authorizations
    assert token not in printed
    files = [path for path in library.home.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if token.encode() in path.read_bytes()]


@pytest.mark.parametrize("options", [(), ("--detach",)])
def test_a_licence_that_is_not_open_source_is_named_once(
    hub: Hub, library: Library, capfd: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    hub.repos[REPO].licence = "gemma"
    assert main(["download", REPO, *options]) == 0
    out, errors = capfd.readouterr()
    assert (out + errors).count("Gemma Terms of Use. Read it: https://ai.google.dev/") == 1
    wait(lambda: only_job(library).status().state.is_over)
