"""Where a note comes from: when it was written and changed, and by whom."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass

from mlx_backend.library.voices import Voice, decode_voices


@dataclass(frozen=True)
class Origin:
    """What is known of a note's making; times are in seconds since 1970.

    `written` is None where the note does not say, `changed` (of its file) where the file holds
    other notes too. `own_share` (0 to 1) is the person's share of its words, where it has several
    voices and that is known. `speakers` are those among whom the person has to be found, who says
    most first; there are none where it is known. `kind`
    is of what kind its file is.
    """

    written: float | None
    changed: float | None
    author: str
    own_share: float | None
    speakers: tuple[str, ...]
    kind: str = "text"


def origin_of(connection: sqlite3.Connection, note_id: int) -> Origin:
    """The origin of a note that exists."""
    row = connection.execute(
        "SELECT kind, created, author, part, voices, files.mtime_ns / 1e9 AS changed,"
        " (SELECT score FROM findings WHERE note_id = notes.id AND step = 'authorship') AS share"
        " FROM notes LEFT JOIN files ON files.path = notes.file WHERE notes.id = ?",
        (note_id,),
    ).fetchone()
    # Of a note that does not say when it was written, the library has the time of its file.
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
