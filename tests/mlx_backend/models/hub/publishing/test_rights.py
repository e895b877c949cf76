"""Whose repository it is, who may see it, and which tokens may write there."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind
from mlx_backend.models.hub.published_files import LIST
from tests.mlx_backend.models.hub.own_hub import (
    CREW,
    ME,
    TOKEN,
    OwnHub,
    OwnRepo,
    Taking,
    account,
)
from tests.mlx_backend.models.hub.publishing.sent import (
    REPO,
    WEIGHTS,
    nothing_sent,
    refused,
    send,
)


def test_only_requests_to_the_hub_itself_carry_the_token(hub: OwnHub, folder: Path) -> None:
    with Taking(OwnHub()) as store:  # another host: it only has to take the file
        hub.store_url = store.url
        store.store = hub.store
        send(hub, folder)
        assert store.seen
        assert TOKEN not in str([each.headers for each in store.seen])
    assert all(TOKEN in str(each.headers) for each in hub.seen)
    assert hub.repos[REPO].files[WEIGHTS] == (folder / WEIGHTS).read_bytes()


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


def test_the_log_tells_no_key(hub: OwnHub, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hub.cuts.append(5)
    hub.refuse("commit", 503)
    send(hub, folder)
    assert TOKEN not in caplog.text
    hub.refuse("listing", 418, f"I got {TOKEN} and https://store.example/x?X-Amz-Signature=abc")
    error = refused(hub, folder, ErrorKind.REFUSED)
    assert "Signature=abc" not in error.detail
