"""Links in Markdown: what they show, and to which note they point."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

# Bounded, for a page of opening brackets would take for ever.
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
_BLOCK = re.compile(r"#\^[\w-]*$")  # Obsidian's name for a paragraph, which nobody reads


@dataclass(frozen=True)
class Link:
    """A link of a note: the words that it shows, and the name or path of what it points to."""

    shown: str
    target: str


def links_in(text: str) -> tuple[Link, ...]:
    """The links of a piece of Markdown, in order, also those that lead out of the notes."""
    return tuple(Link(_shown(found), _target(found)) for found in _LINK.finditer(text))


def without_links(text: str) -> str:
    """A piece of Markdown with what its links show in their place."""
    return _LINK.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    if found["note"] is None:
        return found["shown"] or found["pictured"] or ""
    return found["alias"] or _BLOCK.sub("", found["note"]).strip("#").replace("#", " › ")


def _target(found: re.Match[str]) -> str:
    if found["note"] is None:
        path = unquote(found["spaced"] or found["target"] or "")
    else:
        path = found["note"].rstrip("\\")  # tables hide the stroke behind it from their own
    return path.partition("#")[0].strip()
