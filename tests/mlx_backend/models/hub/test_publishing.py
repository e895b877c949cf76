"""Folders published to a Hub on loopback: what arrives there, and what goes wrong on the way."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sha256_of_file
from mlx_backend.models.hub import retrying
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.published_files import LIST, write_list
from mlx_backend.models.hub.publishing import Published, Target, publish
from mlx_backend.models.hub.tokens import TokenHolder
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.protocol import Progress
from tests.mlx_backend.models.hub.own_hub import (
    CREW,
    ME,
    TOKEN,
    OwnHub,
    OwnRepo,
    Taking,
    account,
)

REPO = f"{ME}/Boat-notes"
WEIGHTS = "adapters.safetensors"
MB = 1 << 20


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnHub]:
    monkeypatch.setattr(retrying, "_SHORTEST_S", 0.001)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Taking(OwnHub()) as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    (folder / "peft").mkdir(parents=True)
    fill(folder, {"README.md": b"# Boats\n", WEIGHTS: os.urandom(3 * MB), "peft/a.json": b"{}"})
    return folder


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write_list(folder)


def content(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def send(
    hub: OwnHub,
    folder: Path,
    repository: str = REPO,
    *,
    token: str = TOKEN,
    tell: Callable[[Progress], object] = lambda told: None,
    stop: Callable[[], bool] = lambda: False,
    is_private: bool = True,
) -> Published:
    access = Access(hub.url, token, TokenHolder.KEYRING if token else TokenHolder.NOWHERE)
    return publish(folder, Target(repository, is_private), access, tell, stop)


def refused(hub: OwnHub, folder: Path, kind: ErrorKind, **options: str) -> OvernightError:
    """The error of a refusal, which leaves no trace of the token."""
    with pytest.raises(OvernightError) as caught:
        send(hub, folder, **options)  # type: ignore[arg-type]
    error = caught.value
    assert error.kind is kind, error.message
    assert error.hint
    assert TOKEN not in "".join((error.message, error.hint, error.detail))
    return error


def nothing_sent(hub: OwnHub) -> bool:
    return not (hub.asked("batch") or hub.asked("preupload") or hub.asked("commit"))


def test_it_is_created_private_with_exactly_the_files(hub: OwnHub, folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(b"Finder")
    (folder / "peft" / "._a.json").write_bytes(b"Finder")
    told: list[Progress] = []
    published = send(hub, folder, tell=told.append)
    (folder / ".DS_Store").unlink()
    (folder / "peft" / "._a.json").unlink()
    repo = hub.repos[REPO]
    assert repo.is_private
    assert {".gitattributes": b"*.safetensors"} | content(folder) == repo.files
    assert published.url == f"{hub.url}/{REPO}"
    assert set(published.files) == set(content(folder)) == {
        "README.md", WEIGHTS, "peft/a.json", LIST
    }  # fmt: skip
    assert published.was_created
    assert published.is_private
    assert len(repo.commits) == 1
    assert told[-1].done == told[-1].total == sum(map(len, content(folder).values()))
    assert told[-1].unit == "bytes"
    assert b"Finder" not in b"".join(seen.body for seen in hub.seen)


def test_only_requests_to_the_hub_itself_carry_the_token(hub: OwnHub, folder: Path) -> None:
    with Taking(OwnHub()) as store:  # another host: it only has to take the file
        hub.store_url = store.url
        store.store = hub.store
        send(hub, folder)
        assert store.seen
        assert TOKEN not in str([each.headers for each in store.seen])
    assert all(TOKEN in str(each.headers) for each in hub.seen)
    assert hub.repos[REPO].files[WEIGHTS] == (folder / WEIGHTS).read_bytes()


def test_a_new_version_takes_the_place_of_the_one_before(hub: OwnHub, folder: Path) -> None:
    send(hub, folder)
    hub.repos[REPO].files |= {"mine.txt": b"my own", "edited.md": b"as published"}
    (folder / "peft" / "a.json").unlink()
    (folder / "NOTICE").write_bytes(b"")
    fill(folder, {"README.md": b"# Boats, second night\n"})
    published = send(hub, folder)
    repo = hub.repos[REPO]
    assert not published.was_created
    assert repo.commits[1].deleted == ("peft/a.json",)
    assert set(repo.commits[1].added) == {"README.md", "NOTICE", LIST}  # not the same weights again
    assert repo.files["mine.txt"] == b"my own"
    assert repo.files["README.md"] == b"# Boats, second night\n"
    assert hub.put_bytes == {path.split("/")[1]: 3 * MB for path in [hub.asked("store/")[0].path]}


def test_what_is_published_already_makes_no_commit(hub: OwnHub, folder: Path) -> None:
    send(hub, folder)
    before = len(hub.asked("store/"))
    told: list[Progress] = []
    send(hub, folder, tell=told.append)
    assert len(hub.repos[REPO].commits) == 1
    assert len(hub.asked("store/")) == before
    assert told[-1].done == told[-1].total


def test_what_was_edited_there_is_not_removed(hub: OwnHub, folder: Path) -> None:
    send(hub, folder)
    hub.repos[REPO].files["peft/a.json"] = b'{"edited": true}'
    (folder / "peft" / "a.json").unlink()
    write_list(folder)
    send(hub, folder)
    assert hub.repos[REPO].files["peft/a.json"] == b'{"edited": true}'


def test_files_of_somebodys_own_are_never_replaced(hub: OwnHub, folder: Path) -> None:
    own = {"README.md": b"# By hand\n", "data.csv": b"1,2\n"}
    hub.repos[REPO] = OwnRepo(dict(own))
    error = refused(hub, folder, ErrorKind.BAD_INPUT)
    assert "README.md" in error.message
    assert hub.repos[REPO].files == own
    assert not hub.store


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"files": {"data.csv": 3}}', b"\xff"])
def test_a_list_that_is_none_gives_no_right(hub: OwnHub, folder: Path, data: bytes) -> None:
    own = {"data.csv": b"1,2\n", LIST: data}
    hub.repos[REPO] = OwnRepo(dict(own))
    refused(hub, folder, ErrorKind.BAD_INPUT)
    assert hub.repos[REPO].files == own


def test_an_existing_repository_keeps_its_visibility(hub: OwnHub, folder: Path) -> None:
    hub.repos[REPO] = OwnRepo({})
    published = send(hub, folder, is_private=False)
    assert hub.repos[REPO].is_private
    assert published.is_private
    assert not hub.asked("create")


def test_nothing_private_goes_to_a_public_repository(hub: OwnHub, folder: Path) -> None:
    hub.repos[REPO] = OwnRepo({}, is_private=False)
    error = refused(hub, folder, ErrorKind.REFUSED)
    assert "public" in error.message
    assert nothing_sent(hub)
    assert not send(hub, folder, is_private=False).is_private


def test_a_hub_that_creates_it_public_gets_nothing(hub: OwnHub, folder: Path) -> None:
    hub.makes_public = True
    refused(hub, folder, ErrorKind.REFUSED)
    assert nothing_sent(hub)


def test_public_is_public(hub: OwnHub, folder: Path) -> None:
    assert not send(hub, folder, is_private=False).is_private
    assert not hub.repos[REPO].is_private


@pytest.mark.parametrize("name", ["Boats", f"{CREW}/Boats", "https://huggingface.co/marta/Boats"])
def test_names_of_ones_own(hub: OwnHub, folder: Path, name: str) -> None:
    published = send(hub, folder, name)
    assert published.repository in (f"{ME}/Boats", f"{CREW}/Boats")
    assert published.repository in hub.repos


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a b/c", "a/../b", "marta/..", "a/b/c", "marta/-x", "marta/x.git", "x--y",
     "marta/", "/x", "marta/x\n", "marta/ö", "marta/x@main", "marta/" + "x" * 97,
     "datasets/marta/x", "https://example.org/marta/x", "\x1b[31mx", "marta/x\0"],
)  # fmt: skip
def test_names_that_none_can_have(hub: OwnHub, folder: Path, name: str) -> None:
    if name.endswith("\n"):
        assert send(hub, folder, name).repository == "marta/x"  # typed with a line's end
        return
    error = refused(hub, folder, ErrorKind.BAD_INPUT, repository=name)
    assert "\x1b" not in error.message
    assert not hub.seen


def test_no_repository_of_somebody_else(hub: OwnHub, folder: Path) -> None:
    hub.repos["oskar/Boats"] = OwnRepo({}, is_private=False)
    error = refused(hub, folder, ErrorKind.REFUSED, repository="oskar/Boats")
    assert "oskar" in error.message
    assert "marta" in error.message
    assert [each.path for each in hub.seen] == ["api/whoami-v2"]


@pytest.mark.parametrize(
    ("token", "says"),
    [("", "none"), ("hf_" + "wrong", "does not accept"), ("hf_" + "reads", "may only read")],
)
def test_tokens_that_do_not_do(hub: OwnHub, folder: Path, token: str, says: str) -> None:
    hub.accounts["hf_" + "reads"] = account("read")
    error = refused(hub, folder, ErrorKind.REFUSED, token=token)
    assert says in error.message
    assert not token or token not in "".join((error.message, error.hint, error.detail))
    assert "overnight token" in error.hint
    assert nothing_sent(hub)
    assert not hub.repos


@pytest.mark.parametrize(
    ("permission", "is_enough"), [("repo.content.read", False), ("repo.write", True)]
)
def test_fine_grained_tokens(hub: OwnHub, folder: Path, permission: str, is_enough: bool) -> None:
    scoped = [{"entity": {"type": "user", "name": ME}, "permissions": [permission]}]
    hub.accounts[TOKEN] = account("fineGrained", fineGrained={"global": [], "scoped": scoped})
    if is_enough:
        assert send(hub, folder).was_created
    else:
        refused(hub, folder, ErrorKind.REFUSED)
        assert not hub.repos


def test_a_role_that_may_only_read(hub: OwnHub, folder: Path) -> None:
    refused(hub, folder, ErrorKind.REFUSED, repository="readers/Boats")
    assert not hub.repos


@pytest.mark.parametrize("part_size", [0, MB])
def test_a_connection_that_breaks_is_made_again(hub: OwnHub, folder: Path, part_size: int) -> None:
    hub.part_size = part_size
    hub.cuts.extend([200_000, 3, 900_000])
    told: list[Progress] = []
    send(hub, folder, tell=told.append)
    assert hub.repos[REPO].files[WEIGHTS] == (folder / WEIGHTS).read_bytes()
    assert any("trying again" in each.text for each in told)
    assert len(hub.repos[REPO].commits) == 1


def test_large_files_go_in_parts(hub: OwnHub, folder: Path) -> None:
    hub.part_size = MB
    fill(folder, {WEIGHTS: os.urandom(2 * MB + 5)})
    send(hub, folder)
    assert [len(each.body) for each in hub.asked("store/")] == [MB, MB, 5]
    assert hub.repos[REPO].files[WEIGHTS] == (folder / WEIGHTS).read_bytes()


def test_a_stop_in_the_middle_commits_nothing_and_is_gone_on_with(
    hub: OwnHub, folder: Path
) -> None:
    fill(folder, {"b.safetensors": os.urandom(MB)})
    first = sha256_of_file(folder / WEIGHTS)
    with pytest.raises(Stopped):
        send(hub, folder, stop=lambda: first in hub.store)
    assert hub.repos[REPO].commits == []
    assert hub.repos[REPO].is_private
    sent = hub.put_bytes[first]
    send(hub, folder)
    assert hub.put_bytes[first] == sent == 3 * MB  # what was sent is not sent again
    assert len(hub.repos[REPO].commits) == 1


def test_a_stop_within_a_file(hub: OwnHub, folder: Path) -> None:
    hub.bytes_per_second = 20 * MB
    with pytest.raises(Stopped):
        send(hub, folder, stop=lambda: any(hub.put_bytes.values()))
    assert not hub.store
    assert not hub.repos[REPO].commits


@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # its own, of httpx2
def test_the_official_client_speaks_as_we_do(
    hub: OwnHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it sends to this Hub is what we send, so the Hub is like the real one in that."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    api = HfApi(endpoint=hub.url, token=TOKEN)
    api.create_repo("marta/Official", private=True)
    files = content(folder)
    api.create_commit(
        "marta/Official",
        [CommitOperationAdd(path, str(folder / path)) for path in sorted(files)],
        commit_message="Published by Overnight",
        parent_commit=hub.repos["marta/Official"].head,
    )
    theirs, hub.seen, hub.store = hub.seen, [], {}
    send(hub, folder)
    ours = hub.seen
    for kind in ("repos/create", "preupload", "objects/batch", "store/", "verify/", "/commit/"):
        (their,) = [seen for seen in theirs if kind in seen.path]
        (our,) = [seen for seen in ours if kind in seen.path]
        assert our.method == their.method
        assert our.path.replace(REPO, "marta/Official") == their.path
        assert told_in(our.body.replace(b"Boat-notes", b"Official")) == told_in(their.body), kind
    assert hub.repos["marta/Official"].files == hub.repos[REPO].files


def told_in(body: bytes) -> list[object]:
    """What lines of JSON say, in any order; of a file, its bytes."""
    if not body.startswith(b"{"):
        return [body]
    lines = [json.loads(line) for line in body.splitlines()]
    for line in lines:
        line.get("files", []).sort(key=lambda file: file["path"])
    return sorted(lines, key=json.dumps)


@pytest.mark.parametrize(
    "kind", ["whoami", "listing", "create", "preupload", "batch", "put", "commit"]
)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_asked_again(hub: OwnHub, folder: Path, kind: str, status: int) -> None:
    hub.refuse(kind, status, times=2)
    send(hub, folder)
    assert content(folder).items() <= hub.repos[REPO].files.items()
    assert len(hub.repos[REPO].commits) == 1


@pytest.mark.parametrize(("status", "kind"), [(429, ErrorKind.BUSY), (502, ErrorKind.OFFLINE)])
@pytest.mark.parametrize("asked", ["whoami", "put", "commit"])
def test_a_hub_that_stays_busy(
    hub: OwnHub, folder: Path, asked: str, status: int, kind: ErrorKind
) -> None:
    hub.refuse(asked, status, times=40)
    refused(hub, folder, kind)
    assert not any(repo.commits for repo in hub.repos.values())


def test_the_hub_says_how_long_to_wait(hub: OwnHub, folder: Path) -> None:
    hub.refuse("commit", 429, Retry_After="1")
    waits: list[str] = []
    send(hub, folder, tell=lambda told: waits.append(told.text))
    assert any("trying again in 1 s" in text for text in waits)


def test_no_room(hub: OwnHub, folder: Path) -> None:
    hub.refuse("batch", 403, "Private repository storage limit reached, please upgrade your plan")
    assert "storage" in refused(hub, folder, ErrorKind.REFUSED).message
    hub.refuse("commit", 403, "no write access")
    assert "write" in refused(hub, folder, ErrorKind.REFUSED).message


def test_a_name_that_the_hub_does_not_allow(hub: OwnHub, folder: Path) -> None:
    hub.refuse("create", 400, "this name is reserved")
    error = refused(hub, folder, ErrorKind.BAD_INPUT)
    assert "name" in error.message
    assert "reserved" in error.detail


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: OwnHub, folder: Path) -> None:
    hub.lost_answers = 1
    send(hub, folder)
    assert len(hub.repos[REPO].commits) == 1
    assert content(folder).items() <= hub.repos[REPO].files.items()


def test_somebody_elses_commit_meanwhile_is_kept(hub: OwnHub, folder: Path) -> None:
    send(hub, folder)
    fill(folder, {WEIGHTS: os.urandom(MB)})

    def meanwhile(told: Progress) -> None:
        repo = hub.repos[REPO]
        if "other.txt" not in repo.files:
            repo.files["other.txt"] = b"of somebody else"
            repo.head = "2" * 40

    send(hub, folder, tell=meanwhile)
    assert hub.repos[REPO].files["other.txt"] == b"of somebody else"
    assert hub.repos[REPO].files[WEIGHTS] == (folder / WEIGHTS).read_bytes()


def test_no_network(folder: Path, hub: OwnHub) -> None:
    hub.url = "http://127.0.0.1:9"
    assert "reached" in refused(hub, folder, ErrorKind.OFFLINE).message


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"name": 3}', b"\xff\xfe"])
@pytest.mark.parametrize("kind", ["whoami", "preupload", "batch"])
def test_odd_answers(hub: OwnHub, folder: Path, kind: str, body: bytes) -> None:
    hub.repos[REPO] = OwnRepo({})
    hub.odd[kind] = body
    refused(hub, folder, ErrorKind.OFFLINE)
    assert not hub.repos[REPO].commits


def test_links_and_hidden_files_are_refused(hub: OwnHub, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "linked").symlink_to(tmp_path / "secret")
    assert "link" in refused(hub, folder, ErrorKind.BAD_INPUT).message
    (folder / "linked").unlink()
    (folder / "peft" / "out").symlink_to(tmp_path)
    assert "link" in refused(hub, folder, ErrorKind.BAD_INPUT).message
    (folder / "peft" / "out").unlink()
    (folder / ".env").write_text("KEY=1")
    assert "hidden" in refused(hub, folder, ErrorKind.BAD_INPUT).message
    (folder / ".env").unlink()
    os.mkfifo(folder / "pipe")
    assert "neither" in refused(hub, folder, ErrorKind.BAD_INPUT).message
    assert not hub.seen


def test_an_empty_folder(hub: OwnHub, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(hub, tmp_path / "empty", ErrorKind.BAD_INPUT)


def test_the_log_tells_no_key(hub: OwnHub, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hub.cuts.append(5)
    hub.refuse("commit", 503)
    send(hub, folder)
    assert TOKEN not in caplog.text
    hub.refuse("listing", 418, f"I got {TOKEN} and https://store.example/x?X-Amz-Signature=abc")
    error = refused(hub, folder, ErrorKind.REFUSED)
    assert "Signature=abc" not in error.detail
