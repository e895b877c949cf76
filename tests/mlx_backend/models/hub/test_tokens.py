"""Where the access token is kept, where it is found, and that nothing tells it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx2
import huggingface_hub
import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.refusals import gated, of_status
from mlx_backend.models.hub.repository import Repository
from mlx_backend.models.hub.tokens import TokenHolder, find_token, forget_token, keep_token
from mlx_backend.models.hub.transfer import Transfer, Watch, open_client

TOKEN = "mirror-Zq81kkT0pw"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


class Broken(KeyringBackend):
    """A keyring that fails, with a message that repeats what it was given."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"locked: {TOKEN}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError(f"cannot keep {password}")

    def delete_password(self, service: str, username: str) -> None:
        raise KeyringLocked("locked")


@pytest.fixture
def broken_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Broken())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def test_no_token_anywhere() -> None:
    assert find_token() == ("", TokenHolder.NOWHERE)


def test_the_keyring_keeps_it_and_forgets_it(keyring_file: Path) -> None:
    keep_token(f" {TOKEN}\n")
    assert find_token() == (TOKEN, TokenHolder.KEYRING)
    assert keyring.get_password("Overnight", "huggingface") == TOKEN
    assert forget_token()
    assert not forget_token()
    assert find_token() == ("", TokenHolder.NOWHERE)


def test_which_goes_first(keyring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "of-hugging-face")
    assert find_token() == ("of-hugging-face", TokenHolder.HUGGING_FACE)
    keep_token("of-the-keyring")
    assert find_token() == ("of-the-keyring", TokenHolder.KEYRING)
    monkeypatch.setenv("HF_TOKEN", "of-the-variable")
    assert find_token() == ("of-the-variable", TokenHolder.VARIABLE)


def test_a_token_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise PermissionError(13, "refused")

    monkeypatch.setattr(huggingface_hub, "get_token", refuse)
    assert find_token() == ("", TokenHolder.NOWHERE)


@pytest.mark.parametrize("token", ["", "  \n"])
def test_nothing_is_not_kept(keyring_file: Path, token: str) -> None:
    with pytest.raises(OvernightError, match="No access token"):
        keep_token(token)
    assert not keyring_file.exists()


@pytest.mark.parametrize("token", ["a b", "über", "a\x00b", "x" * 1001, "two\nlines"])
def test_what_can_be_no_token_is_not_kept_nor_repeated(keyring_file: Path, token: str) -> None:
    with pytest.raises(OvernightError) as caught:
        keep_token(token)
    assert caught.value.kind is ErrorKind.WRONG_USAGE
    assert token not in f"{caught.value.message} {caught.value.hint} {caught.value.detail}"
    assert not keyring_file.exists()


def test_without_a_keyring_the_variable_is_the_way_out() -> None:
    with pytest.raises(OvernightError) as caught:
        keep_token(TOKEN)
    error = caught.value
    assert error.kind is ErrorKind.REFUSED
    assert "HF_TOKEN" in error.hint
    assert TOKEN not in error.message + error.hint + error.detail
    assert not forget_token()


def test_a_keyring_that_fails_tells_nothing_and_ends_no_download(
    broken_keyring: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert find_token() == ("", TokenHolder.NOWHERE)
    for change in (lambda: keep_token(TOKEN), forget_token):
        with pytest.raises(OvernightError) as caught:
            change()
        error = caught.value
        assert TOKEN not in error.message + error.hint + error.detail
        assert error.__cause__ is None
    assert "KeyringLocked" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("endpoint", "is_sent"),
    [
        ("https://mirror.example", True),
        ("http://127.0.0.1:9", True),
        ("http://localhost:9", True),
        ("http://mirror.example", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_a_kept_token_is_not_sent_in_the_clear(
    keyring_file: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, is_sent: bool
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    keep_token(TOKEN)
    assert Access.from_environment().token == (TOKEN if is_sent else "")
    assert TOKEN not in repr(Access.from_environment())
    monkeypatch.setenv("HF_TOKEN", TOKEN)  # who gives it to this very command means it
    assert Access.from_environment().token == TOKEN


def test_who_is_refused_by_a_token_is_told_which(
    keyring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in HF_TOKEN goes before one that is kept, which may be the right one."""
    keep_token(TOKEN)
    kept = of_status(Access.from_environment(), "a/b", 401, "")
    assert "of the keyring of this computer" in kept.message
    assert "Unset" not in kept.hint
    monkeypatch.setenv("HF_TOKEN", "another")
    for error in (
        of_status(Access.from_environment(), "a/b", 401, ""),
        gated(Access.from_environment(), "a/b"),
    ):
        assert "HF_TOKEN" in error.message + error.hint
    assert "Unset HF_TOKEN" in of_status(Access.from_environment(), "a/b", 403, "").hint
    monkeypatch.setenv("HF_TOKEN", "no token")
    with pytest.raises(OvernightError, match="The environment variable HF_TOKEN") as caught:
        find_token()
    assert "to use the one that is kept" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (
            "403 for url: https://cdn.example/f?X-Signature=abc&Key=9",
            "403 for url: https://cdn.example/f?***",
        ),
        ("'https://cdn.example/f?sig=abc' and more", "'https://cdn.example/f?***' and more"),
        ("HTTPS://cdn.example/f?sig=abc\nnext?", "HTTPS://cdn.example/f?***\nnext?"),
        ("https://huggingface.co/a/b is gone?", "https://huggingface.co/a/b is gone?"),
        (f"Bearer {TOKEN}", "Bearer ***"),
    ],
)
def test_signed_addresses_are_hidden_as_tokens_are(text: str, hidden: str) -> None:
    """The Hub redirects to addresses with which anybody may fetch the file."""
    assert Access(token=TOKEN).hidden(text) == hidden


def test_the_address_of_a_refused_redirect_is_in_no_error() -> None:
    request = httpx2.Request("GET", "https://cdn.example/f?X-Signature=abc")
    answer = httpx2.Response(403, request=request, content=iter([b"<Error>Denied</Error>"]))
    repository = Repository(name="a/b", commit="5" * 40, files=())
    watch = Watch(lambda: False, lambda *_: None, lambda *_: None)
    with open_client() as client:
        error = Transfer(client, Access(), repository, watch)._told(answer)
    assert "cdn.example" in error.detail
    assert "X-Signature" not in f"{error.message} {error.hint} {error.detail}"
