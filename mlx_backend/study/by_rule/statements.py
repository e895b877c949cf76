"""Cutting passages into statements: sentences, list items, pairs and table rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mlx_backend.library.notes import Passage
from mlx_backend.study.by_rule.markdown_links import Link, links_in, without_links
from mlx_backend.text.words import WORD, count_words

LONGEST_WORDS = 32
"""Most words of a statement, because an answer that quotes it should be short."""

_SHORTEST_WORDS = 2
# A sentence may end at a full stop or the end of a line; what follows decides.
_PAUSES = re.compile(r"(?<=[.!?])[\"')\]”»*_]*\s+|(?<=[。！？])|\n\s*")
_OPENS = "\"'([“„«¿¡"
_SIGNS = "`*_[("  # of code, emphasis and links: what follows them decides
_LOOK = 16  # characters before and after a pause that decide whether a sentence ends
# A line this long without a full stop was wrapped by an editor, whatever the next begins with.
_WRAPPED = 56
_LINE_ENDS_SENTENCE = re.compile(r"[.!?:;。！？][\"')\]”»*_`]*\s*$")
_BEGINS_BLOCK = re.compile(r"(?:[-*+>]|\d+[.)]|#+|\||```|~~~)(?:\s|\||$)")
_ABBREVIATED = re.compile(
    r"\b(?:Dr|Mr|Mrs|Ms|Prof|St|Mt|No|Nr|vs|e\.g|i\.e|etc|approx|ca|[Tt]el|[Ee]xt|[Ff]ig|incl)\.$"
)
_ITEM = re.compile(r"^\s*(?:[-*+>]|\d+[.)])\s+(?:\[[ xX]\]\s+)?")
# Signs around words only: those inside a name or between numbers are no markup. Lengths are
# bounded, because a page of opening signs would take quadratic time.
_EMPHASIS = re.compile(r"(?<![\w*_])([*_]{1,3})(?=\S)(.{1,300}?)(?<=\S)\1(?![\w*_])")
_STRUCK = re.compile(r"~~(?=\S).{1,300}?~~")  # struck through: no longer true
_CODE = re.compile(r"(`{1,8})(.{1,300}?)\1")
_HASHES = re.compile(r"^\s*#+\s+")
_TABLE_RULE = re.compile(r"^[\s|:+-]+$")
_TABLE_ROW = re.compile(r"^\s*\|(.+)\|\s*$")
_PAIR = re.compile(r"^([^\s:：|][^:：|]{1,48})[:：]\s+(\S.*)$")
# A list item may have a dash for a colon: "- Ida Lund - baker".
_DASHED_PAIR = re.compile(r"^(?=[^–—-]*[^\W\d_])([^\s:：|–—-][^:：|–—]{0,31}?)\s[-–—]\s+(\S.*)$")
_LONGEST_NAME = 32
_PAIR_LINE = re.compile(rf"\s*[^\W\d_][\w' -]{{1,{_LONGEST_NAME - 2}}}: ")
_CLAUSE_END = re.compile(r"[;:,–—]\s+")
_LONG_WORD = re.compile(r"[^\s]{200}")  # data, or a script without spaces
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True)
class Statement:
    """One statement of a passage, in its own words without markup.

    pairs: names with their values: a row's column heads with its cells, or the words before and
    after a colon.
    is_row: whether it is a row of a table.
    is_torn: whether it begins in the middle of a long sentence.
    links: the links in it.
    """

    text: str
    pairs: tuple[tuple[str, str], ...] = ()
    is_row: bool = False
    is_torn: bool = False
    links: tuple[Link, ...] = ()


@dataclass
class _Place:
    """What a passage takes over from the one before it: a table's column heads, a code block."""

    heads: list[str]
    fenced: bool = False


def statements_of_note(passages: Sequence[Passage]) -> list[list[Statement]]:
    """The statements of each passage of one note, given in order.

    A table's column heads apply to its rows in later passages too, and a code block may end in a
    later passage. Code blocks yield no statements.
    """
    place = _Place([])
    return [_statements(passage.text, place) for passage in passages]


def _statements(text: str, place: _Place) -> list[Statement]:
    found: list[Statement] = []
    prose: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            place.fenced = not place.fenced
            prose.append("")
            continue
        if place.fenced:
            continue
        row = _TABLE_ROW.match(line)
        if row is None:
            place.heads = [] if line.strip() else place.heads
            prose.append(line)
            continue
        found += _sentences(prose)
        prose = []
        if _TABLE_RULE.match(line):
            continue
        cells = [plain(cell) for cell in row[1].split("|")]
        if number + 1 < len(lines) and _TABLE_RULE.match(lines[number + 1]):
            place.heads = cells
        elif statement := _row(place.heads, cells):
            found.append(replace(statement, links=links_in(line)))
    found += _sentences(prose)
    return found


