"""HTML to Markdown: headings, lists, tables, links and code stay what they are."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from mlx_backend.importers.readers.html_code import CodeBlocks
from mlx_backend.importers.readers.losses import Losses

_DROPPED = ["script", "style", "noscript", "template", "head", "input"]
_TOLD = {"svg": "drawing", "iframe": "embedded page", "object": "embedded object"}
_BLANK_LINES = re.compile(r"\n{3,}")
_LONGEST_TARGET = 200  # longer ones track readers, or hold whole files
_LINK_TARGETS = ("http://", "https://", "mailto:")


def parse(html: str | bytes) -> Any:
    """The tree of an HTML text, by lxml, which mends what is broken; a BeautifulSoup."""
    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it guesses at mistakes of programmers; these are files
        return BeautifulSoup(html, "lxml")


class Markdown(NamedTuple):
    """A text, and what of its HTML is not in it."""

    text: str
    losses: Losses


def to_markdown(tree: Any) -> Markdown:
    """The text of a tree from `parse`, which loses its scripts and the like; code is untouched."""
    from markdownify import ATX, MarkdownConverter

    losses = _drop_what_is_no_text(tree)
    code = CodeBlocks(tree)
    converter = MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        autolinks=True,
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
    )
    return Markdown(code.restored(tidy(str(converter.convert_soup(tree)))), losses)


def _drop_what_is_no_text(tree: Any) -> Losses:
    """Take out pictures but for what describes them, scripts, and targets of useless links."""
    losses = Losses()
    for unwanted in tree.find_all([*_DROPPED, *_TOLD]):
        if not unwanted.decomposed:
            losses[_TOLD.get(unwanted.name, "")] += 1
            unwanted.decompose()
    del losses[""]  # a person never saw those
    for picture in tree.find_all("img"):
        losses["picture"] += 1
        words = _picture_text(picture)
        _become_plain(picture)
        picture.string = words
    losses["link target"] += drop_useless_links(tree)
    return losses


def drop_useless_links(tree: Any, uncounted: Sequence[str] = ()) -> int:
    """Keep the words but not the targets of links that lead nowhere without their page.

    How many these are, but for links within the page and those in elements that are `uncounted`.
    """
    dropped = 0
    for link in tree.find_all("a"):
        target = str(link.get("href", "")).strip()
        if not target.startswith(_LINK_TARGETS) or len(target) > _LONGEST_TARGET:
            leads_on = bool(target) and not target.startswith(("#", "javascript:"))
            dropped += leads_on and not (uncounted and link.find_parent(uncounted))
            _become_plain(link)
    return dropped


def _become_plain(element: Any) -> None:
    """Turn an element into one of no meaning, in its place.

    To take it out, its place would be looked for among all of its neighbours.
    """
    element.name, element.attrs = "span", {}


def tidy(text: str) -> str:
    """Without blanks at line ends and with at most one empty line in a row."""
    lines = (line.rstrip() for line in text.replace("\xa0", " ").split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def html_to_markdown(html: str | bytes) -> Markdown:
    """`parse` and `to_markdown` in one."""
    return to_markdown(parse(html))


def _picture_text(picture: Any) -> str:
    return " ".join(str(picture.get("alt", "")).split())
