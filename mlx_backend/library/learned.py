"""Which adapter has learned which notes, where adapters go, come back or are called otherwise."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

_NOTE = "$.notes[0].learned_by"


def forget_adapter(db: sqlite3.Connection, adapter: str, item: str = "") -> None:
    """What only `adapter` had learned is to be learned again, within a transaction.

    Where it goes into the bin, as `item`, what it had learned is kept with it.
    """
    if item:
        db.execute(
            "INSERT OR REPLACE INTO unlearned (item, note_id, sha256)"
            " SELECT ?, id, learned_sha256 FROM notes"
            " WHERE learned_by = ? AND learned_sha256 IS NOT NULL",
            (item, adapter),
        )
    db.execute(
        "UPDATE notes SET learned_sha256 = NULL, learned_by = NULL WHERE learned_by = ?",
        (adapter,),
    )
    db.execute(
        "UPDATE bin SET content ="
        f" json_set(content, '{_NOTE}', NULL, '$.notes[0].learned_sha256', NULL)"
        f" WHERE kind = 'note' AND json_extract(content, '{_NOTE}') = ?",
        (adapter,),
    )


def learn_again(db: sqlite3.Connection, item: str, adapter: str) -> None:
    """An adapter is back from the bin, maybe under another name, within a transaction.

    What another one has learned meanwhile stays that one's.
    """
    db.execute(
        "UPDATE notes SET learned_by = ?, learned_sha256 ="
        " (SELECT sha256 FROM unlearned WHERE item = ? AND note_id = notes.id)"
        " WHERE learned_by IS NULL"
        " AND id IN (SELECT note_id FROM unlearned WHERE item = ?)",
        (adapter, item, item),
    )
    forget_item(db, item)


def forget_item(db: sqlite3.Connection, item: str) -> None:
    """An adapter is gone from the bin."""
    db.execute("DELETE FROM unlearned WHERE item = ?", (item,))


def keep_items(db: sqlite3.Connection, items: Sequence[str]) -> None:
    """No other adapters are in the bin than these."""
    db.execute(
        "DELETE FROM unlearned WHERE item NOT IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(items).decode(),),
    )


def rename_adapter_in(db: sqlite3.Connection, old: str, new: str) -> None:
    """Call an adapter otherwise wherever the database names it, within a transaction."""
    db.execute("UPDATE notes SET learned_by = ? WHERE learned_by = ?", (new, old))
    db.execute("UPDATE turns SET adapter = ? WHERE adapter = ?", (new, old))
    db.execute(
        f"UPDATE bin SET content = json_set(content, '{_NOTE}', ?)"
        f" WHERE kind = 'note' AND json_extract(content, '{_NOTE}') = ?",
        (new, old),
    )
    _rename_in_conversations(db, old, new)


def _rename_in_conversations(db: sqlite3.Connection, old: str, new: str) -> None:
    rows = db.execute(
        "SELECT id, content FROM bin WHERE kind = 'conversation' AND instr(content, ?)",
        (msgspec.json.encode(old).decode(),),
    )
    for row in rows.fetchall():
        content = msgspec.json.decode(row["content"], type=dict[str, list[dict[str, object]]])
        for turn in content.get("turns", ()):
            if turn.get("adapter") == old:
                turn["adapter"] = new
        db.execute(
            "UPDATE bin SET content = ? WHERE id = ?",
            (msgspec.json.encode(content).decode(), row["id"]),
        )
