"""Code blocks in HTML: replaced by marks before conversion to Markdown, then put back verbatim."""

from __future__ import annotations

import re
from typing import Any

_LANGUAGE = re.compile(r"\b(?:language|lang|highlight-source)-([\w+#-]{1,20})")
_BACKTICKS = re.compile("`{3,}")
_MARGIN = re.compile(r"[\s>]*(?:(?:[-*+]|\d+\.)\s+)?")


class CodeBlocks:
    """The code blocks of a BeautifulSoup tree; each is replaced by a mark in the tree."""

    def __init__(self, tree: Any) -> None:
        self._blocks: list[str] = []
        self._mark = "codeblock"
        found = tree.find_all("pre")
        text = tree.get_text() if found else ""
        while self._mark in text:
            self._mark += "x"
        self._name = re.compile(rf"{self._mark}q(\d+)q")
        self._place = re.compile(rf"(?m)^(.*?){self._mark}q(\d+)q(.*)$")
        tables = {}
        for block in found:
            if not block.decomposed:  # a block nested in another one is gone by now
                table = self._take(block)
                tables[id(table)] = table
        for table in filter(None, tables.values()):
            if not table.get_text(strip=True):
                table.decompose()

    def _take(self, block: Any) -> Any:
        """Replace a block by its mark; returns the outermost table around it, or None.

        The mark goes before the table, because a row of a Markdown table is one line.
        """
        for line_end in block.find_all("br"):
            line_end.replace_with("\n")
        code = block.get_text().replace("\r\n", "\n").removeprefix("\n").removesuffix("\n")
        language = _language(block)
        block.clear(decompose=True)
        # Renamed instead of replaced, because replacing searches all siblings for the element.
        block.name, block.attrs = "p", {}
        if code.strip():
            block.string = f"{self._mark}q{len(self._blocks)}q"
            self._blocks.append(_fenced(code, language))
        tables = block.find_parents("table")
        if not tables:
            return None
        tables[-1].insert_before(block.extract())
        return tables[-1]

    def missing_in(self, text: str) -> int:
        """How many of the blocks have no mark in `text`."""
        return len(self._blocks) - len(set(self._name.findall(text)))

    def restored(self, text: str) -> str:
        """`text` with the marks replaced by their blocks, indented like the marks."""
        found = bool(self._blocks)
        while found:  # each round replaces one mark a line
            text, count = self._place.subn(self._block, text)
            found = count > 0
        return text

    def _block(self, place: re.Match[str]) -> str:
        before, number, after = place.groups()
        code = self._blocks[int(number)]
        if _MARGIN.fullmatch(before):
            margin = re.sub(r"[^\s>]", " ", before)
            lines = [before + code.split("\n")[0]]
            lines += [(margin + line) if line else margin.rstrip() for line in code.split("\n")[1:]]
            code = "\n".join(lines)
        else:
            code = f"{before.rstrip()}\n\n{code}"
        return f"{code}\n\n{after.strip()}" if after.strip() else code


def _fenced(code: str, language: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in ["", *_BACKTICKS.findall(code)]))
    return f"{fence}{language}\n{code}\n{fence}"


def _language(block: Any) -> str:
    for element in (block, block.find("code"), block.parent):
        names = element.get("class") if element is not None else None
        found = _LANGUAGE.search(" ".join(names) if isinstance(names, list) else "")
        if found:
            return found[1]
    return ""
