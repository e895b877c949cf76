"""The command that publishes, with its process, to a Hub on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.adapters.night_report import report_of
from mlx_backend.adapters.publishing import publish_adapter
from mlx_backend.cli.main import main
from mlx_backend.errors import OvernightError
from mlx_backend.jobs import JobFolder, JobState, launch
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS, Adapter
from mlx_backend.library.in_use import require_unused
from mlx_backend.locks import is_held
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.hub import retrying
from mlx_backend.models.hub.published_files import LIST
from mlx_backend.models.hub.tokens import SERVICE, USER
from mlx_backend.protocol import PublishSpec
from mlx_backend.protocol.privacy import PrivacyPage
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.models.hub import file_keyring
from tests.mlx_backend.models.hub.own_hub import ME, TOKEN, OwnHub, Taking, account

REPO = f"{ME}/Boats"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, keyring_file: Path) -> Iterator[OwnHub]:
    """The Hub that commands and jobs ask; the keyring has a token for it."""
    file_keyring.opened().set_password(SERVICE, USER, TOKEN)
    monkeypatch.setattr(retrying, "_SHORTEST_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with Taking(OwnHub()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def adapter(tiny_library: Library, loaded: LoadedModel) -> Adapter:
    """An adapter, and the report of the run that made it."""
    made = make_adapter(tiny_library.adapters, loaded, "Boats of Oskar")
    run = tiny_library.runs / "made"
    run.mkdir()
    (run / "report.json").write_text('{"exam_asked": 54, "exam_before": 2, "exam_after": 31}')
    return made


@pytest.fixture(autouse=True)
def no_job_outlives_its_test(library: Library) -> Iterator[None]:
    yield
    for folder in JobFolder.all(library.jobs):
        started = [e for e in folder.reader().read_new() if isinstance(e, protocol.Started)]
        if started and is_held(folder.path / "lock"):
            os.kill(started[-1].pid, signal.SIGKILL)


def wait(until: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def no_file_has_the_token(library: Library) -> None:
    files = [path for path in library.home.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def published(library: Library, spec: PublishSpec) -> dict[str, object] | None:
    """The same as the job does, in this process."""
    work = library.jobs / "work"
    result = publish_adapter(library, spec, work, lambda event: None, lambda: False)
    assert not work.exists()
    return result


def test_published_by_command_and_no_file_and_no_output_tells_the_token(
    hub: OwnHub, tiny_library: Library, adapter: Adapter, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--description", "Logbooks: 1980 to 1987.", "--message", "First night"]
    hub.refuse("commit", 403, "not allowed")  # and the Hub repeats what it was sent
    assert main(["publish", adapter.name, "Boats", *words]) == 1
    assert not hub.repos[REPO].commits
    assert main(["publish", adapter.name, "Boats", *words, "--json"]) == 0
    out, errors = capfd.readouterr()
    assert TOKEN not in out + errors
    assert "does not let the owner" in errors
    no_file_has_the_token(tiny_library)

    result, repo = json.loads(out.splitlines()[-1]), hub.repos[REPO]
    assert result["url"] == f"{hub.url}/{REPO}"
    assert result["private"] is repo.is_private is True
    assert set(result["files"]) == {
        *("README.md", WEIGHTS, "adapter_model.safetensors", "adapter_config.json", LIST)
    }
    assert set(repo.files) == {*result["files"], ".gitattributes"}
    assert repo.files[WEIGHTS] == (adapter.path / WEIGHTS).read_bytes()
    assert len(hub.asked("store/")) == 2  # the second try did not send it again
    assert repo.commits[0].message == "First night"
    page = repo.files["README.md"].decode()
    assert "license: cc0-1.0" in page
    assert "Logbooks: 1980 to 1987." in page
    assert "| 54 | 2 | 31 |" in page
    assert f"hf download {REPO}" in page
    sent = b"".join(seen.body for seen in hub.seen)
    for private in (str(tiny_library.home), adapter.name, os.uname().nodename):
        assert private.encode() not in sent
    assert not list(tiny_library.jobs.glob("*/published"))


def test_killed_in_the_middle_published_again_and_updated(
    hub: OwnHub, tiny_library: Library, adapter: Adapter, loaded: LoadedModel
) -> None:
    hub.bytes_per_second = 200_000
    spec = PublishSpec(name=adapter.name, adapter=adapter.card.id, repo=REPO)
    folder = JobFolder.create(tiny_library.jobs, spec)
    pid = launch(folder)
    wait(lambda: hub.put_bytes)
    with pytest.raises(OvernightError, match="published"):
        require_unused(tiny_library, "adapter", adapter.name)
    os.kill(pid, signal.SIGKILL)
    wait(lambda: folder.status().state is JobState.INTERRUPTED)
    repo = hub.repos[REPO]
    assert not repo.commits
    assert repo.is_private
    hub.bytes_per_second = 0
    assert published(tiny_library, spec)
    assert repo.files[WEIGHTS] == (adapter.path / WEIGHTS).read_bytes()
    assert len(repo.commits) == 1
    assert published(tiny_library, spec)
    assert len(repo.commits) == 1  # nothing has changed
    repo.files["mine.txt"] = b"mine"
    shutil.rmtree(adapter.path)
    other = make_adapter(tiny_library.adapters, loaded, adapter.name, seed=2)
    result = published(tiny_library, msgspec.structs.replace(spec, adapter=other.card.id))
    assert result is not None
    assert result["created"] is False
    assert repo.files[WEIGHTS] == (other.path / WEIGHTS).read_bytes()
    assert repo.files["mine.txt"] == b"mine"
    no_file_has_the_token(tiny_library)


def test_a_stop_leaves_the_repository_as_it_was(
    hub: OwnHub, tiny_library: Library, adapter: Adapter
) -> None:
    spec = PublishSpec(name=adapter.name, repo=REPO)
    stages: list[str] = []

    def tell(event: protocol.JobEvent) -> None:
        if isinstance(event, protocol.StageBegan):
            stages.append(event.stage)

    work = tiny_library.jobs / "work"
    assert publish_adapter(tiny_library, spec, work, tell, lambda: "publishing" in stages) is None
    assert stages == ["looking up", "preparing", "privacy", "publishing"]
    assert hub.repos == {}
    assert publish_adapter(tiny_library, spec, work, tell, lambda: "preparing" in stages) is None
    assert not work.exists()


def test_what_the_privacy_page_finds_is_held_back_before_anything_is_sent(
    hub: OwnHub, tiny_library: Library, adapter: Adapter
) -> None:
    spec = PublishSpec(
        name=adapter.name, repo=REPO, description=f"See {tiny_library.home}/notes for more."
    )
    result = published(tiny_library, spec)
    assert result is not None
    assert result["held_back"] is True
    page = msgspec.convert(result["privacy"], PrivacyPage)
    assert [Path(hit.file).name for hit in page.hits] == ["README.md"]
    assert [seen.path for seen in hub.seen] == ["api/whoami-v2"]
    other = msgspec.structs.replace(spec, despite_pages=("of another page",))
    assert (published(tiny_library, other) or {})["held_back"] is True
    all_the_same = msgspec.structs.replace(spec, despite_pages=(str(result["page_id"]),))
    result = published(tiny_library, all_the_same)
    assert result is not None
    assert result["url"] == f"{hub.url}/{REPO}"


def test_the_token_itself_leaves_on_no_condition(
    hub: OwnHub, tiny_library: Library, adapter: Adapter
) -> None:
    spec = PublishSpec(name=adapter.name, repo=REPO, description=f"Ask with {TOKEN}.")
    first = published(tiny_library, spec)
    assert first is not None
    seen = msgspec.structs.replace(spec, despite_pages=(str(first["page_id"]),))
    result = published(tiny_library, seen)
    assert result is not None
    assert result["held_back"] is True
    assert TOKEN not in repr(result)
    assert {seen.path for seen in hub.seen} == {"api/whoami-v2"}


def test_the_page_is_shown_before_it_can_be_passed(
    hub: OwnHub, tiny_library: Library, adapter: Adapter, run: Run, said: Said
) -> None:
    words = ["--description", f"See {tiny_library.home}/notes."]
    command = ("publish", adapter.name, REPO, *words)
    told = run(*command, "--despite-privacy", code=1)
    assert told["error"]["kind"] == "private"
    assert "was not" in told["error"]["hint"]
    (hit,) = told["privacy"]["hits"]
    assert hit["what"].startswith("the folder of your library")
    other = ["--description", f"Logbooks.\n\nSee {tiny_library.home}/notes.", "--despite-privacy"]
    assert "this one was not" in said("publish", adapter.name, REPO, *other, code=1)
    assert hub.repos == {}
    assert run(*command, "--despite-privacy")["url"] == f"{hub.url}/{REPO}"


COMMAND = """
import signal, sys
from mlx_backend.cli.main import main

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""


