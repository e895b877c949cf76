"""Retrieval of passages for a question: BM25 with SQLite's FTS5, plus scores of neighbours."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.passage_index import refresh_index
from mlx_backend.library.training_text import TRAINING_NOTE, TrainingText
from mlx_backend.text.segmenting import search_terms, segmented
from mlx_backend.text.words import end_of, folded_words, word_set

BEST = 3
"""Number of passages to answer a question from."""

_CANDIDATES = 40
_LONGEST_QUESTION = 64  # words, from the end: a question follows what was pasted
_MOST_TERMS = 200
_WEIGHTS = "3.0, 2.0, 1.0"  # of the title, the headings and the text
# Shares of the scores of its neighbours, and of the best passage of its note, that a passage gains.
_OF_NEIGHBOURS = 0.15
_OF_NOTE = 0.1
_BEFORE = 8  # passages: enough to find the column heads of a table
_STOP_WORDS = word_set(
    "a an the of to in on at by for with from and or but not no is are was were be been being "
    "am do does did has have had will would can could may might must shall should what which "
    "who whom whose when where why how i me my mine we us our ours you your yours he him his "
    "she her it its they them their this that these those there here if then than so as about "
    "into out up down please tell say says said give know note notes many much"
)


@dataclass(frozen=True)
class FoundPassage:
    """A passage that a question may be about: characters [start, end) of its note.

    text: its text as it is taught, with secrets masked.
    score: higher is better.
    before: the texts of the passages before it in the note, at most 8.
    """

    id: int
    note_id: int
    title: str
    path: str
    heading: str
    text: str
    start: int
    end: int
    score: float
    before: tuple[str, ...] = ()


class Retriever:
    """Finds passages over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection that it reads the library over."""
        return self._db

    def refresh(self) -> None:
        """Add passages of notes in use to the index; quick if none is missing."""
        refresh_index(self._db)

    def find(self, question: str, count: int = BEST) -> list[FoundPassage]:
        """The `count` passages of notes in use that fit a question best, best first."""
        query = _query(question)
        if not query:
            return []
        rows = self._db.execute(
            "SELECT passages.id, passages.note_id, passages.position, notes.title, notes.path,"
            " passages.heading, passages.start, passages.end,"
            f" -bm25(passages_index, {_WEIGHTS}) AS score FROM passages_index"
            " JOIN passages ON passages.id = passages_index.rowid"
            " JOIN notes ON notes.id = passages.note_id"
            " WHERE passages_index MATCH ? AND notes.included AND NOT notes.gone"
            " ORDER BY score DESC LIMIT ?",
            (query, _CANDIDATES),
        ).fetchall()
        scores = _scored(rows)
        best = sorted(rows, key=lambda row: (-scores[row["id"]], row["id"]))
        return self._taught(best, scores, count)

    def _taught(
        self, rows: Sequence[sqlite3.Row], scores: dict[int, float], count: int
    ) -> list[FoundPassage]:
        """The first `count` rows with text that may be taught, as passages with that text."""
        allowed = AllowedSecrets(self._db)
        notes: dict[int, TrainingText] = {}
        found: list[FoundPassage] = []
        for row in rows:
            if len(found) == count:
                break
            note = notes.get(row["note_id"])
            if note is None:
                fetched = self._db.execute(TRAINING_NOTE, (row["note_id"],)).fetchone()
                if fetched is None:
                    continue
                note = notes[row["note_id"]] = TrainingText(fetched, allowed)
            text = note.piece(row["start"], row["end"])
            if not text:
                continue
            found.append(
                FoundPassage(
                    id=row["id"],
                    note_id=row["note_id"],
                    title=note.line(row["title"]),
                    path=row["path"],
                    heading=note.line(row["heading"]),
                    text=text,
                    start=row["start"],
                    end=row["end"],
                    score=scores[row["id"]],
                    before=self._before(row, note),
                )
            )
        return found

    def _before(self, row: sqlite3.Row, note: TrainingText) -> tuple[str, ...]:
        rows = self._db.execute(
            "SELECT start, end FROM passages WHERE note_id = ? AND position BETWEEN ? AND ?"
            " ORDER BY position",
            (row["note_id"], row["position"] - _BEFORE, row["position"] - 1),
        )
        return tuple(note.piece(each["start"], each["end"]) for each in rows)


def content_words(text: str) -> list[str]:
    """The content words of a question, in lower case, in order and without repeats.

    They are the words of the index: single letters in scripts without spaces.
    """
    words = dict.fromkeys(folded_words(segmented(text)))
    return [word for word in words if word not in _STOP_WORDS]


def _query(question: str) -> str:
    """A question as a query of FTS5: any of its content words, or of its stop words without them.

    The words are quoted, so that FTS5 takes none of them for an operator.
    """
    question = end_of(question, _LONGEST_QUESTION)
    terms = list(dict.fromkeys(search_terms(question)))[-_MOST_TERMS:]
    telling = [term for term in terms if term not in _STOP_WORDS] or terms
    return " OR ".join(f'"{term}"' for term in telling)


def _scored(rows: Iterable[sqlite3.Row]) -> dict[int, float]:
    by_place: dict[tuple[int, int], float] = {}
    by_note: defaultdict[int, float] = defaultdict(float)
    rows = list(rows)
    for row in rows:
        by_place[row["note_id"], row["position"]] = row["score"]
        by_note[row["note_id"]] = max(by_note[row["note_id"]], row["score"])
    return {
        row["id"]: row["score"]
        + _OF_NEIGHBOURS
        * sum(by_place.get((row["note_id"], row["position"] + step), 0.0) for step in (-1, 1))
        + _OF_NOTE * by_note[row["note_id"]]
        for row in rows
    }
