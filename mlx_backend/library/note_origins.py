"""The origin of a note: when it was written and changed, and by whom."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass

from mlx_backend.library.voices import Voice, decode_voices


@dataclass(frozen=True)
class Origin:
    """When and by whom a note was written; times are Unix seconds.

    `written` is None when the note does not say. `changed` is the modification time of its file;
    None when the file holds other notes too. `own_share` (0 to 1) is the person's share of the
    characters in a text with several speakers; None when unknown. Then `speakers` lists who speaks,
    most talkative first, so that the person can say who they are. `kind` is the kind of the file.
    """

    written: float | None
    changed: float | None
    author: str
    own_share: float | None
    speakers: tuple[str, ...]
    kind: str = "text"


def origin_of(connection: sqlite3.Connection, note_id: int) -> Origin:
    """The origin of an existing note."""
    row = connection.execute(
        "SELECT kind, created, author, part, voices, files.mtime_ns / 1e9 AS changed,"
        " (SELECT score FROM findings WHERE note_id = notes.id AND step = 'authorship') AS share"
        " FROM notes LEFT JOIN files ON files.path = notes.file WHERE notes.id = ?",
        (note_id,),
    ).fetchone()
    # For a note without a date, the library stores the modification time of its file.
    says_when = row["created"] and row["created"] != row["changed"]
    return Origin(
        written=row["created"] if says_when else None,
        changed=None if row["part"] else row["changed"],
        author=row["author"],
        own_share=row["share"],
        speakers=_speakers(decode_voices(row["voices"])) if row["share"] is None else (),
        kind=row["kind"],
    )


def _speakers(voices: tuple[Voice, ...]) -> tuple[str, ...]:
    said: Counter[str] = Counter()
    for voice in voices:
        said[voice.name] += voice.end - voice.words
    return tuple(name for name, _ in said.most_common() if name)