@pytest.mark.parametrize(("stage", "hint"), [("Asking", "Nothing was sent"), ("Publish", "again")])
def test_ctrl_c_tells_what_was_sent(
    hub: OwnHub, tiny_library: Library, adapter: Adapter, stage: str, hint: str
) -> None:
    hub.bytes_per_second = 50_000
    words = [sys.executable, "-c", COMMAND, "publish", adapter.name, REPO, "--json"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any(line.startswith(stage) for line in process.stderr)
        if stage == "Publish":
            wait(lambda: hub.put_bytes)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=100)
    assert process.returncode == 130
    told = json.loads(output)
    assert told["error"]["kind"] == "interrupted"
    assert hint in told["error"]["hint"]
    assert JobFolder.find(tiny_library.jobs, told["run"]).status().state is JobState.STOPPED
    assert "Traceback" not in errors
    assert not hub.repos.get(REPO) or not hub.repos[REPO].commits


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("nobody", REPO), "adapter_unknown"),
        (("Boats of Oskar", "../x"), "bad_input"),
        (("Boats of Oskar", "a b/c"), "bad_input"),
        (("Boats of Oskar", "marta/x@main"), "bad_input"),
        (("Boats of Oskar", REPO, "--licence", "a b"), "bad_input"),
    ],
)
def test_what_cannot_be_published_starts_no_job(
    hub: OwnHub, library: Library, adapter: Adapter, run: Run, words: tuple[str, ...], kind: str
) -> None:
    assert run("publish", *words, code=1)["error"]["kind"] == kind
    assert not hub.seen
    assert not list(library.jobs.iterdir())


