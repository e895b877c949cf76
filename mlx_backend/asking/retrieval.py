"""Retrieval of passages for a question: BM25 with SQLite's FTS5, plus scores of neighbours.

Where passages have vectors, the order by words is fused with the order by meaning (`meaning`), by
reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009), words counting twice.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from mlx_backend.asking.meaning import nearest
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.home import Library
from mlx_backend.library.passage_index import refresh_index
from mlx_backend.library.training_text import TRAINING_NOTE, TrainingText
from mlx_backend.settings import load_settings
from mlx_backend.text import code_terms
from mlx_backend.text.segmenting import search_terms, segmented
from mlx_backend.text.words import end_of, folded_words, word_set

BEST = 3
"""Number of passages to answer a question from."""

_CANDIDATES = 40
_LONGEST_QUESTION = 64  # words, from the end: a question follows what was pasted
_MOST_TERMS = 200
# Of the title, the headings, the text, other names, tags and folders, terms of code.
_WEIGHTS = "3.0, 2.0, 1.0, 2.0, 1.0, 1.0"
_ENGLISH = "en"
_RANK = 60  # the constant of reciprocal ranks, as published
_OF_WORDS = 2.0
# By meaning alone a passage is near enough if it comes this near to the nearest one (cosine).
_NEAR = 0.9
_LEAST_SCORE = 0.35  # passages with a far lower score than the best are about something else
_TELLING = 5  # passages: the language of the best ones by words tells that of the question
# Shares of the scores of its neighbours, and of the best passage of its note, that a passage gains.
_OF_NEIGHBOURS = 0.15
_OF_NOTE = 0.1
_BEFORE = 8  # passages: enough to find the column heads of a table
_COLUMNS = (
    "SELECT passages.id, passages.note_id, passages.position, notes.title, notes.path,"
    " passages.heading, passages.start, passages.end,"
    " (SELECT value FROM findings WHERE findings.note_id = notes.id AND step = 'language')"
    " AS language,"
)
_BY_WORDS = (
    f"{_COLUMNS} -bm25(passages_index, {_WEIGHTS}) AS score FROM passages_index"
    " JOIN passages ON passages.id = passages_index.rowid"
    " JOIN notes ON notes.id = passages.note_id"
    " WHERE passages_index MATCH ? AND notes.included AND NOT notes.gone"
    " ORDER BY score DESC LIMIT ?"
)
_BY_ID = (
    f"{_COLUMNS} 0.0 AS score FROM passages JOIN notes ON notes.id = passages.note_id"
    " WHERE passages.id"
)
_AT = (
    f"{_COLUMNS} 0.0 AS score FROM passages JOIN notes ON notes.id = passages.note_id"
    " WHERE passages.note_id = ? AND passages.position = ?"
)
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
    score: by words; higher is better. The order of passages also follows their meaning.
    before: the texts of the passages before it in the note, at most 8.
    position: its place in the note, from 0.
    is_near: whether it is about as near to the question as the best one, by words or by meaning.
    is_english: whether its note is in English, or may be.
    rank: its place among those that were found, from 0.
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
    position: int = 0
    is_near: bool = True
    is_english: bool = True
    rank: int = 0


@dataclass(frozen=True)
class _Ranking:
    """Rows of passages in the order in which they fit, their scores, and the ids of near ones."""

    rows: list[sqlite3.Row]
    scores: dict[int, float]
    near: frozenset[int]


class Retriever:
    """Finds passages over one database connection; `by_meaning`: not by words alone."""

    def __init__(self, connection: sqlite3.Connection, by_meaning: bool = True) -> None:
        self._db = connection
        self._by_meaning = by_meaning
        self._notes: dict[int, TrainingText] = {}  # of the last search

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
        rows = self._db.execute(_BY_WORDS, (query, _CANDIDATES)).fetchall() if query else []
        if not rows:
            return []
        scores = _scored(rows)
        best = sorted(rows, key=lambda row: (-scores[row["id"]], row["id"]))
        cosines: dict[int, float] = {}
        if self._by_meaning and _is_english(best):
            cosines = nearest(self._db, end_of(question, _LONGEST_QUESTION), _CANDIDATES)
        if cosines:
            best = _fused(best + self._others(cosines, scores), scores, cosines)
        return self._taught(_Ranking(best, scores, _near(scores, cosines)), count)

    def _others(self, cosines: dict[int, float], scores: dict[int, float]) -> list[sqlite3.Row]:
        """The rows of the passages that are near in meaning and share no word with the question."""
        ids = [each for each in cosines if each not in scores]
        places = ", ".join("?" * len(ids))
        return self._db.execute(f"{_BY_ID} IN ({places})", ids).fetchall()

    def at(self, note_id: int, position: int) -> FoundPassage | None:
        """The passage at a place in a note that was found; None where there is none to teach."""
        row = self._db.execute(_AT, (note_id, position)).fetchone()
        return None if row is None else self._passage(row, _Ranking([], {}, frozenset()))

    def _taught(self, ranking: _Ranking, count: int) -> list[FoundPassage]:
        """The first `count` rows with text that may be taught, as passages with that text."""
        self._notes = {}
        found = (self._passage(row, ranking) for row in ranking.rows)
        taught = islice((passage for passage in found if passage is not None), count)
        return [replace(passage, rank=rank) for rank, passage in enumerate(taught)]

    def _passage(self, row: sqlite3.Row, ranking: _Ranking) -> FoundPassage | None:
        note = self._note(row["note_id"])
        text = note.piece(row["start"], row["end"]) if note else ""
        if note is None or not text:
            return None
        return FoundPassage(
            id=row["id"],
            note_id=row["note_id"],
            title=note.line(row["title"]),
            path=row["path"],
            heading=note.line(row["heading"]),
            text=text,
            start=row["start"],
            end=row["end"],
            score=ranking.scores.get(row["id"], 0.0),
            before=self._before(row, note),
            position=row["position"],
            is_near=row["id"] in ranking.near,
            is_english=_may_be_english(row),
        )

    def _note(self, note_id: int) -> TrainingText | None:
        """The text of a note as it is taught; None if the note is no longer in use."""
        if note_id not in self._notes:
            row = self._db.execute(TRAINING_NOTE, (note_id,)).fetchone()
            if row is None:
                return None
            self._notes[note_id] = TrainingText(row, AllowedSecrets(self._db))
        return self._notes[note_id]

    def _before(self, row: sqlite3.Row, note: TrainingText) -> tuple[str, ...]:
        rows = self._db.execute(
            "SELECT start, end FROM passages WHERE note_id = ? AND position BETWEEN ? AND ?"
            " ORDER BY position",
            (row["note_id"], row["position"] - _BEFORE, row["position"] - 1),
        )
        return tuple(note.piece(each["start"], each["end"]) for each in rows)


def retriever_of(library: Library, connection: sqlite3.Connection) -> Retriever:
    """A library's retriever with all passages indexed, by meaning where the person wants that."""
    retriever = Retriever(connection, load_settings(library.settings).search_by_meaning)
    retriever.refresh()
    return retriever


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
    telling += code_terms.whole_terms(question)
    return " OR ".join(f'"{term}"' for term in telling)


