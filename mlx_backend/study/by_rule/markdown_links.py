"""Links in Markdown: their text and their target."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

# Lengths are bounded, because a page of opening brackets would take quadratic time.
_LINK = re.compile(
    r"""
    !?\[(?: !\[(?P<pictured>[^\]]{0,300})\]\([^()\n]{0,500}\) | (?!!\[)(?P<shown>[^\]]{0,300}) )\]\(
        (?: <(?P<spaced>[^<>\n]{0,500})> | (?P<target>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*) )
        (?:[ \t]{1,9}(?: "[^"\n]{0,300}" | '[^'\n]{0,300}' ))?[ \t]{0,9}
    \)
    | !?\[\[(?P<note>[^\[\]|\n]{0,300})(?:\|(?P<alias>[^\[\]\n]{0,300}))?\]\]
    """,
    re.VERBOSE,
)
_BLOCK = re.compile(r"#\^[\w-]*$")  # Obsidian's id of a paragraph, which is not shown


@dataclass(frozen=True)
class Link:
    """A link of a note: the text that it shows, and the name or path that it points to."""

    shown: str
    target: str


def links_in(text: str) -> tuple[Link, ...]:
    """All links in a piece of Markdown, in order, those to the web included."""
    return tuple(Link(_shown(found), _target(found)) for found in _LINK.finditer(text))


def without_links(text: str) -> str:
    """A piece of Markdown with each link replaced by the text that it shows."""
    return _LINK.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    if found["note"] is None:
        return found["shown"] or found["pictured"] or ""
    return found["alias"] or _BLOCK.sub("", found["note"]).strip("#").replace("#", " › ")


def _target(found: re.Match[str]) -> str:
    if found["note"] is None:
        path = unquote(found["spaced"] or found["target"] or "")
    else:
        path = found["note"].rstrip("\\")  # in a table, a backslash escapes the bar that follows
    return path.partition("#")[0].strip()