def test_without_a_token(hub: OwnHub, adapter: Adapter, run: Run, keyring_file: Path) -> None:
    keyring_file.unlink()
    error = run("publish", adapter.name, REPO, code=1)["error"]
    assert error["kind"] == "refused"
    assert "overnight token" in error["hint"]
    assert not hub.seen


def test_tokens_that_do_not_do_are_refused_before_anything_is_prepared(
    hub: OwnHub, tiny_library: Library, adapter: Adapter
) -> None:
    spec = PublishSpec(name=adapter.name, repo=REPO)
    hub.accounts = {TOKEN: account("read")}
    with pytest.raises(OvernightError, match="may only read"):
        published(tiny_library, spec)
    hub.accounts = {}
    with pytest.raises(OvernightError, match="does not accept") as caught:
        published(tiny_library, spec)
    assert TOKEN not in str(vars(caught.value))
    hub.accounts = {TOKEN: account()}
    with pytest.raises(OvernightError, match="belongs to oskar"):
        published(tiny_library, msgspec.structs.replace(spec, repo="oskar/Boats"))
    assert hub.repos == {}


def test_a_licence_that_is_not_stated_is_asked_for(
    hub: OwnHub, tiny_library: Library, adapter: Adapter, run: Run
) -> None:
    for name in ("tiny", "starter"):
        restate(tiny_library, name, "")
    error = run("publish", adapter.name, REPO, code=1)["error"]
    assert "--licence" in error["hint"]
    assert not hub.seen


def restate(library: Library, name: str, licence: str) -> None:
    """Give a model a folder of its own in the library, with another licence."""
    place = library.models / name
    folder = place.resolve()
    place.unlink()
    place.mkdir()
    for file in folder.iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    card = (place / "overnight.json").read_text().replace("CC0-1.0", licence)
    (place / "overnight.json").write_text(card)


def test_what_the_terms_of_the_base_want_beside_it(
    hub: OwnHub, tiny_library: Library, adapter: Adapter
) -> None:
    restate(tiny_library, "tiny", "llama3.2")
    (tiny_library.models / "tiny" / "LICENSE").write_text("LLAMA 3.2 COMMUNITY LICENSE")
    spec = PublishSpec(name=adapter.name, repo=REPO, private=False)
    with pytest.raises(OvernightError, match="Llama") as caught:
        published(tiny_library, spec)
    assert f"{ME}/Llama-Boats" in caught.value.hint
    assert hub.repos == {}
    result = published(tiny_library, msgspec.structs.replace(spec, repo="Llama-Boats"))
    assert result is not None
    assert result["licence"] == "llama3.2"
    files = hub.repos[f"{ME}/Llama-Boats"].files
    assert files["NOTICE"].startswith(b"Llama 3.2 is licensed under the Llama 3.2 Community")
    assert files["base-licence/LICENSE"] == b"LLAMA 3.2 COMMUNITY LICENSE"
    assert b"**Built with Llama**" in files["README.md"]


@pytest.mark.parametrize("run_id", ["", "..", "../runs/made", "/etc", ".hidden", "gone", "a\0b"])
def test_no_report_of_an_odd_run(tiny_library: Library, adapter: Adapter, run_id: str) -> None:
    card = msgspec.structs.replace(adapter.card, run=run_id)
    odd = Adapter(card, adapter.path, adapter.bytes)
    assert report_of(tiny_library, odd) is None