def _is_english(best: Sequence[sqlite3.Row]) -> bool:
    """Whether most of the passages that fit a question best by words are English, or may be.

    The question is in their language, then: the model of meaning knows no other one.
    """
    telling = best[:_TELLING]
    return sum(map(_may_be_english, telling)) > len(telling) / 2


def _may_be_english(row: sqlite3.Row) -> bool:
    return row["language"] in (_ENGLISH, None)


def _fused(
    rows: Sequence[sqlite3.Row], scores: dict[int, float], cosines: dict[int, float]
) -> list[sqlite3.Row]:
    """Rows by the sum of their reciprocal ranks by words and by meaning."""
    by_words = sorted(scores, key=lambda each: (-scores[each], each))
    fused: defaultdict[int, float] = defaultdict(float)
    for ranked, weight in ((by_words, _OF_WORDS), (list(cosines), 1.0)):
        for rank, each in enumerate(ranked, start=1):
            fused[each] += weight / (_RANK + rank)
    return sorted(rows, key=lambda row: (-fused[row["id"]], row["id"]))


def _near(scores: dict[int, float], cosines: dict[int, float]) -> frozenset[int]:
    """The ids of passages that are about as near as the best one, by words or by meaning."""
    best, nearest_one = max(scores.values()), max(cosines.values(), default=0.0)
    by_words = {each for each, score in scores.items() if score >= _LEAST_SCORE * best}
    return frozenset(
        by_words | {e for e, cosine in cosines.items() if cosine >= _NEAR * nearest_one}
    )


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
