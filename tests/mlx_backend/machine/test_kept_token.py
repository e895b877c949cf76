"""The token of the server stays the same where a keyring keeps it, and is told by nothing."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from mlx_backend.library import Library
from mlx_backend.machine.kept_token import SERVICE, USER, kept_token, new_token, server_token
from tests.mlx_backend.serving.served import Served


class Forgetful(KeyringBackend):
    """A keyring that takes everything and keeps nothing, as keyring's own null backend."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        return None


class Locked(Forgetful):
    """One that refuses, with a message that repeats what it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"cannot keep {password}")


class Full(KeyringBackend):
    """One that keeps the token it has, takes no other, and removes its own if it `gives_up`."""

    priority = 1

    def __init__(self, kept: str, gives_up: bool) -> None:
        self.kept: str | None = kept
        self.gives_up = gives_up

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked

    def delete_password(self, service: str, username: str) -> None:
        if not self.gives_up:
            raise KeyringLocked
        self.kept = None


@pytest.fixture(params=[Forgetful, Locked])
def useless_keyring(request: pytest.FixtureRequest) -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(request.param())
    yield
    keyring.set_keyring(before)


def test_it_stays_the_same_until_a_new_one_is_wanted(keyring_file: Path) -> None:
    first = server_token()
    assert first.is_kept
    assert server_token() == first
    assert keyring.get_password(SERVICE, USER) == first.text
    second = server_token(anew=True)
    assert second.text != first.text
    assert server_token() == second


@pytest.mark.parametrize("gives_up", [True, False])
def test_an_old_token_that_was_to_be_replaced_is_removed_or_told_of(gives_up: bool) -> None:
    before, old = keyring.get_keyring(), new_token()
    keyring.set_keyring(Full(old, gives_up))
    try:
        token = server_token(anew=True)
        assert not token.is_kept
        assert token.old_may_return is not gives_up
        assert (server_token().text == old) is not gives_up
    finally:
        keyring.set_keyring(before)


def test_reading_the_token_makes_none(keyring_file: Path) -> None:
    assert kept_token() == ""
    assert server_token().text == kept_token()


@pytest.mark.parametrize("found", ["", "overnight-", "guess me", "overnight-\n" + "x" * 40])
def test_what_is_no_token_of_ours_is_replaced(keyring_file: Path, found: str) -> None:
    keyring.set_password(SERVICE, USER, found)
    token = server_token()
    assert token.is_kept
    assert len(token.text) > 40
    assert token.text != found


def test_without_a_keyring_that_keeps_it_each_start_has_its_own(
    useless_keyring: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        first, second = server_token(), server_token()
    assert not first.is_kept
    assert first.text != second.text
    for token in (first, second):
        assert token.text not in caplog.text
        assert token.text not in repr(token)


def test_tokens_cannot_be_guessed() -> None:
    assert len({new_token() for _ in range(100)}) == 100


def started(library: Library, folder: Path, *words: str) -> tuple[Served, dict[str, object]]:
    folder.mkdir()
    served = Served.start(library, folder, *words, stdin=subprocess.DEVNULL)
    return served, served.told


def test_two_starts_of_the_command_have_the_same_token(
    tiny_library: Library, keyring_file: Path, tmp_path: Path
) -> None:
    tokens = []
    for number, words in enumerate(((), (), ("--new-token",))):
        served, told = started(tiny_library, tmp_path / str(number), *words)
        tokens.append(served.token)
        assert told["token_kept"] is True
        assert served.raw("GET", "/v1/models").status == 200
        assert served.end() == 0
        assert served.token not in served.errors.read_text()
    assert tokens[0] == tokens[1] != tokens[2]
    for path in tiny_library.home.rglob("*"):
        if path.is_file():
            assert not any(token.encode() in path.read_bytes() for token in tokens), path
    assert json.loads(keyring_file.read_text())
