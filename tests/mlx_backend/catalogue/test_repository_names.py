"""What people write or paste to name a repository."""

from __future__ import annotations

import pytest

from mlx_backend.catalogue.repository_names import (
    ADAPTER,
    is_address,
    repository_name_for,
    repository_of,
    repository_to_publish,
)
from mlx_backend.errors import ErrorKind, OvernightError

COMMIT = "5" * 40


@pytest.mark.parametrize(
    ("text", "revision"),
    [
        ("a/b", "main"),
        (" a/b\n", "main"),
        ("a/b/", "main"),
        ("a/b@", "main"),
        (f"a/b@{COMMIT}", COMMIT),
        ("a/b@refs/pr/1", "refs/pr/1"),
        ("https://huggingface.co/a/b", "main"),
        ("https://huggingface.co/a/b/", "main"),
        ("https://huggingface.co/a/b?library=mlx#usage", "main"),
        (f"https://huggingface.co/a/b@{COMMIT}", COMMIT),
        ("https://huggingface.co/a/b/tree/main", "main"),
        (f"https://huggingface.co/a/b/tree/{COMMIT}", COMMIT),
        ("https://huggingface.co/a/b/tree/refs%2Fpr%2F1", "refs/pr/1"),
        ("https://huggingface.co/a/b/blob/v2/config.json", "v2"),
        ("https://huggingface.co/a/b/resolve/v2/config.json?download=true", "v2"),
        ("http://www.huggingface.co/a/b", "main"),
        ("https://hf.co/a/b", "main"),
        ("huggingface.co/a/b", "main"),
        ("HuggingFace.co/a/b/tree/v2", "v2"),
    ],
)
def test_what_names_a_repository(text: str, revision: str) -> None:
    assert repository_of(text) == ("a/b", revision)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not name"),
        ("gpt2", "does not name"),
        ("../x", "does not name"),
        ("a/b/c", "does not name"),
        ("a/b/c/d", "does not name"),
        ("a/b@../c", "does not name"),
        ("a/b@x y", "does not name"),
        ("a--b/c", "does not name"),
        ("https://huggingface.co/", "does not name"),
        ("https://huggingface.co/a/b/discussions/3", "does not name"),
        ("https://huggingface.co/datasets/a/b", "is a data set"),
        ("datasets/a/b", "is a data set"),
        ("https://huggingface.co/spaces/a/b", "is a space"),
        ("https://evil.example/a/b", "lies on evil.example"),
        ("https://huggingface.co.evil.example/a/b", "lies on huggingface.co.evil.example"),
        ("https://huggingface.co@evil.example/a/b", "lies on evil.example"),
        ("modelscope.cn/models/a/b", "lies on modelscope.cn"),
        ("file:///etc/passwd", "not on huggingface.co"),
        ("https://[/a/b", "no address"),
        ("a/b\x00", "does not name"),
    ],
)
def test_what_names_none(text: str, said: str) -> None:
    with pytest.raises(OvernightError, match=said) as caught:
        repository_of(text)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert "OWNER/NAME" in caught.value.hint


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Notes 23 November", "Notes-23-November"),
        ("Küche & Gärten (2)", "Kuche-Garten-2"),
        ("..a..b--c.", "a.b-c"),
        ("日記", "adapter"),
        ("notes.git", "notes"),
        ("x" * 64, "x" * 64),
        ("-.git", "git"),
        ("a.ipynb.git", "a"),
    ],
)
def test_every_adapter_has_a_name_that_the_hub_allows(title: str, name: str) -> None:
    assert repository_name_for(title) == name
    assert repository_to_publish(name) == name


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://huggingface.co/a/b", True),
        ("hf.co/a/b", True),
        ("https://huggingface.co/datasets/a/b", True),
        ("https://huggingface.co", False),
        ("https://example.org/a/b", False),
        ("a/b", False),
        ("some text about huggingface.co/a/b", False),
        ("file:///home/ana/b", False),
    ],
)
def test_addresses_of_the_hub_are_known(text: str, is_one: bool) -> None:
    assert is_address(text) is is_one


def test_an_adapter_is_looked_for_by_an_adapters_name() -> None:
    with pytest.raises(OvernightError, match="is a space, not an adapter") as caught:
        repository_of("https://huggingface.co/spaces/a/b", ADAPTER)
    assert "anna/garden-notes" in caught.value.hint
