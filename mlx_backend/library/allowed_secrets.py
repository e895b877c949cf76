"""The secrets that the person lets training see, stored as keyed digests, not as values."""

from __future__ import annotations

import functools
import hmac
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from mlx_backend.files import write_atomically
from mlx_backend.private_data.private_span import PrivateSpan

KEY_FILE = "masking.key"
"""A file beside the database. Without it, nobody can test guesses against the stored digests."""

_KEY_BYTES = 32
_DIGEST_BYTES = 16


class AllowedSecrets:
    """Reads and writes the allowed secrets, over one database connection.

    The person allows a value of a kind in one note; another value in the same place is masked. If
    the key file is lost, nothing is allowed any more.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def masked(
        self, note_id: int, text: str, found: Sequence[PrivateSpan]
    ) -> Sequence[PrivateSpan]:
        """Those of the spans `found` in a note's text that training must not see."""
        allowed = self._of_note(note_id) if found else frozenset()
        if not allowed:
            return found
        return [each for each in found if self._digest(note_id, text, each) not in allowed]

    def digests(self, note_id: int, text: str, found: Iterable[PrivateSpan]) -> tuple[bytes, ...]:
        """The digests of the spans `found` in a note's text, in the same order."""
        return tuple(self._digest(note_id, text, each) for each in found)

    def allow(self, note_id: int, digests: Collection[bytes]) -> None:
        """Let training see the secrets with these digests. The caller has begun a transaction."""
        self._db.executemany(
            "INSERT OR IGNORE INTO allowed_secrets VALUES (?, ?)",
            [(note_id, digest) for digest in digests],
        )

    def forget(self, note_id: int | None, only: Collection[bytes] | None = None) -> None:
        """Withdraw the permission for one note's secrets, or for all when `note_id` is None.

        With `only`, withdraw just these digests. The caller has begun a transaction.
        """
        if only is None:
            self._db.execute(
                "DELETE FROM allowed_secrets WHERE note_id = coalesce(?, note_id)", (note_id,)
            )
        else:
            self._db.executemany(
                "DELETE FROM allowed_secrets WHERE digest = ?", [(digest,) for digest in only]
            )

    def of_notes(self, note_ids: Collection[int]) -> tuple[bytes, ...]:
        """The allowed digests of these notes, sorted; a digest belongs to one note only."""
        rows = self._db.execute("SELECT note_id, digest FROM allowed_secrets ORDER BY digest")
        return tuple(bytes(row["digest"]) for row in rows if row["note_id"] in note_ids)

    def _of_note(self, note_id: int) -> frozenset[bytes]:
        rows = self._db.execute("SELECT digest FROM allowed_secrets WHERE note_id = ?", (note_id,))
        return frozenset(bytes(row["digest"]) for row in rows)

    def _digest(self, note_id: int, text: str, span: PrivateSpan) -> bytes:
        value = f"{note_id}\0{span.kind}\0{text[span.start : span.end]}"
        digest = hmac.digest(self._key, value.encode(errors="surrogatepass"), "sha256")
        return digest[:_DIGEST_BYTES]

    @functools.cached_property
    def _key(self) -> bytes:
        files = {row["name"]: row["file"] for row in self._db.execute("PRAGMA database_list")}
        path = Path(files["main"]).with_name(KEY_FILE)
        return _read_key(path) or _make_key(path)


def _read_key(path: Path) -> bytes:
    """The key; b"" when the file is missing or has the wrong length."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return b""
    return key if len(key) == _KEY_BYTES else b""


def _make_key(path: Path) -> bytes:
    write_atomically(path, secrets.token_bytes(_KEY_BYTES))
    path.chmod(0o600)
    return _read_key(path)  # another process may have written its own key first
