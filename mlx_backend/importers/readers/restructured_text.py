"""reStructuredText: section titles become Markdown headings; everything else stays as it is.

Sections: https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html#sections
"""

from __future__ import annotations

import re

from mlx_backend.importers.document import Document, Format, SourceFile
from mlx_backend.importers.readers.plain_text import decode

_LINE = re.compile(r"([=\-`:.'\"~^_*+#])\1{2,}\s*")
_DEEPEST = 6


def read_rst(source: SourceFile) -> list[Document]:
    """One document, titled by its first section, else its file. Raises SkippedFile if empty."""
    lines = decode(source.data).split("\n")
    styles: list[str] = []
    body: list[str] = []
    title = ""
    at = 0
    while at < len(lines):
        taken, style = _title_at(lines, at)
        if not taken:
            body.append(lines[at])
            at += 1
            continue
        if style not in styles:
            styles.append(style)
        heading = lines[at + taken - 2].strip()
        title = title or heading
        body.append("#" * min(styles.index(style) + 1, _DEEPEST) + " " + heading)
        at += taken
    return [Document(title=title or source.stem, text="\n".join(body), kind="rst")]


def _title_at(lines: list[str], at: int) -> tuple[int, str]:
    """The number of lines of the section title at line `at` (0 if there is none), and its style."""
    here, below, under = [*lines[at : at + 3], "", ""][:3]
    over = _LINE.fullmatch(here)
    end = _LINE.fullmatch(under)
    if over and end and over[1] == end[1] and below.strip() and len(here) >= len(below.rstrip()):
        return 3, over[1] * 2
    line = _LINE.fullmatch(below)
    is_text = bool(here.strip()) and not here[0].isspace() and not over
    after_blank = at == 0 or not lines[at - 1].strip() or bool(_LINE.fullmatch(lines[at - 1]))
    if line and is_text and after_blank and len(below.rstrip()) >= len(here.rstrip()):
        return 2, line[1]
    return 0, ""


FORMAT = Format(lambda source: source.suffix in (".rst", ".rest"), read_rst)
