"""HTML to Markdown, with headings, lists, tables, links and code."""

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
_LONGEST_TARGET = 200  # longer links track readers, or contain whole files
_LINK_TARGETS = ("http://", "https://", "mailto:")


def parse(html: str | bytes) -> Any:
    """Parse HTML into a BeautifulSoup tree with lxml, which repairs broken HTML."""
    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns programmers that the text looks like, say, a URL
        return BeautifulSoup(html, "lxml")


class Markdown(NamedTuple):
    """A Markdown text, and what of the HTML is not in it."""

    text: str
    losses: Losses


def to_markdown(tree: Any) -> Markdown:
    """The text of a tree from `parse`; changes the tree. Code blocks are kept verbatim."""
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
    """Remove scripts, the data of pictures (keeping descriptions), and useless link targets."""
    losses = Losses()
    for unwanted in tree.find_all([*_DROPPED, *_TOLD]):
        if not unwanted.decomposed:
            losses[_TOLD.get(unwanted.name, "")] += 1
            unwanted.decompose()
    del losses[""]  # scripts and the like, which a reader never sees
    for picture in tree.find_all("img"):
        losses["picture"] += 1
        words = _picture_text(picture)
        _become_plain(picture)
        picture.string = words
    losses["link target"] += drop_useless_links(tree)
    return losses


def drop_useless_links(tree: Any, uncounted: Sequence[str] = ()) -> int:
    """Replace links that lead nowhere outside their page by their text; returns how many.

    Links within the page, and links in elements named in `uncounted`, are replaced but not counted.
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
    """Turn an element into a plain span, which is faster than removing it.

    Removing it would search all of its siblings for it.
    """
    element.name, element.attrs = "span", {}


def tidy(text: str) -> str:
    """The text without trailing spaces, and with at most one blank line in a row."""
    lines = (line.rstrip() for line in text.replace("\xa0", " ").split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def html_to_markdown(html: str | bytes) -> Markdown:
    """`parse` and `to_markdown` in one."""
    return to_markdown(parse(html))


def _picture_text(picture: Any) -> str:
    return " ".join(str(picture.get("alt", "")).split())
