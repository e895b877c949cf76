"""What in a passage could answer a question: sentences, rows, and lists, code or sections whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from mlx_backend.asking.question_kinds import Wanted
from mlx_backend.asking.quoting.blocks import Block, Kind
from mlx_backend.asking.quoting.sentences import Sentence
from mlx_backend.asking.quoting.structure import before_run, run_of
from mlx_backend.asking.quoting.surroundings import Surroundings
from mlx_backend.library.notes import Passage
from mlx_backend.study.by_rule.statements import plain, statements_of_note
from mlx_backend.text.dictionary import stem
from mlx_backend.text.stems import stems
from mlx_backend.text.words import count_words

# A pronoun at the beginning: the statement needs the one before it to be understood.
_NEEDS_BEFORE = re.compile(r"(?:\S+ ){0,2}(?:it|that|them|this|they|she|he|one)\b", re.IGNORECASE)
# The same more strictly, because what is shown should not be longer than it has to be.
_LEANS = re.compile(
    r"(?:(?:and|but|so|then|for|in|at|on|with|after|before|by|of|to|from) ){0,2}"
    r"(?:it|this|that|these|those|them|they|she|he|the (?:one|ones|other|others))"
    r"\b",
    re.IGNORECASE,
)
# A thing that the statement before it named: "these suffixes".
_POINTS_BACK = re.compile(r"\b(?:these|those|such) ([^\W\d_]{3,})", re.IGNORECASE)
_LONGEST_JOINED = 22  # words
_STANDS_ALONE = 4
_LISTED = {Wanted.LIST: (Kind.ITEM, Kind.ROW), Wanted.STEPS: (Kind.ITEM,)}
_MOST_READ = 40  # words of a list or of code that the model reads: more cost time, and say less
_LONGEST_BLOCK = 6_000  # characters; a longer one is no answer
_MOST_ROWS = 400  # of one passage


class Form(Enum):
    """What a candidate is."""

    SENTENCE = auto()
    ROW = auto()
    LIST = auto()
    CODE = auto()
    HEADING = auto()


@dataclass(frozen=True)
class Candidate:
    """Something in a note that could answer.

    text: its plain words, as the model reads them. block: the index of the block that it begins in.
    start, end: its characters in the note. before: the sentence that it leans on.
    """

    around: Surroundings
    form: Form
    block: int
    text: str
    start: int
    end: int
    before: Sentence | None = None

    @property
    def title(self) -> str:
        """The title of its note."""
        return self.around.passage.title

    @property
    def note_id(self) -> int:
        """The id of its note."""
        return self.around.passage.note_id

    @property
    def is_english(self) -> bool:
        """Whether its note is in English, or may be."""
        return self.around.passage.is_english

    @property
    def place(self) -> tuple[int, int, int, Form]:
        """What is the same for one candidate that was found in two passages."""
        return self.note_id, self.start, self.end, self.form


def candidates_of(around: Surroundings, wanted: Wanted) -> Iterator[Candidate]:
    """The candidates of a passage, in the order of its note, and the headings it stands under.

    Lists and tables whole are among them only where the question asks for several.
    """
    listed = -1
    headings: dict[int, None] = {}
    before: Sentence | None = None
    rows = 0
    for index in around.touched():
        block = around.blocks[index]
        heading = around.heading_of(index) if block.kind is not Kind.HEADING else index
        if heading is not None:
            headings[heading] = None
        if block.end - block.start > _LONGEST_BLOCK and block.kind is not Kind.PARAGRAPH:
            continue
        if block.kind in (Kind.PARAGRAPH, Kind.ITEM):
            before = _sentence_before(around, index) if before is None else before
            yield from _shown(_sentences(around, index, before))
            yield from _shown(_word(around, index))
            before = around.sentences(index)[-1] if around.sentences(index) else None
        elif block.kind is Kind.ROW:
            rows += 1
            if rows <= _MOST_ROWS:
                yield from _shown(_row(around, index))
        elif block.kind is Kind.CODE:
            yield from _shown(_code(around, index))
        if block.kind in _LISTED.get(wanted, ()) and index > listed:
            run = run_of(around, index)
            listed = run[1]
            yield from _shown(_list(around, run[0], run[1]))
    for heading in headings:
        yield from _shown(_heading(around, heading))


def _shown(candidates: Iterator[Candidate]) -> Iterator[Candidate]:
    """Candidates whose words may be shown, with masked words in the place of secrets."""
    for each in candidates:
        shown = each.around.shown(each.start, each.end)
        if not shown.strip():
            continue
        if shown == each.around.source(each.start, each.end):
            yield each
        elif masked := _read(plain(shown)):
            yield Candidate(each.around, each.form, each.block, masked, each.start, each.end)


def _sentences(around: Surroundings, index: int, before: Sentence | None) -> Iterator[Candidate]:
    start, end = around.part
    for each in around.sentences(index):
        if each.end > start and each.start < end:
            text = _joined(before, each, around.blocks[index])
            is_joined = text != each.text or (before and _is_leaning(before, each))
            leant_on = before if is_joined else None
            yield Candidate(around, Form.SENTENCE, index, text, each.start, each.end, leant_on)
        before = each


def _word(around: Surroundings, index: int) -> Iterator[Candidate]:
    """A list item of one word, which is no statement: what is below it, or its list, may be."""
    block = around.blocks[index]
    words = plain(around.source(block.content, block.end))
    if block.kind is Kind.ITEM and words and not around.sentences(index):
        yield Candidate(around, Form.SENTENCE, index, _read(words), block.content, block.end)


def _joined(before: Sentence | None, sentence: Sentence, block: Block) -> str:
    """What the model reads of a sentence: after the one before it, where it seems to need that."""
    text = sentence.text
    is_short = count_words(text) < _STANDS_ALONE and ":" not in text
    needs_it = _NEEDS_BEFORE.match(text) or (is_short and block.kind is not Kind.ITEM)
    if before is None or not needs_it or count_words(f"{before.text} {text}") > _LONGEST_JOINED:
        return text
    return f"{before.text} {text}"


def _is_leaning(before: Sentence, sentence: Sentence) -> bool:
    """Whether a sentence is understood only after the one before it, which stands by itself."""
    if _LEANS.match(before.text):
        return False
    named = stems(before.text)
    points_back = any(stem(word) in named for word in _POINTS_BACK.findall(sentence.text))
    return points_back or bool(_LEANS.match(sentence.text))


def _sentence_before(around: Surroundings, index: int) -> Sentence | None:
    """The last sentence of the paragraph above, which the passage may not have."""
    above = index - 1
    if above < 0 or around.blocks[above].kind is not Kind.PARAGRAPH:
        return None
    block = around.blocks[above]
    found = around.sentences(above) if block.end - block.start <= _LONGEST_BLOCK else ()
    return found[-1] if found else None


def _row(around: Surroundings, index: int) -> Iterator[Candidate]:
    block = around.blocks[index]
    head = around.source(*block.head) if block.head else ""
    row = around.source(block.start, block.end)
    table = "\n".join(_barred(line) for line in (*head.splitlines()[:2], row))
    for each in statements_of_note([Passage(0, 0, "", 0, "", table)])[0]:
        yield Candidate(around, Form.ROW, index, _read(each.text), block.start, block.end)


def _barred(line: str) -> str:
    """A line of a table with bars at both ends, which Markdown lets people leave out."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    return f"|{inner}|"


