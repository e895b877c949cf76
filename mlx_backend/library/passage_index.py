"""Keeping the full-text index of passages (SQLite's FTS5) up to date."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import PurePath

from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.database import transaction
from mlx_backend.library.passage_vectors import PassageVectors
from mlx_backend.library.training_text import TRAINING_NOTE, TrainingText
from mlx_backend.text import code_terms
from mlx_backend.text.segmenting import segmented
from mlx_backend.text.words import folded_words

_NOTES_AT_ONCE = 200
_MOST_TAGS = 100
# In the manner of Obsidian: #tag, #tag/below; a number alone is none.
_TAG = re.compile(r"(?<![\w/#&])#([\w/-]{0,99}[^\W\d_][\w/-]{0,99})")
_FENCED = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1", re.MULTILINE | re.DOTALL)


def refresh_index(connection: sqlite3.Connection) -> None:
    """Index the passages of notes in use that are not in the index yet; fast without any.

    The vectors of passages that are no longer there go with it.
    """
    while notes := connection.execute(
        "SELECT DISTINCT note_id FROM passages JOIN notes ON notes.id = note_id"
        " WHERE included AND NOT gone"
        " AND passages.id NOT IN (SELECT passage_id FROM indexed) LIMIT ?",
        (_NOTES_AT_ONCE,),
    ).fetchall():
        with transaction(connection):
            allowed = AllowedSecrets(connection)
            for row in notes:
                _index(connection, row["note_id"], allowed)
    PassageVectors(connection).forget_unused()


def passage_digest(title: str, heading: str, text: str) -> bytes:
    """What identifies a passage as it is taught, with its title and headings."""
    return hashlib.sha256("\0".join((title, heading, text)).encode()).digest()[:16]


def _index(connection: sqlite3.Connection, note_id: int, allowed: AllowedSecrets) -> None:
    row = connection.execute(TRAINING_NOTE, (note_id,)).fetchone()
    if row is None:
        return
    note = TrainingText(row, allowed)
    spans = connection.execute(
        "SELECT id, heading, start, end FROM passages WHERE note_id = ?"
        " AND id NOT IN (SELECT passage_id FROM indexed)",
        (note_id,),
    ).fetchall()
    title = note.line(row["title"])
    names, tags = _names_and_tags(connection, note_id, note, title, row["text"])
    for span in spans:
        heading = note.line(span["heading"])
        text = note.piece(span["start"], span["end"])
        code = [*code_terms.whole_terms(text), *code_terms.parts(text)]
        connection.execute(
            "INSERT OR REPLACE INTO passages_index (rowid, title, heading, text, names, tags, code)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                span["id"],
                *map(segmented, (title, heading, text, names, tags)),
                " ".join(code),
            ),
        )
        connection.execute(
            "INSERT OR REPLACE INTO passage_digests (passage_id, digest) VALUES (?, ?)",
            (span["id"], passage_digest(title, heading, text)),
        )
        connection.execute("INSERT OR IGNORE INTO indexed VALUES (?)", (span["id"],))


def _names_and_tags(
    connection: sqlite3.Connection, note_id: int, note: TrainingText, title: str, text: str
) -> tuple[str, str]:
    """What a note is called beside its title, and what it is filed under, for the index."""
    row = connection.execute(
        "SELECT path, source, part, kind, aliases, tags FROM notes WHERE id = ?", (note_id,)
    ).fetchone()
    path, source = PurePath(row["path"]), PurePath(row["source"])
    below = path.relative_to(source) if path.is_relative_to(source) else PurePath(path.name)
    known = set(folded_words(title))
    stem = note.line(path.stem)
    called = [w for w in [*folded_words(stem), *code_terms.parts(stem)] if w not in known]
    names = "\n".join([" ".join(called), note.line(row["aliases"])])
    folders = note.line(" ".join(below.parent.parts))
    tags = [row["tags"], *_tags(text)] if row["kind"] == "markdown" else [row["tags"]]
    return names, "\n".join([folders, note.line("\n".join(tags))])


def _tags(text: str) -> Iterator[str]:
    """The tags in a text in Markdown, outside of its blocks of code."""
    found = (match[1] for match in _TAG.finditer(_FENCED.sub("", text)))
    return (tag for tag, _ in zip(dict.fromkeys(found), range(_MOST_TAGS), strict=False))
