"""What adapters have learned of which notes, kept right when one is deleted or renamed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from mlx_backend.library.ledger import Ledger

_Row = dict[str, object]
_Content = dict[str, list[_Row]]


def forget_adapter(db: sqlite3.Connection, adapter: str, item: str = "") -> None:
    """Mark the notes that `adapter` had learned as not learned; the caller has begun a transaction.

    When the adapter goes to the bin as `item`, the table `unlearned` remembers these notes.
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
    for note_item, content in _in_bin(db, "note", adapter):
        (note,) = content["notes"]
        if note["learned_by"] == adapter:
            if item and note["learned_sha256"] is not None:
                row = {"item": item, "note_id": note["id"], "sha256": note["learned_sha256"]}
                content.setdefault("unlearned", []).append(row)
            note |= {"learned_by": None, "learned_sha256": None}
            _write(db, note_item, content)


def learn_again(db: sqlite3.Connection, item: str, adapter: str) -> None:
    """Undo `forget_adapter` for an adapter restored from the bin; within a transaction.

    `adapter` is its name now. Notes that another adapter has learned meanwhile keep that one.
    """
    db.execute(
        "UPDATE notes SET learned_by = ?, learned_sha256 ="
        " (SELECT sha256 FROM unlearned WHERE item = ? AND note_id = notes.id)"
        " WHERE learned_by IS NULL"
        " AND id IN (SELECT note_id FROM unlearned WHERE item = ?)",
        (adapter, item, item),
    )
    _forget_item(db, item, adapter)


def forget_item(db: sqlite3.Connection, item: str) -> None:
    """Forget what an adapter had learned that left the bin for good; within a transaction."""
    _forget_item(db, item)


def forget_facts(db: sqlite3.Connection, adapter_id: str) -> None:
    """Forget the facts of an adapter deleted for good, also in notes that are in the bin.

    Otherwise they would come back with these notes. The caller has begun a transaction.
    """
    Ledger(db).forget(adapter_id)
    for note_item, content in _in_bin(db, "note", adapter_id):
        if facts := content.pop("facts", []):
            if others := [row for row in facts if row["adapter"] != adapter_id]:
                content["facts"] = others
            _write(db, note_item, content)


def keep_items(db: sqlite3.Connection, items: Sequence[str]) -> None:
    """Forget what adapters had learned that are not among these items of the bin."""
    db.execute(
        "DELETE FROM unlearned WHERE item NOT IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(items).decode(),),
    )


def has_learned(db: sqlite3.Connection, adapter: str) -> bool:
    """Whether any note is recorded as learned by this adapter."""
    query = "SELECT 1 FROM notes WHERE learned_by = ? LIMIT 1"
    return db.execute(query, (adapter,)).fetchone() is not None


def rename_adapter_in(db: sqlite3.Connection, old: str, new: str) -> None:
    """Rename an adapter everywhere in the database; within a transaction."""
    db.execute("UPDATE notes SET learned_by = ? WHERE learned_by = ?", (new, old))
    for item, content in _in_bin(db, "note", old):
        (note,) = content["notes"]
        if note["learned_by"] == old:
            note["learned_by"] = new
            _write(db, item, content)
    rename_in_turns(db, old, new)


def rename_in_turns(
    db: sqlite3.Connection,
    old: str,
    new: str,
    since: float = float("-inf"),
    before: float = float("inf"),
) -> None:
    """Rename the adapter that answered, in turns from `since` until `before`; in a transaction.

    The times (Unix seconds) matter when another adapter had the name earlier or has it now.
    """
    db.execute(
        "UPDATE turns SET adapter = ? WHERE adapter = ? AND at >= ? AND at < ?",
        (new, old, since, before),
    )
    for item, content in _in_bin(db, "conversation", old):
        for turn in content.get("turns", ()):
            at = turn["at"]
            if turn["adapter"] == old and isinstance(at, float | int) and since <= at < before:
                turn["adapter"] = new
        _write(db, item, content)


def _forget_item(db: sqlite3.Connection, item: str, learned_by: str = "") -> None:
    """Delete an item's rows of `unlearned`, also in notes that are in the bin.

    With `learned_by`, those notes are marked as learned by that adapter.
    """
    db.execute("DELETE FROM unlearned WHERE item = ?", (item,))
    for note_item, content in _in_bin(db, "note", item):
        (note,) = content["notes"]
        rows = content.pop("unlearned", [])
        own = [row for row in rows if row["item"] == item]
        if others := [row for row in rows if row["item"] != item]:
            content["unlearned"] = others
        if own and learned_by and note["learned_by"] is None:
            note |= {"learned_by": learned_by, "learned_sha256": own[0]["sha256"]}
        _write(db, note_item, content)


def _in_bin(db: sqlite3.Connection, kind: str, word: str) -> Iterator[tuple[str, _Content]]:
    """The items of a kind in the bin whose content contains a word, with that content."""
    rows = db.execute(
        "SELECT id FROM bin WHERE kind = ? AND instr(content, ?)",
        (kind, msgspec.json.encode(word).decode()),
    )
    for row in rows.fetchall():
        query = "SELECT content FROM bin WHERE id = ?"
        content: str = db.execute(query, (row["id"],)).fetchone()["content"]
        yield row["id"], msgspec.json.decode(content, type=_Content)


def _write(db: sqlite3.Connection, item: str, content: _Content) -> None:
    encoded = msgspec.json.encode(content).decode()
    db.execute("UPDATE bin SET content = ? WHERE id = ?", (encoded, item))
