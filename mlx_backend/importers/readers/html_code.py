"""Blocks of code in HTML: taken out before the text around them is laid out, then put back."""

from __future__ import annotations

import re
from typing import Any

_LANGUAGE = re.compile(r"\b(?:language|lang|highlight-source)-([\w+#-]{1,20})")
_BACKTICKS = re.compile("`{3,}")
_MARGIN = re.compile(r"[\s>]*(?:(?:[-*+]|\d+\.)\s+)?")


class CodeBlocks:
    """The blocks of a tree, in whose place it now has a mark each."""

    def __init__(self, tree: Any) -> None:
        self._blocks: list[str] = []
        self._mark = "codeblock"
        found = tree.find_all("pre")
        text = tree.get_text() if found else ""
        while self._mark in text:
            self._mark += "x"
        self._place = re.compile(rf"(?m)^(.*?){self._mark}q(\d+)q(.*)$")
        for block in found:
            if block.find_parent("pre") is None:
                self._take(tree, block)

    def _take(self, tree: Any, block: Any) -> None:
        for line_end in block.find_all("br"):
            line_end.replace_with("\n")
        code = block.get_text().replace("\r\n", "\n").removeprefix("\n").removesuffix("\n")
        if not code.strip():
            block.decompose()
            return
        mark = tree.new_tag("p")
        mark.string = f"{self._mark}q{len(self._blocks)}q"
        self._blocks.append(_fenced(code, _language(block)))
        table = block.find_parent("table")
        block.replace_with(mark)
        if table is not None:  # a row of Markdown is one line
            table.insert_before(mark.extract())
            if not table.get_text(strip=True):
                table.decompose()

    def missing_in(self, text: str) -> int:
        """How many of the marks are not in a text."""
        numbers = range(len(self._blocks))
        return sum(f"{self._mark}q{number}q" not in text for number in numbers)

    def restored(self, text: str) -> str:
        """A text with the blocks in the place of their marks, as far in as those are."""
        found = bool(self._blocks)
        while found:  # each round one of a line
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
