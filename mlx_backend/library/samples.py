"""The samples of a library: what study wrote, what filters dropped, what the person changed."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import drop_reasons
from mlx_backend.library.database import transaction
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import GENRES, RULES, Draft, titled_answer
from mlx_backend.library.stored_samples import (
    OTHERS_USED,
    SAMPLES,
    USED,
    Choice,
    StoredSample,
    Yield,
    digest,
)

VERSION = 2
"""The version of how samples are written; passages studied by an older one are studied again."""


class Samples:
    """Reads and writes samples over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def studied(self, writer: str) -> set[tuple[int, bytes]]:
        """The passages that a writer has studied, as pairs of note id and digest."""
        rows = self._db.execute(
            "SELECT note_id, passage FROM studied WHERE writer = ? AND version = ?",
            (writer, VERSION),
        )
        return {(row["note_id"], row["passage"]) for row in rows}

    def written_about(self, writer: str) -> set[tuple[int, bytes]]:
        """The passages with samples by a writer, as pairs of note id and digest."""
        rows = self._db.execute(
            "SELECT DISTINCT note_id, passage FROM samples WHERE writer = ?", (writer,)
        )
        return {(row["note_id"], row["passage"]) for row in rows}

    def read_by_models(self) -> int:
        """How many passages base models have studied, counted for each model."""
        (number,) = self._db.execute(
            "SELECT count(*) FROM studied WHERE writer != ? AND version = ?", (RULES, VERSION)
        ).fetchone()
        return int(number)

    def of_passage(self, note_id: int, passage: bytes) -> list[StoredSample]:
        """All samples about a passage, given by its digest, dropped ones included."""
        rows = self._db.execute(
            f"{SAMPLES} WHERE note_id = ? AND passage = ? ORDER BY samples.id", (note_id, passage)
        )
        return [StoredSample.of_row(row) for row in rows]

    def genres_studied(self, writer: str) -> dict[tuple[int, bytes], frozenset[str]]:
        """The genres that a reader is done with, by passage: note id and digest."""
        rows = self._db.execute(
            "SELECT note_id, passage, genres FROM studied WHERE writer = ? AND version = ?",
            (writer, VERSION),
        )
        return {(r["note_id"], r["passage"]): frozenset(r["genres"].split()) for r in rows}

    def save(
        self,
        writer: str,
        studied: Iterable[tuple[Passage, Sequence[Draft]]],
        genres: Sequence[str] = (),
    ) -> None:
        """Save what `writer` wrote about passages and mark them studied, in one transaction.

        This replaces its earlier samples about them; of a reader, which writes in `genres`, only
        those of the same genres, and whatever it wrote before it had genres. Samples that the
        person changed stay and are not written again; nor are those that they deleted, nor any
        about notes that they deleted.
        """
        others = [genre for genre in GENRES if genre not in genres] if genres else []
        with transaction(self._db):
            for passage, drafts in studied:
                if not self._has_notes([passage.note_id]):
                    continue
                place = (passage.note_id, digest(passage))
                self._db.execute(
                    "DELETE FROM samples WHERE note_id = ? AND passage = ? AND writer = ?"
                    " AND choice = '' AND kind NOT IN (SELECT value FROM json_each(?))",
                    (*place, writer, json.dumps(others)),
                )
                settled = self.changed(passage) | self._deleted_of(passage.note_id)
                self._db.executemany(
                    "INSERT INTO samples (note_id, passage, writer, kind, prompt, answer, key,"
                    " quote, dropped, others) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (*place, writer, d.kind, d.prompt, d.answer, d.key, d.quote, d.dropped,
                         json.dumps([[note, other.hex()] for note, other in d.others]))
                        for d in drafts
                        if (d.kind, d.key, d.quote) not in settled
                        and self._has_notes(note for note, _ in d.others)
                    ],
                )  # fmt: skip
                self._mark(place, writer, genres)

    def _mark(self, place: tuple[int, bytes], writer: str, genres: Sequence[str]) -> None:
        """Mark a passage studied, in these genres beside those that were."""
        row = self._db.execute(
            "SELECT genres FROM studied WHERE note_id = ? AND passage = ? AND writer = ?"
            " AND version = ?",
            (*place, writer, VERSION),
        ).fetchone()
        done = dict.fromkeys((*(row["genres"].split() if row else ()), *genres))
        self._db.execute(
            "INSERT OR REPLACE INTO studied (note_id, passage, writer, version, genres)"
            " VALUES (?, ?, ?, ?, ?)",
            (*place, writer, VERSION, " ".join(done)),
        )

    def changed(self, passage: Passage) -> set[tuple[str, str, str]]:
        """The `about` of the samples of a passage that the person changed."""
        return self._abouts(
            "samples WHERE note_id = ? AND passage = ? AND choice <> ''",
            (passage.note_id, digest(passage)),
        )

    def _has_notes(self, ids: Iterable[int]) -> bool:
        there = "SELECT 1 FROM notes WHERE id = ?"
        return all(self._db.execute(there, (each,)).fetchone() for each in ids)

    def _deleted_of(self, note_id: int) -> set[tuple[str, str, str]]:
        """The `about` of the samples of a note that the person deleted."""
        return self._abouts("deleted_samples WHERE note_id = ?", (note_id,))

    def _abouts(self, rows: str, values: tuple[object, ...]) -> set[tuple[str, str, str]]:
        found = self._db.execute(f"SELECT kind, key, quote FROM {rows}", values)
        return {(row["kind"], row["key"], row["quote"]) for row in found}

    def drop(self, dropped: Iterable[tuple[int, str]]) -> None:
        """Record the reasons why filters dropped samples, by id; "" takes one back."""
        with transaction(self._db):
            self._db.executemany(
                "UPDATE samples SET dropped = ? WHERE id = ?",
                [(why, sample) for sample, why in dropped],
            )

    def choose(self, sample: int, choice: Choice) -> None:
        """Record the person's choice about a sample, which overrides the filters; "" for none.

        Raises OvernightError when the sample is gone.
        """
        with transaction(self._db):
            _require_one(
                self._db.execute("UPDATE samples SET choice = ? WHERE id = ?", (choice, sample))
            )

    def edit(self, sample: int, prompt: str, answer: str, choice: Choice = "edited") -> None:
        """Change a sample to the person's words; training uses it unless `choice` says otherwise.

        Raises OvernightError when the sample is gone.
        """
        with transaction(self._db):
            written = self._db.execute(
                "UPDATE samples SET prompt = ?, answer = ?, choice = ? WHERE id = ?",
                (prompt.strip(), answer.strip(), choice, sample),
            )
            _require_one(written)

    def changed_elsewhere(
        self, present: Iterable[tuple[int, bytes]]
    ) -> dict[int, list[StoredSample]]:
        """By note id, the changed samples of passages that are not among those `present`.

        present: pairs of note id and digest.
        """
        places = set(present)
        found: defaultdict[int, list[StoredSample]] = defaultdict(list)
        for sample, passage in self._with_digests("choice <> '' AND quote <> ''"):
            if (sample.note_id, passage) not in places:
                found[sample.note_id].append(sample)
        return found

    def move(self, sample: StoredSample, passage: Passage) -> None:
        """Move a changed sample to another passage of its note, which has the words it quotes.

        It replaces what study wrote there about the same.
        """
        place = (passage.note_id, digest(passage))
        is_bare = sample.kind not in GENRES and (
            sample.answer == sample.quote or sample.answer.endswith(f": {sample.quote}")
        )
        answer = titled_answer(passage.note_title, sample.quote) if is_bare else sample.answer
        with transaction(self._db):
            self._db.execute(
                "DELETE FROM samples WHERE note_id = ? AND passage = ? AND kind = ? AND key = ?"
                " AND quote = ? AND choice = ''",
                (*place, *sample.about),
            )
            self._db.execute(
                "UPDATE samples SET passage = ?, answer = ? WHERE id = ?",
                (place[1], answer, sample.id),
            )

    def forget_old(self, present: Iterable[tuple[int, bytes]]) -> None:
        """Remove the samples of passages that changed: those not among the `present` ones.

        Samples of notes that have no passage `present` stay, and so do those that the person
        changed. present: pairs of note id and digest.
        """
        kept = set(present)
        notes = {note for note, _ in kept}
        rows = self._db.execute("SELECT DISTINCT note_id, passage FROM studied").fetchall()
        old = [
            (row["note_id"], row["passage"])
            for row in rows
            if row["note_id"] in notes and (row["note_id"], row["passage"]) not in kept
        ]
        with transaction(self._db):
            self._db.executemany("DELETE FROM studied WHERE note_id = ? AND passage = ?", old)
            self._db.executemany(
                "DELETE FROM samples WHERE note_id = ? AND passage = ? AND choice = ''", old
            )
            self._forget_of_several(kept)

    def _forget_of_several(self, kept: set[tuple[int, bytes]]) -> None:
        """Remove samples that are also about a passage that changed; their genre is studied anew.

        A note without any passage in `kept` may only be left out for now.
        """
        notes = {note for note, _ in kept}
        rows = self._db.execute(
            "SELECT id, note_id, passage, writer, kind, others FROM samples"
            " WHERE others <> '[]' AND choice = ''"
        ).fetchall()
        for row in rows:
            others = [(note, bytes.fromhex(other)) for note, other in json.loads(row["others"])]
            if not any(note in notes and (note, other) not in kept for note, other in others):
                continue
            self._db.execute("DELETE FROM samples WHERE id = ?", (row["id"],))
            self._db.execute(
                "UPDATE studied SET genres = trim(replace(' ' || genres || ' ', ?, ' '))"
                " WHERE note_id = ? AND passage = ? AND writer = ?",
                (f" {row['kind']} ", row["note_id"], row["passage"], row["writer"]),
            )

    def used(self) -> list[tuple[StoredSample, bytes]]:
        """All samples that training uses, with the digests of their passages, in order of notes."""
        return self._with_digests(f"{USED} AND {OTHERS_USED}")

    def left_out(self) -> list[tuple[StoredSample, bytes]]:
        """All samples that the person left out or deleted, with the digests of their passages.

        Of deleted ones, prompt and answer are "".
        """
        return [*self._with_digests("choice IN ('drop', 'edited, dropped')"), *self._deleted()]

    def crooked(self) -> list[tuple[StoredSample, bytes]]:
        """All questions that filters dropped for reasons `OF_THE_QUESTION`, with the digests.

        None that the person chose something about, none about several passages, and no restatements
        and summaries, whose answer the filters judge, too. In order of notes.
        """
        reasons = ", ".join(f"'{why}'" for why in drop_reasons.OF_THE_QUESTION)
        return self._with_digests(
            "choice = '' AND quote <> '' AND others = '[]'"
            f" AND samples.kind NOT IN ('restated', 'summary') AND dropped IN ({reasons})"
        )

    def _deleted(self) -> list[tuple[StoredSample, bytes]]:
        rows = self._db.execute(
            "SELECT passage, sample_id AS id, note_id, notes.title AS note_title, '' AS writer,"
            " deleted_samples.kind, '' AS prompt, '' AS answer, key, quote, '' AS dropped,"
            " 'drop' AS choice, included AND NOT gone AS of_used_note, '[]' AS others"
            " FROM deleted_samples JOIN notes ON notes.id = note_id ORDER BY note_id, sample_id"
        )
        return _split(rows)

    def _with_digests(self, condition: str) -> list[tuple[StoredSample, bytes]]:
        rows = self._db.execute(
            SAMPLES.replace("SELECT ", "SELECT passage, ", 1)
            + f" WHERE {condition} ORDER BY note_id, samples.id"
        )
        return _split(rows)

    def yielded(self, writer: str | None = None) -> Yield:
        """Counts of all samples about notes that training uses, of this night and earlier ones.

        writer: only its samples, and those that the person changed; None counts all.
        """
        rows = self._db.execute(
            f"SELECT CASE WHEN {USED} THEN '' WHEN choice = '' THEN dropped ELSE ? END AS why,"
            " count(*) AS n FROM samples JOIN notes ON notes.id = note_id"
            f" WHERE included AND NOT gone AND {OTHERS_USED}"
            " AND (? IS NULL OR writer = ? OR choice <> '') GROUP BY why",
            (drop_reasons.LEFT_OUT, writer, writer),
        ).fetchall()
        number = {row["why"]: row["n"] for row in rows}
        used = number.pop("", 0)
        return Yield(written=used + sum(number.values()), used=used, dropped=number)


def _split(rows: Iterable[sqlite3.Row]) -> list[tuple[StoredSample, bytes]]:
    found = []
    for row in rows:
        fields = dict(row)
        passage = fields.pop("passage")
        found.append((StoredSample.of_row(fields), passage))
    return found


def _require_one(written: sqlite3.Cursor) -> None:
    if written.rowcount != 1:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "This sample is no longer there: its note was studied anew.",
            "Look for it in the list, which shows what was written since, and change it there.",
        )
