"""Org mode: headlines and code blocks become Markdown, so that passages get their headings.

Syntax: https://orgmode.org/worg/org-syntax.html
"""

from __future__ import annotations

import re

from mlx_backend.importers.document import Document, Format, SourceFile
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.plain_text import decode
from mlx_backend.importers.readers.text import one_line, seconds_of

_KEYWORD = re.compile(
    r"#\+(title|author|date|options|startup|property|filetags|language|email):\s*(.*)",
    re.IGNORECASE,
)
_HEADLINE = re.compile(r"(\*+)\s+(.*)")
_BLOCK = re.compile(r"\s*#\+(begin|end)_(src|example)\b[ \t]*(\S*)", re.IGNORECASE)
_DRAWER = re.compile(r"\s*:(properties|logbook):\s*$", re.IGNORECASE)
_DRAWER_END = re.compile(r"\s*:end:\s*$", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def read_org(source: SourceFile) -> list[Document]:
    """One document, without the file's keywords and drawers. Raises SkippedFile when empty."""
    whole = decode(source.data)
    fields: dict[str, str] = {}
    losses = Losses()
    text = "\n".join(_body(whole.split("\n"), fields, losses)).lstrip("\n")
    names = ", ".join(f"#+{name.upper()}" for name in fields)
    left_out = in_words(losses, names)
    if not text.strip():
        text, left_out = whole, ""
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    date = _DATE.search(fields.get("date", ""))
    return [
        Document(
            title=fields.get("title") or (heading[1] if heading else source.stem),
            text=text,
            kind="org",
            created=seconds_of(date[0]) if date else None,
            author=fields.get("author", ""),
            left_out=left_out,
        )
    ]


def _body(lines: list[str], fields: dict[str, str], losses: Losses) -> list[str]:
    body = []
    in_code = in_drawer = False
    last_end = max((at for at, line in enumerate(lines) if _DRAWER_END.match(line)), default=-1)
    for at, line in enumerate(lines):
        if in_drawer:
            in_drawer = not _DRAWER_END.match(line)
        elif block := _BLOCK.match(line):
            in_code = block[1].lower() == "begin"
            body.append("```" + (block[3] if in_code and block[2].lower() == "src" else ""))
        elif in_code:
            body.append(line)
        elif keyword := _KEYWORD.match(line):
            fields[keyword[1].lower()] = one_line(keyword[2])
        elif at < last_end and (drawer := _DRAWER.match(line)):
            in_drawer = True
            losses[f"{drawer[1].upper()} drawer"] += 1
        elif headline := _HEADLINE.fullmatch(line):
            body.append("#" * min(len(headline[1]), 6) + " " + headline[2])
        else:
            body.append(line)
    return body


FORMAT = Format(lambda source: source.suffix == ".org", read_org)