def _list(around: Surroundings, first: int, last: int) -> Iterator[Candidate]:
    if first == last:
        return
    blocks = around.blocks[first : last + 1][:_MOST_READ]
    lead = _lead(around, first)
    head = around.source(*blocks[0].head).splitlines()[0] if blocks[0].head else ""
    items = [_first_words(around.source(each.content, each.end)) for each in blocks]
    words = ", ".join(filter(None, (plain(head).strip("| "), *items)))
    text = _read(f"{lead} {words}" if lead else words)
    end = around.blocks[last].end
    yield Candidate(around, Form.LIST, first, text, blocks[0].start, end)


def _code(around: Surroundings, index: int) -> Iterator[Candidate]:
    block = around.blocks[index]
    lines = around.source(block.content, block.end).splitlines()
    is_fenced = bool(lines) and lines[0].startswith(("```", "~~~"))
    code = " ".join((lines[1:] if is_fenced else lines)[:4]).removesuffix("```")
    text = _read(f"{_lead(around, index)} {' '.join(code.split())}")
    if text:
        yield Candidate(around, Form.CODE, index, text, block.start, block.end)


def _heading(around: Surroundings, index: int) -> Iterator[Candidate]:
    block = around.blocks[index]
    text = plain(around.source(block.content, block.end).partition("\n")[0].strip().rstrip("#"))
    if text and text.casefold() != around.passage.title.casefold():
        yield Candidate(around, Form.HEADING, index, _read(text), block.start, block.end)


def _lead(around: Surroundings, index: int) -> str:
    """The words that lead in to a list or to code."""
    lead = before_run(around, (index, index))
    if lead is None or around.blocks[lead].end - around.blocks[lead].start > _LONGEST_BLOCK:
        return ""
    found = around.sentences(lead)
    return found[-1].text if found else ""


def _first_words(item: str) -> str:
    return " ".join(plain(item.replace("|", " ")).split()[:8]).rstrip(".,;:")


def _read(text: str) -> str:
    return " ".join(text.split()[:_MOST_READ])[: _MOST_READ * 12]


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates without those that were found before."""
    return list({each.place: each for each in reversed(candidates)}.values())[::-1]
