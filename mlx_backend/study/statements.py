"""What a passage states, one thing at a time: its sentences, list items, pairs and table rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlx_backend.library.notes import Passage
from mlx_backend.words import WORD, count_words

LONGEST_WORDS = 32
"""Words of a statement: an answer that quotes it should be said in one breath."""

_SHORTEST_WORDS = 2
# A sentence ends at its mark before a capital or digit; a line ends one too, unless the next goes
# on in lower case, as hard-wrapped prose does.
_SENTENCES = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|(?<=[。！？])|\n(?!\s*[a-z])\s*"
)
_ABBREVIATED = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|St|Mt|No|Nr|vs|e\.g|i\.e|etc|approx|ca)\.$")
_ITEM = re.compile(r"^\s*(?:[-*+>]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
_EMPHASIS = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}|^\s*#+\s+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)|\[\[(?:[^\]|]*\|)?([^\]|]*)\]\]")
_TABLE_RULE = re.compile(r"^[\s|:+-]+$")
_TABLE_ROW = re.compile(r"^\s*\|(.+)\|\s*$")
_PAIR = re.compile(r"^([^\s:：|][^:：|]{1,48})[:：]\s+(\S.*)$")
_CLAUSE_END = re.compile(r"[;:,–—]\s+")
_LONG_WORD = re.compile(r"[^\s]{200}")  # data rather than a word, or a language without spaces
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True)
class Statement:
    """One thing that a passage states, in its own words without their markup.

    `pairs` are names with their values where it is written so: the cells of a table's row under
    their heads, or what stands before and behind a colon.
    """

    text: str
    pairs: tuple[tuple[str, str], ...] = ()
    is_row: bool = False


def statements_of_note(passages: Sequence[Passage]) -> list[list[Statement]]:
    """The statements of each passage of one note; a table's heads serve its rows in all of them."""
    heads: list[str] = []
    found = []
    for passage in passages:
        statements, heads = _statements(passage.text, heads)
        found.append(statements)
    return found


def _statements(text: str, heads: list[str]) -> tuple[list[Statement], list[str]]:
    found: list[Statement] = []
    prose: list[str] = []
    fenced = False
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if fenced:
            continue  # code says nothing that could be asked for in words
        row = _TABLE_ROW.match(line)
        if row is None:
            heads = [] if line.strip() else heads
            prose.append(line)
            continue
        found += _sentences(prose)
        prose = []
        cells = [plain(cell) for cell in row[1].split("|")]
        if _TABLE_RULE.match(line):
            continue
        if number + 1 < len(lines) and _TABLE_RULE.match(lines[number + 1]):
            heads = cells
        elif statement := _row(heads, cells):
            found.append(statement)
    found += _sentences(prose)
    return found, heads


def plain(text: str) -> str:
    """A piece of Markdown without its signs and line breaks."""
    text = _LINK.sub(lambda link: link[1] or link[2] or "", _ITEM.sub("", text))
    return " ".join(_EMPHASIS.sub("", text).split())


def _row(heads: Sequence[str], cells: Sequence[str]) -> Statement | None:
    pairs = tuple(
        (head, cell) for head, cell in zip(heads, cells, strict=False) if head and cell.strip("-– ")
    )
    if len(pairs) < 2:
        return None
    rest = ", ".join(f"{head} {cell}" for head, cell in pairs[1:])
    return Statement(f"{pairs[0][1]}: {rest}", pairs, is_row=True)


def _sentences(lines: Iterable[str]) -> Iterator[Statement]:
    for piece in _whole_sentences("\n".join(lines)):
        if _TABLE_RULE.match(piece):
            continue
        sentence = plain(piece)
        pair = _PAIR.match(sentence)
        if count_words(sentence) < _SHORTEST_WORDS or _LONG_WORD.search(sentence):
            continue
        if count_words(sentence) <= LONGEST_WORDS:
            yield Statement(sentence, ((pair[1], pair[2]),) if pair else ())
        else:
            yield from (Statement(part) for part in _parts(sentence))


def _whole_sentences(text: str) -> Iterator[str]:
    pending = ""
    for piece in _SENTENCES.split(text):
        pending = f"{pending} {piece}" if pending else piece
        if not _ABBREVIATED.search(pending):
            yield pending
            pending = ""
    if pending:
        yield pending


def _parts(sentence: str) -> Iterator[str]:
    """A long sentence cut where it pauses, each part as long as may be; words where it does not."""
    start = end = 0
    pauses = [pause.end() for pause in _CLAUSE_END.finditer(sentence)]
    for pause in [*pauses, len(sentence)]:
        if end > start and count_words(sentence[start:pause]) > LONGEST_WORDS:
            yield sentence[start:end].strip(" ,;–—")
            start = end
        end = pause
    words = WORD.findall(sentence[start:])
    for first in range(0, len(words), LONGEST_WORDS):
        part = "".join(words[first : first + LONGEST_WORDS]).strip()
        if count_words(part) >= _SHORTEST_WORDS:
            yield part
