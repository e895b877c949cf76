"""Connections that break, a Hub that is busy or says odd things, stops on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind
from mlx_backend.files import sha256_of_file
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.protocol import Progress
from tests.mlx_backend.models.hub.own_hub import (
    OwnHub,
    OwnRepo,
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


@pytest.mark.parametrize("part_size", [0, MB])
def test_a_connection_that_breaks_is_made_again(hub: OwnHub, folder: Path, part_size: int) -> None:
    hub.part_size = part_size
    hub.cuts.extend([200_000, 3, 900_000])
    told: list[Progress] = []
    send(hub, folder, tell=told.append)
    assert hub.repos[REPO].files[WEIGHTS] == (folder / WEIGHTS).read_bytes()
    assert any("trying again" in each.text for each in told)
    assert len(hub.repos[REPO].commits) == 1


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
