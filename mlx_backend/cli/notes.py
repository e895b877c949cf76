"""The commands for notes: import and list."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tqdm import tqdm

from mlx_backend.cli.bin import as_results, in_bin_sentence, purge_bin
from mlx_backend.cli.console import Console
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library, database
from mlx_backend.library.bin import Bin
from mlx_backend.library.curation_findings import CurationFindings
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes


def import_notes(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight import PATH...`."""
    from mlx_backend.importers.importing import import_into
    from mlx_backend.importers.meaning import start_if_due

    library = Library.open()
    with tqdm(unit="files", file=sys.stderr, disable=None, leave=False) as bar:

        def on_progress(done: int, total: int, path: str) -> None:
            bar.total = total
            bar.update(done - bar.n)

        def on_curation(done: int, total: int) -> None:
            bar.unit = "notes"
            on_progress(done, total, "")

        outcome = import_into(library, options.paths, on_progress, on_curation=on_curation)
    with database.opened(library.database) as connection:
        purge_bin(library, connection)
    left_out = f", {outcome.left_out} of them left out of training" if outcome.left_out else ""
    console.say(
        f"{outcome.added} added, {outcome.changed} changed, {outcome.unchanged} unchanged,"
        f" {outcome.removed} gone; {outcome.notes} notes in all{left_out}."
    )
    if outcome.restored:
        console.say("The note that you had deleted has been restored.")
    if outcome.skipped:
        console.say(f"Skipped {len(outcome.skipped)}:")
        console.table(["File", "Why"], outcome.skipped)
    start_if_due(library)
    return outcome.as_result()


def list_notes(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight notes`: list the notes; with options, leave out, take in or delete some first."""
    library = Library.open()
    with database.opened(library.database) as connection:
        _check_ids(Notes(connection), [*options.leave_out, *options.take_in, *options.delete])
        deleted = Bin(library, connection).delete_notes(options.delete)
        NoteDecisions(connection).decide(options.leave_out, included=False)
        NoteDecisions(connection).decide(options.take_in, included=True)
        notes, findings = Notes(connection).summaries(), CurationFindings(connection)
        left_out = [note.id for note in notes if note.status == "excluded"]
        why = {note_id: findings.why_left_out(note_id) for note_id in left_out}
        if deleted:
            purge_bin(library, connection)
    if notes:
        heads = ["Id", "Title", "Words", "Tokens", "Status"]
        console.table(
            [*heads, "Why"] if why else heads,
            [
                (n.id, n.title, n.words, n.tokens, n.status, *([why.get(n.id, "")] if why else []))
                for n in notes
            ],
        )
    else:
        console.say("No notes yet. Add some: overnight import FOLDER")
    if deleted:
        console.say(in_bin_sentence(library, deleted))
    fields = ("id", "title", "path", "words", "tokens", "status")
    return {
        "notes": [
            {name: getattr(note, name) for name in fields} | {"why": why.get(note.id, "")}
            for note in notes
        ],
        **({"bin": as_results(deleted)} if deleted else {}),
    }


def _check_ids(notes: Notes, chosen: Sequence[int]) -> None:
    unknown = set(chosen) - {note.id for note in notes.summaries()} if chosen else set()
    if unknown:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"There is no note with the number {min(unknown)}.",
            "`overnight notes` lists all notes with their numbers.",
        )
