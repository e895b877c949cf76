"""HTML to Markdown: headings, lists, tables, links and code stay what they are."""

from __future__ import annotations

import re
import warnings
from typing import Any

_DROPPED = ["script", "style", "noscript", "template", "svg", "iframe", "object", "head", "input"]
_BLANK_LINES = re.compile(r"\n{3,}")
_LONGEST_TARGET = 200  # longer ones track readers, or hold whole files
_LINK_TARGETS = ("http://", "https://", "mailto:")


def parse(html: str | bytes) -> Any:
    """The tree of an HTML text, by lxml, which mends what is broken; a BeautifulSoup."""
    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it guesses at mistakes of programmers; these are files
        return BeautifulSoup(html, "lxml")


def to_markdown(tree: Any) -> str:
    """The text of a tree from `parse`, which loses its scripts and the like."""
    from markdownify import ATX, MarkdownConverter

    for unwanted in tree.find_all(_DROPPED):
        unwanted.decompose()
    for picture in tree.find_all("img"):
        picture.replace_with(_picture_text(picture))
    drop_useless_links(tree)
    converter = MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        autolinks=True,
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
    )
    return tidy(str(converter.convert_soup(tree)))


def drop_useless_links(tree: Any) -> None:
    """Keep the words but not the targets of links that lead nowhere without their page."""
    for link in tree.find_all("a"):
        target = str(link.get("href", ""))
        if not target.startswith(_LINK_TARGETS) or len(target) > _LONGEST_TARGET:
            link.unwrap()


def tidy(text: str) -> str:
    """Without blanks at line ends and with at most one empty line in a row."""
    lines = (line.rstrip() for line in text.replace("\xa0", " ").split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


def html_to_markdown(html: str | bytes) -> str:
    """`parse` and `to_markdown` in one."""
    return to_markdown(parse(html))


def _picture_text(picture: Any) -> str:
    return " ".join(str(picture.get("alt", "")).split())
