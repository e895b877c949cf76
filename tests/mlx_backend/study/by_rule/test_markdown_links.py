from __future__ import annotations

import pytest

from mlx_backend.study.by_rule.markdown_links import Link, links_in, without_links


@pytest.mark.parametrize(
    ("text", "shown", "target"),
    [
        ('[Ida](rope.md "The shop")', "Ida", "rope.md"),
        ("[Ida](rope.md 'The \"best\" shop' )", "Ida", "rope.md"),
        ('[Ida](<a rope.md> "The shop")', "Ida", "a rope.md"),
        ('![Ida](rope.png "The shop")', "Ida", "rope.png"),
        ("[![Build](b.svg)](https://ci.example/x)", "Build", "https://ci.example/x"),
        ('[![Build](b.svg "now")](x.md "All")', "Build", "x.md"),
        ("[![](b.svg)](x.md)", "", "x.md"),
    ],
)
def test_a_link_is_what_it_shows_and_where_it_leads(text: str, shown: str, target: str) -> None:
    assert links_in(f"See {text}, now.") == (Link(shown, target),)
    assert without_links(f"See {text}, now.") == f"See {shown}, now."


def test_a_picture_in_brackets_is_a_picture() -> None:
    assert without_links("[![Build](b.svg)] of today") == "[Build] of today"