def plain(text: str) -> str:
    """A piece of Markdown as plain text in one line: without signs, with the text of links."""
    plain_text, end = "", 0
    text = _HASHES.sub("", without_links(_ITEM.sub("", text)))
    for code in _CODE.finditer(text):  # within code, signs are no markup
        plain_text += _unmarked(text[end : code.start()]) + code[2]
        end = code.end()
    return " ".join((plain_text + _unmarked(text[end:])).split())


def _unmarked(text: str) -> str:
    return _EMPHASIS.sub(r"\2", _STRUCK.sub("", text))


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
        pair = _PAIR.match(sentence) or (_ITEM.match(piece) and _DASHED_PAIR.match(sentence))
        if count_words(sentence) < _SHORTEST_WORDS or _LONG_WORD.search(sentence):
            continue
        if count_words(sentence) <= LONGEST_WORDS:
            pairs = ((pair[1], pair[2]),) if pair else ()
            yield Statement(sentence, pairs, links=links_in(piece))
        else:
            yield from _in_parts(sentence, links_in(piece))


def _in_parts(sentence: str, links: Sequence[Link]) -> Iterator[Statement]:
    for part, is_torn in _parts(sentence):
        own = tuple(link for link in links if plain(link.shown) in part)
        yield Statement(part, is_torn=is_torn, links=own)


def _whole_sentences(text: str) -> Iterator[str]:
    start = 0
    for pause in _PAUSES.finditer(text):
        before = text[max(start, pause.start() - _LOOK) : pause.start()]
        after = text[pause.end() : pause.end() + _LOOK]
        if "\n" in pause[0]:
            line = text[text.rfind("\n", start, pause.start()) + 1 : pause.start()]
            following = text[pause.end() : pause.end() + _LONGEST_NAME + 2]
            is_end = pause[0].count("\n") > 1 or _line_ends_sentence(line, following)
        else:
            is_end = _pause_ends_sentence(before, after)
        if is_end:
            yield text[start : pause.start()] + pause[0].rstrip()
            start = pause.end()
    if text[start:].strip():
        yield text[start:]


def _pause_ends_sentence(before: str, after: str) -> bool:
    """Whether a full stop ends a sentence: a capital, a digit or another script follows it."""
    if _ABBREVIATED.search(before):
        return False
    first = after.lstrip(_OPENS)[:1]
    return first.isupper() or first.isdigit() or not first.isascii()


def _line_ends_sentence(line: str, following: str) -> bool:
    """Whether a sentence ends with its line, as in lists but not in wrapped prose.

    It goes on if the next line begins in lower case, or if the line is as long as wrapped ones and
    has no full stop.
    """
    after = following[:_LOOK]
    if _HASHES.match(line) or _BEGINS_BLOCK.match(after):
        return True
    if _PAIR_LINE.match(line) and _PAIR_LINE.match(following):
        return True
    if _LINE_ENDS_SENTENCE.search(line):
        return not after.lstrip(_OPENS)[:1].islower()
    first = after.lstrip(_OPENS + _SIGNS)[:1]
    is_entry = first.isdigit() or ": " in after  # of a log, or of names with values
    return not first.islower() and (is_entry or len(line) < _WRAPPED)


def _parts(sentence: str) -> Iterator[tuple[str, bool]]:
    """Cut a long sentence at its pauses into parts as long as allowed; between words without any.

    Yields each part, and whether it may begin within a clause: after a comma, or without a pause.
    """
    start = end = 0
    is_torn = False
    pauses = [pause.end() for pause in _CLAUSE_END.finditer(sentence)]
    for pause in [*pauses, len(sentence)]:
        if end > start and count_words(sentence[start:pause]) > LONGEST_WORDS:
            yield sentence[start:end].strip(" ,;–—"), is_torn
            is_torn = sentence[start:end].rstrip().endswith(",")
            start = end
        end = pause
    words = WORD.findall(sentence[start:])
    for first in range(0, len(words), LONGEST_WORDS):
        part = "".join(words[first : first + LONGEST_WORDS]).strip()
        if count_words(part) >= _SHORTEST_WORDS:
            yield part, is_torn or first > 0
