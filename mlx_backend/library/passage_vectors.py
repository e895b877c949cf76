"""The vectors of passages, by which they are found by meaning: kept beside the index of words.

A vector belongs to the digest of its passage as it is taught, so that an edited note costs only
those passages that changed. Only notes in English have any: the model knows no other language.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlx_backend.library.database import transaction

SIZE = 384
"""Numbers in a vector, two bytes each."""

_MISSING = (
    " FROM passage_digests JOIN passages ON passages.id = passage_id"
    " JOIN notes ON notes.id = note_id"
    " WHERE included AND NOT gone AND digest NOT IN (SELECT digest FROM passage_vectors)"
    " AND EXISTS (SELECT 1 FROM findings"
    " WHERE findings.note_id = notes.id AND step = 'language' AND value = 'en')"
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class UnreadPassage:
    """A passage without a vector, and the text that its vector is to be of."""

    digest: bytes
    text: str


class PassageVectors:
    """Reads and writes vectors of passages, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def count_missing(self) -> int:
        """How many passages of English notes in use have no vector."""
        (count,) = self._db.execute(f"SELECT count(DISTINCT digest){_MISSING}").fetchone()
        return int(count)

    def missing(self, most: int) -> list[UnreadPassage]:
        """Up to `most` passages of English notes in use that have no vector."""
        # As they are in the index: masked, and without what is left out.
        rows = self._db.execute(
            "SELECT digest, title, heading, text FROM passages_index JOIN"
            f" (SELECT digest, min(passage_id) AS one{_MISSING} GROUP BY digest LIMIT ?)"
            " ON passages_index.rowid = one",
            (most,),
        )
        return [
            UnreadPassage(row["digest"], "\n".join((row["title"], row["heading"], row["text"])))
            for row in rows
        ]

    def add(self, read: Sequence[UnreadPassage], vectors: Floats) -> None:
        """Keep the vectors, (passages, SIZE), of those passages that are still there."""
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO passage_vectors"
                " SELECT :digest, :vector WHERE :digest IN (SELECT digest FROM passage_digests)",
                [
                    {"digest": each.digest, "vector": vector.astype("<f2").tobytes()}
                    for each, vector in zip(read, vectors, strict=True)
                ],
            )

    def forget_unused(self) -> None:
        """Delete the vectors of passages that are gone, or that are taught otherwise now."""
        unused = "FROM passage_vectors WHERE digest NOT IN (SELECT digest FROM passage_digests)"
        # A delete would wait for other writers even where it has nothing to do.
        if self._db.execute(f"SELECT 1 {unused} LIMIT 1").fetchone():
            with transaction(self._db):
                self._db.execute(f"DELETE {unused}")

    def forget_all(self) -> None:
        """Delete all vectors; passages are found by words alone then."""
        if self._db.execute("SELECT 1 FROM passage_vectors LIMIT 1").fetchone():
            with transaction(self._db):
                self._db.execute("DELETE FROM passage_vectors")

    def of_notes_in_use(self) -> tuple[list[int], Floats]:
        """The ids of passages with a sound vector, and the vectors, (passages, SIZE)."""
        import numpy as np  # slow to import, and not needed by an import

        rows = self._db.execute(
            "SELECT passage_id, vector FROM passage_vectors JOIN passage_digests USING (digest)"
            " JOIN passages ON passages.id = passage_id JOIN notes ON notes.id = note_id"
            " WHERE included AND NOT gone AND length(vector) = ?",
            (2 * SIZE,),
        ).fetchall()
        vectors = np.frombuffer(b"".join(row["vector"] for row in rows), "<f2")
        vectors = vectors.reshape(len(rows), SIZE).astype(np.float32)
        is_sound = np.isfinite(vectors).all(axis=1) & (np.abs(vectors) <= 1.0).all(axis=1)
        ids = [row["passage_id"] for row, sound in zip(rows, is_sound, strict=True) if sound]
        return ids, vectors[is_sound]
