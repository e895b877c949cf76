"""What arrives on the Hub: a folder's files, and those of its next version."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants

from mlx_backend.errors import ErrorKind
from mlx_backend.models.hub.published_files import LIST, write_list
from mlx_backend.protocol import Progress
from tests.mlx_backend.models.hub.own_hub import (
    TOKEN,
    OwnHub,
)
from tests.mlx_backend.models.hub.publishing.sent import (
    MB,
    REPO,
    WEIGHTS,
    content,
    fill,
    refused,
    send,
)


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


def test_large_files_go_in_parts(hub: OwnHub, folder: Path) -> None:
    hub.part_size = MB
    fill(folder, {WEIGHTS: os.urandom(2 * MB + 5)})
    send(hub, folder)
    assert [len(each.body) for each in hub.asked("store/")] == [MB, MB, 5]
    assert hub.repos[REPO].files[WEIGHTS] == (folder / WEIGHTS).read_bytes()


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
