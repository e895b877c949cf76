"""Quotes as they are shown: the words of the notes, and where those stand."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import msgspec

from mlx_backend.asking.grounding import citation_of
from mlx_backend.asking.quoting.blocks import Kind
from mlx_backend.asking.quoting.evidence import Weighed
from mlx_backend.asking.quoting.several import Joined
from mlx_backend.asking.retrieval import FoundPassage
from mlx_backend.library.sample_drafts import titled_answer
from mlx_backend.protocol import Citation

LEFT_OUT = "…"
_CONTRADICT = "The notes do not agree:"


@dataclass(frozen=True)
class Quoted:
    """A quote that answers a question.

    text: the answer, with the titles of its notes. words: what the note says, word for word; "" for
    an answer from several notes. citations: a place for each piece of it.
    """

    text: str
    words: str
    citations: tuple[Citation, ...]
    passages: tuple[FoundPassage, ...]

    @property
    def passage(self) -> FoundPassage:
        """The passage of the first piece."""
        return self.passages[0]


def worded(joined: Joined) -> Quoted:
    """The text of an answer, with the place of each part of it."""
    passages = tuple(each.candidate.around.passage for each in joined.parts)
    citations = tuple(_citation(each) for each in joined.parts)
    if len(joined.parts) == 1:
        words = _words(joined.parts[0])
        return Quoted(_titled(passages[0].title, words), words, citations, passages)
    parts = [_part(each, joined.contradict) for each in joined.parts]
    text = "\n\n".join([_CONTRADICT, *parts] if joined.contradict else parts)
    return Quoted(text, "", citations, passages)


def _words(weighed: Weighed) -> str:
    """What is shown of a note: pieces that are apart in it are paragraphs, but for table rows."""
    around = weighed.candidate.around
    words = ""
    for start, end in weighed.whole.ranges:
        piece = around.shown(start, end).strip("\r\n")
        if not piece.strip():
            continue
        first = around.blocks_in(start, end)[:1]
        is_row = bool(first) and first[0].kind is Kind.ROW
        words += f"\n{piece}" if words and is_row else f"\n\n{piece}" if words else piece
    return words + f"\n\n{LEFT_OUT}" * weighed.whole.is_cut


def _citation(weighed: Weighed) -> Citation:
    """The place of a quote: from the first character that is shown to the last."""
    citation = citation_of(weighed.candidate.around.passage)
    start, end = weighed.whole.ranges[0][0], weighed.whole.ranges[-1][1]
    return msgspec.structs.replace(citation, start=start, end=end)


def _titled(title: str, words: str) -> str:
    """An answer with the title of its note, which stands alone before several lines."""
    return f"{title}:\n\n{words}" if "\n\n" in words else titled_answer(title, words)


def _part(weighed: Weighed, with_date: bool) -> str:
    around = weighed.candidate.around
    date = f" ({_date(around.dated)})" if with_date and around.dated else ""
    return f"**{around.passage.title}**{date}\n\n{_words(weighed)}"


def _date(seconds: float) -> str:
    date = datetime.datetime.fromtimestamp(seconds)
    return f"{date.day} {date:%B %Y}"
