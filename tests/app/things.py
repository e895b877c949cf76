"""What a person should find in a library after what was done, for tests to compare with the disk.

A thing is known by its kind and identity, as `whereabouts` has it. It is in the library under a
name, or in the bin as part of an item, or it was thrown out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

Thing = tuple[str, str]
"""Kind and identity."""


@dataclass
class Step:
    """One step of the undo history. `items` says for each thing as which item it went."""

    kind: str
    things: list[Thing]
    items: dict[Thing, int] = field(default_factory=dict)
    old: str = ""
    new: str = ""


@dataclass
class Model:
    """Where things are to be, and what can be undone and redone."""

    names: dict[Thing, str] = field(default_factory=dict)
    """What those are called that were not thrown out."""
    binned: dict[Thing, int] = field(default_factory=dict)
    """Those in the bin, with the item that each is in."""
    notes: dict[Thing, Thing] = field(default_factory=dict)
    """The note that each sample is about."""
    learned: dict[Thing, Thing] = field(default_factory=dict)
    """The adapter that each note is learned by."""
    lost: dict[Thing, set[Thing]] = field(default_factory=dict)
    """For adapters in the bin, the notes that they had learned."""
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)
    items: int = 0

    def here(self, kind: str) -> list[Thing]:
        """The things of a kind that are in the library."""
        return [each for each in self.names if each[0] == kind and each not in self.binned]

    def learned_names(self) -> dict[Thing, str]:
        """The notes in the library that count as learned, each with its adapter's name."""
        return {note: self.names[by] for note, by in self.learned.items() if self._is_here(note)}

    # --- what a person does ---

    def delete(self, things: list[Thing]) -> None:
        """Delete things in one step."""
        self._begin(Step("delete", things))
        self._take(self.done[-1])

    def rename(self, thing: Thing, new: str) -> None:
        """Call a thing otherwise."""
        self._begin(Step("rename", [thing], old=self.names[thing], new=new))
        self.names[thing] = new

    def restore(self, thing: Thing) -> None:
        """Bring a thing back from the bin, on its page."""
        step = Step("restore", [thing], {thing: self.binned[thing]})
        self._begin(step)
        if not self._give(step):
            self.done.pop()

    def undo(self) -> None:
        """Take the last step back."""
        if self.done:
            step = self.done.pop()
            if self._apply(step, forward=False):
                self.undone.append(step)

    def redo(self) -> None:
        """Do the last step again that was undone."""
        if self.undone:
            step = self.undone.pop()
            if self._apply(step, forward=True):
                self.done.append(step)

    def throw_out(self, thing: Thing) -> None:
        """Delete the item that a thing is in for good, and with a note all its samples."""
        item = self.binned[thing]
        gone = {each for each, its in self.binned.items() if its == item}
        gone |= {sample for sample, note in self.notes.items() if note in gone} & self.names.keys()
        for each in gone:
            del self.names[each], self.binned[each]
            self.learned.pop(each, None)
            self.lost.pop(each, None)

    def restart(self) -> None:
        """A window that is opened anew has nothing to undo."""
        self.done.clear()
        self.undone.clear()

    # --- what comes from outside ---

    def learn(self, adapter: Thing) -> None:
        """An adapter has learned all notes that are there."""
        self.learned |= dict.fromkeys(self.here("note"), adapter)

    def remove_outside(self, thing: Thing) -> None:
        """What a command deletes is no step of the window."""
        self._take(Step("delete", [thing]))

    def restore_outside(self, thing: Thing) -> None:
        """So is what a command restores."""
        self._give(Step("restore", [thing], {thing: self.binned[thing]}))

    # --- steps ---

    def _begin(self, step: Step) -> None:
        self.done.append(step)
        self.undone.clear()

    def _apply(self, step: Step, forward: bool) -> bool:
        """Do or undo a step; False where that cannot be."""
        if step.kind == "rename":
            before, after = (step.old, step.new) if forward else (step.new, step.old)
            return self._rename(step.things[0], before, after)
        return self._take(step) if forward == (step.kind == "delete") else self._give(step)

    def _rename(self, thing: Thing, before: str, after: str) -> bool:
        is_here = thing in self.names and thing not in self.binned
        if thing[0] == "conversation":
            if is_here:
                self.names[thing] = after
            return is_here or True
        if not is_here or self.names[thing] != before or self._is_taken(thing, after):
            return False
        self.names[thing] = after
        return True

    def _take(self, step: Step) -> bool:
        there = [each for each in step.things if each in self.names and each not in self.binned]
        if step.things[0][0] in ("adapter", "model") and not there:
            return False
        step.items.clear()
        for thing in there:
            self.items += 1
            self.binned[thing] = step.items[thing] = self.items
            self._unlearn(thing)
            for sample in self._samples(thing):
                self.binned[sample] = self.items
        return True

    def _give(self, step: Step) -> bool:
        there = [each for each, item in step.items.items() if self.binned.get(each) == item]
        if not there:
            return False
        for thing in there:
            note = self.notes.get(thing)
            if note is not None and (note not in self.names or note in self.binned):
                return False
        for thing in there:
            item = self.binned[thing]
            for each in [each for each, its in self.binned.items() if its == item]:
                del self.binned[each]
            self.names[thing] = self._free_name(thing)
            for note in self.lost.pop(thing, ()):
                self.learned.setdefault(note, thing)
        step.things = there
        return True

    def _unlearn(self, adapter: Thing) -> None:
        notes = {note for note, by in self.learned.items() if by == adapter}
        if notes:
            self.lost[adapter] = notes
            self.learned = {k: v for k, v in self.learned.items() if k not in notes}

    def _samples(self, thing: Thing) -> Iterable[Thing]:
        return [s for s, note in self.notes.items() if note == thing and self._is_here(s)]

    def _is_here(self, thing: Thing) -> bool:
        return thing in self.names and thing not in self.binned

    def _is_taken(self, thing: Thing, name: str) -> bool:
        others = (each for each in self.here(thing[0]) if each != thing)
        return any(_folded(self.names[each]) == _folded(name) for each in others)

    def _free_name(self, thing: Thing) -> str:
        name, number = self.names[thing], 1
        if thing[0] not in ("adapter", "model"):
            return name
        free = name
        while self._is_taken(thing, free):
            number += 1
            free = f"{name} {number}"
        return free


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
