"""What a person is shown of a link before it is opened."""

from __future__ import annotations

import pytest

from app.widgets.link_menu import shown_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.com/a?b=1", "https://example.com/a?b=1"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        ("https://good.example@evil.test/x", "https://evil.test/x"),
        ("https://example.com/a?b=1&c=2", "https://example.com/a?b=1&&c=2"),
    ],
)
def test_a_link_is_shown_with_its_host(address: str, shown: str) -> None:
    assert shown_address(address) == shown


def test_the_telling_end_of_a_long_host_is_shown_and_a_long_path_is_cut() -> None:
    host = ".".join(["a" * 60, "example.com", "b" * 60, "evil.test"])
    assert "evil.test" in shown_address(f"http://{host}/way")
    assert len(shown_address(f"https://example.com/{'x' * 500}")) < 120
