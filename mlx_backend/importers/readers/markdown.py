"""Markdown: the text as it is, without the YAML front matter.

That may give title, date, author, aliases and tags.

Wikilinks, embeds, callouts, tags and code stay as they are.
"""

from __future__ import annotations

import re

import yaml

from mlx_backend.importers.document import Document, Format, SourceFile
from mlx_backend.importers.readers.plain_text import decode
from mlx_backend.importers.readers.text import one_line, seconds_of

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIRST_HEADING = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LONGEST_FRONT_MATTER = 20_000
_SUFFIXES = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx", ".rmd", ".qmd"})
_ALIASES = ("aliases", "alias")
_TAGS = ("tags", "tag", "keywords", "categories")
_MOST_NAMES = 100
_LONGEST_NAME = 200  # characters
_DATES = ("created", "date", "date created", "created_at", "creation_date")


def read_markdown(source: SourceFile) -> list[Document]:
    """One document. Its title is that of the front matter, else the first heading, else the name.

    Raises SkippedFile for empty and binary files.
    """
    text = decode(source.data)
    fields: dict[str, object] | None = None
    left_out = ""
    if front := _FRONT_MATTER.match(text[:_LONGEST_FRONT_MATTER]):
        fields = _fields(front[1] or "")
        if fields is not None:
            body = text[front.end() :].lstrip("\n")
            if body.strip():
                text = body
                left_out = _named(fields)
    fields = fields or {}
    author = fields.get("author")
    return [
        Document(
            title=_title(fields, text) or source.stem,
            text=text,
            kind="markdown",
            created=next(filter(None, (seconds_of(fields.get(name)) for name in _DATES)), None),
            author=one_line(author) if isinstance(author, str) else "",
            left_out=left_out,
            aliases=_names(fields, _ALIASES),
            tags=_names(fields, _TAGS),
        )
    ]


def _title(fields: dict[str, object], text: str) -> str:
    title = fields.get("title")
    if isinstance(title, str) and title.strip():
        return one_line(title)
    heading = _FIRST_HEADING.search(_FENCED.sub("", text))
    return one_line(heading[1]) if heading else ""


def _names(fields: dict[str, object], keys: tuple[str, ...]) -> tuple[str, ...]:
    """The names in these fields, which are lists, or text with commas in between."""
    found: dict[str, None] = {}
    for key in keys:
        value = fields.get(key)
        names = value.split(",") if isinstance(value, str) else value
        for name in names if isinstance(names, list) else ():
            # A number of millions of digits cannot be written out; a year can.
            if isinstance(name, str) or (type(name) is int and abs(name) < 10**9):
                found[one_line(str(name).lstrip("#"))[:_LONGEST_NAME].strip()] = None
            if len(found) > _MOST_NAMES:
                break
    found.pop("", None)
    return tuple(found)[:_MOST_NAMES]


def _named(fields: dict[str, object]) -> str:
    names = ", ".join(str(name) for name in list(fields)[:10])
    return f"front matter ({names})" if names else ""


def _fields(source: str) -> dict[str, object] | None:
    """The fields of the front matter; None when it is not a YAML mapping, but part of the text."""
    try:
        fields = yaml.load(source, Loader=_NoAliases)
    # PyYAML raises LookupError and AttributeError for tags that do not fit, like `!!bool perhaps`.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


class _NoAliases(yaml.SafeLoader):
    """A safe loader that refuses aliases, because a few bytes of them can expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Raise YAMLError for an alias; otherwise do as the base class does."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


FORMAT = Format(lambda source: source.suffix in _SUFFIXES, read_markdown)
