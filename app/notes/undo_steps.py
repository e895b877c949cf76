"""What is done to notes, as steps that can be undone."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable

from app.library.undo_history import Repeatable, Step, silently
from app.notes.groups import StepChange
from app.notes.language_choice import set_language
from app.text import amounts
from mlx_backend.library.folder_decisions import FolderDecision, FolderDecisions
from mlx_backend.library.languages import Language
from mlx_backend.library.note_browsing import Browsing, NoteFilter, NoteIds
from mlx_backend.library.note_decisions import NoteDecision, NoteDecisions
from mlx_backend.library.own_names import OwnNames

Ends = Callable[[bool], None]


def decided(ids: NoteIds[int], included: bool, decision: NoteDecision, ends: Ends) -> Step:
    """Notes were left out, or brought back."""
    what = amounts.count(decision.notes, "note")
    repeatable = Repeatable(
        lambda db: NoteDecisions(db).decide(ids, included),
        lambda db, last: NoteDecisions(db).take_back(last),
        decision,
    )
    name = f"Use {what.title()}" if included else f"Leave Out {what.title()}"
    sentence = f"Training will use {what} again." if included else f"Left out {what}."
    return Step(name, sentence, repeatable.do, repeatable.undo, ends)


def folder_decided(included: bool, decision: FolderDecision, ends: Ends) -> Step:
    """A folder was left out, or brought back."""
    what = amounts.count(decision.notes, "note")
    repeatable = Repeatable(
        lambda db: FolderDecisions(db).decide(decision.path, included),
        lambda db, last: FolderDecisions(db).take_back(last),
        decision,
    )
    if included:
        name, sentence = "Use Folder", f"Training will use {what} of this folder again."
    else:
        name = "Leave Out Folder"
        sentence = f"Left out {what}, and what comes into this folder later."
    return Step(name, sentence, repeatable.do, repeatable.undo, ends)


def language_used(language: Language, use: bool, ends: Ends) -> Step:
    """Use the notes in a language, or leave them out."""
    doing = "Training uses" if use else "Left out"
    return Step(
        f"{'Use' if use else 'Leave Out'} {language.name}",
        f"{doing} notes in this language: {language.name}.",
        silently(functools.partial(set_language, language.code, use)),
        silently(functools.partial(set_language, language.code, not use)),
        ends,
    )


def own_name_added(name: str, ends: Ends) -> Step:
    """One more of the person's names."""
    return Step(
        f"Name “{name}”",
        f"What “{name}” wrote counts as yours now, in all notes. Your names are under Settings.",
        silently(lambda db: OwnNames(db).add(name)),
        silently(lambda db: OwnNames(db).remove(name)),
        ends,
    )


def findings_changed(change: StepChange, where: str, ends: Ends) -> Step:
    """What was found is undone, or applied again: for one note, or for all."""
    sentence = "What was found no longer counts" if change.undo else "What was found counts"
    return Step(
        "Use Anyway" if change.undo else "Leave Out Again",
        f"{sentence} {where}.",
        silently(change.apply),
        silently(change.opposite.apply),
        ends,
    )


def decide_all(included: bool, db: sqlite3.Connection) -> tuple[NoteIds[int], bool, NoteDecision]:
    """Leave all notes out, or bring all back; returns the first arguments of `decided`."""
    ids = Browsing(db).ids(NoteFilter())
    return ids, included, NoteDecisions(db).decide(ids, included)
