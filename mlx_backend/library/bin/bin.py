"""The bin as a whole: folders and rows together."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from mlx_backend.errors import OvernightError
from mlx_backend.library import adapters, models
from mlx_backend.library.adapter_names import is_folder_name
from mlx_backend.library.adapters import AdapterCard
from mlx_backend.library.bin.expiry import expired
from mlx_backend.library.bin.folders import FolderBin
from mlx_backend.library.bin.items import Binned, Restored, not_there
from mlx_backend.library.bin.rows import RowBin
from mlx_backend.library.canaries import forget_canaries
from mlx_backend.library.database import transaction
from mlx_backend.library.home import Library
from mlx_backend.library.in_use import require_unused
from mlx_backend.library.kept_prompts import forget_gone
from mlx_backend.library.learned_notes import (
    forget_adapter,
    forget_facts,
    forget_item,
    has_learned,
    keep_items,
    learn_again,
    rename_adapter_in,
    rename_in_turns,
)

_DAY_S = 86_400.0


class Bin:
    """Deletes into the bin, restores from it, and empties it, over one database connection.

    If a step fails, for example on a full disk, everything is either where it was or in the bin.
    """

    def __init__(self, library: Library, connection: sqlite3.Connection) -> None:
        self._library = library
        self._db = connection
        self._folders = FolderBin(library.bin)
        self._rows = RowBin(connection, self._folders.has)

    def items(self) -> list[Binned]:
        """All items, most recently deleted first."""
        items = [*self._folders.items(), *self._rows.items()]
        return sorted(items, key=lambda item: item.deleted, reverse=True)

    def delete_adapter(self, name: str) -> Binned:
        """Move an adapter into the bin, even a damaged one.

        Raises OvernightError when there is no such adapter, or when a running job needs it.
        """
        with self._folders.alone():
            path = adapters.folder_of(self._library.adapters, name)
            name = path.name
            require_unused(self._library, "adapter", name)
            item = self._folders.announce("adapter", name, path, self._new_id())
            try:
                with transaction(self._db):
                    forget_adapter(self._db, name, item.id)
                    self._folders.take(item, path)
            except BaseException:
                if not path.exists() and self._folders.find(item.id):
                    self._folders.give(item, path)
                raise
        forget_gone(self._library, self._db)
        return item

    def delete_adapter_now(self, name: str) -> None:
        """Delete an adapter for good, past the bin. Raises OvernightError as `delete_adapter`."""
        folder = self._library.adapters
        with self._folders.alone():
            name = adapters.folder_of(folder, name).name
            require_unused(self._library, "adapter", name)
            card = adapters.card_of(folder / name)
            with adapters.adapter_removed(folder, name), transaction(self._db):
                forget_adapter(self._db, name)
                self._forget_learned(card, name)
        forget_gone(self._library, self._db)

    def delete_model(self, name: str) -> Binned:
        """Move a base model into the bin, even an incomplete one.

        Raises OvernightError when there is no such model, or when a running job needs it.
        """
        with self._folders.alone():
            path = models.folder_of(self._library.models, name)
            require_unused(self._library, "model", name)
            item = self._folders.announce("model", name, path, self._new_id())
            self._folders.take(item, path)
        forget_gone(self._library, self._db)
        return item

    def delete_notes(self, ids: Iterable[int]) -> tuple[Binned, ...]:
        """Move notes and their dependent rows into the bin; imports skip these notes from now on.

        Ids that do not exist are skipped, as with samples and conversations.
        """
        return self._rows.delete("note", ids)

    def delete_samples(self, ids: Iterable[int]) -> tuple[Binned, ...]:
        """Move samples into the bin; study does not write them again."""
        return self._rows.delete("sample", ids)

    def delete_conversations(self, ids: Iterable[int]) -> tuple[Binned, ...]:
        """Move conversations with their turns into the bin; what models read of them goes."""
        deleted = self._rows.delete("conversation", ids)
        forget_gone(self._library, self._db)
        return deleted

    def restore(self, item_id: str) -> Restored:
        """Restore an item.

        Raises OvernightError when it is not in the bin, or when it is a sample of a deleted note.
        """
        if self._rows.has(item_id):
            return self._rows.restore([item_id])[0]
        with self._folders.alone():
            item = self._folders.find(item_id)
            if item is None:
                raise not_there(item_id)
            if item.kind == "adapter":
                return self._restore_adapter(item)
            return self._restore_model(item)

    def restore_all(self, item_ids: Iterable[str]) -> tuple[Restored, ...]:
        """Restore many items, also samples together with their notes.

        Raises OvernightError as `restore` does.
        """
        ids = list(item_ids)
        in_rows = [item_id for item_id in ids if self._rows.has(item_id)]
        in_folders = set(ids).difference(in_rows)
        restored = [self.restore(item_id) for item_id in ids if item_id in in_folders]
        return (*restored, *self._rows.restore(in_rows))

    def remove(self, item_id: str) -> None:
        """Delete an item for good. Raises OvernightError when it is not in the bin."""
        if not self._rows.remove([item_id]) and not self._remove_folder(item_id):
            raise not_there(item_id)

    def remove_all(self, item_ids: Iterable[str]) -> int:
        """Delete for good those of the items that are still in the bin; returns how many."""
        ids = list(item_ids)
        removed = sum(self._remove_folder(item_id) for item_id in ids)
        return removed + self._rows.remove(ids)

    def empty(self) -> int:
        """Delete everything in the bin for good; returns how many items."""
        return self.remove_all(item.id for item in self.items())

    def purge(self, days: int, now: float) -> int:
        """Delete for good what was deleted more than `days` before `now` (Unix time); 0 keeps all.

        Only items that an earlier call, a day or more ago, found due as well are deleted. Also
        finishes interrupted moves. Returns how many items were deleted.
        """
        # Skipped when another process holds the bin, or when the disk is full; the next call tries
        # again.
        with contextlib.suppress(OvernightError, OSError):
            self._settle()
        if days <= 0:
            return 0
        old = [item.id for item in self.items() if item.deleted < now - days * _DAY_S]
        with transaction(self._db):
            due = expired(self._db, old, now)
        return self.remove_all(due)

    def _remove_folder(self, item_id: str) -> bool:
        if self._folders.find(item_id) is None:
            return False
        with self._folders.alone():
            item = self._folders.find(item_id)
            if item is None:  # another process removed it first
                return False
            is_adapter = item.kind == "adapter"
            card = adapters.card_of(self._folders.content(item)) if is_adapter else None
            self._folders.remove(item)
        with transaction(self._db):
            forget_item(self._db, item_id)
            self._forget_learned(card, item.name)
        return True

    def _forget_learned(self, card: AdapterCard | None, name: str) -> None:
        """Forget facts and canaries of an adapter that was deleted for good; in a transaction."""
        if card is not None:
            adapter_id = adapters.id_of(card, name)
            forget_facts(self._db, adapter_id)
            forget_canaries(self._library, adapter_id)

    def _settle(self) -> None:
        """Finish what killed processes left unfinished."""
        if not self._library.bin.is_dir():
            return
        with self._folders.alone():
            for item, name in self._folders.half_given():
                path = self._library.adapters / name
                if item.kind == "adapter" and path.is_dir():
                    self._tell_restored(item, path)
            self._end_renaming()
            self._folders.sweep()
            items = self._folders.items()
            for item in items:
                is_away = not (self._library.adapters / item.name).exists()
                if item.kind == "adapter" and is_away and has_learned(self._db, item.name):
                    with transaction(self._db):
                        forget_adapter(self._db, item.name, item.id)
            keep_items(self._db, [item.id for item in items])

    def _end_renaming(self) -> None:
        for path, card in adapters.half_renamed(self._library.adapters):
            has_moved = path.name == card.name
            if has_moved and not (path.parent / card.was).exists():
                with transaction(self._db):
                    rename_adapter_in(self._db, card.was, path.name)
            if has_moved or path.name == card.was:
                adapters.write_name(path, path.name, path.name)

    def _restore_adapter(self, item: Binned) -> Restored:
        name = adapters.free_name(self._library.adapters, _sound_name(item))
        path = self._library.adapters / name
        if name != item.name:
            adapters.write_name(self._folders.content(item), item.name, name, was=item.name)
        with self._folders.given(item, path):
            self._tell_restored(item, path)
        card = adapters.card_of(path)
        if card is not None and card.was:
            with contextlib.suppress(OSError):
                adapters.write_name(path, name, name)
        return Restored(item, name)

    def _tell_restored(self, item: Binned, path: Path) -> None:
        """Record in the database that an adapter was restored to `path`."""
        card = adapters.card_of(path)
        with transaction(self._db):
            learn_again(self._db, item.id, path.name)
            if path.name != item.name:  # another adapter has the old name now
                since = card.created if card else float("-inf")
                rename_in_turns(self._db, item.name, path.name, since, item.deleted)

    def _restore_model(self, item: Binned) -> Restored:
        name, content = _sound_name(item), self._folders.content(item)
        if _is_same_model(self._library.models / name, content):
            self._folders.remove(item)  # for example the starter, which is made again when missing
            return Restored(item, name)
        name = adapters.free_name(self._library.models, name)
        self._folders.give(item, self._library.models / name)
        return Restored(item, name)

    def _new_id(self) -> str:
        while self._rows.has(item_id := self._folders.new_id()):
            pass
        return item_id


def _sound_name(item: Binned) -> str:
    """The item's name, or a made-up one when the name cannot be a folder's."""
    is_sound = models.is_name if item.kind == "model" else is_folder_name
    return item.name if is_sound(item.name) else f"Recovered {item.kind}"


def _is_same_model(there: Path, content: Path) -> bool:
    """Whether a complete model with the same weights as the one in the bin is there already."""
    try:
        one = models.read_model(there.parent, there.name)
        other = models.read_model(content.parent, content.name)
    except OvernightError:
        return False
    return one.card.sha256 == other.card.sha256
