"""Notes that the tests of curation share, and access to what curation finds about them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mlx_backend.importers.passages import split_passages
from mlx_backend.library.curation_findings import CurationFindings, Reason, Step
from mlx_backend.library.notes import NewNote, Notes

KEEPER = (
    "Marta lit the lamp of Amber Cove at twenty to seven. The keeper before her was Oskar Lind,"
    " who left for Bergen when his daughter was born. He took the old lens with him, wrapped in"
    " wool, and sent a postcard each winter. The lamp burns oil from the shop of Ida Falk, who is"
    " there when the ferry comes in and goes when it leaves again. On still nights one hears"
    " the bell of the outer buoy from the gallery, and then it will rain before noon."
)
ROPE = (
    "Rope is sold by the metre in the shop at the quay. Ida cuts it with a hot knife so that the"
    " ends do not fray, and writes the price on a slip that nobody ever reads."
)


def new_note(path: str, text: str, title: str = "", **fields: object) -> NewNote:
    return NewNote(
        path=path,
        source="/notes",
        title=title or path.rpartition("/")[2],
        text=text,
        sha256=hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
        words=len(text.split()),
        tokens=len(text),
        passages=tuple(split_passages(text)),
        **fields,  # type: ignore[arg-type]
    )


def save(notes: Notes, texts: Mapping[str, str]) -> None:
    notes.save(new_note(path, text) for path, text in texts.items())


def ids(notes: Notes) -> dict[str, int]:
    return {summary.path: summary.id for summary in notes.summaries()}


def statuses(notes: Notes) -> dict[str, str]:
    return {summary.path: summary.status for summary in notes.summaries()}


def reason(notes: Notes, path: str, step: Step) -> Reason | None:
    found = CurationFindings(notes.connection).reasons(ids(notes)[path])
    return next((each for each in found if each.step == step), None)


def everything(notes: Notes) -> dict[str, object]:
    """All findings about each existing note, by path and independent of ids."""
    paths = {note_id: path for path, note_id in ids(notes).items()}
    findings = CurationFindings(notes.connection)
    return {
        summary.path: (
            summary.status,
            [
                (
                    r.step,
                    r.sentence,
                    r.leaves_out,
                    paths.get(r.stays or 0),
                    r.score,
                    r.value,
                    r.spans,
                )
                for r in findings.reasons(summary.id)
            ],
        )
        for summary in notes.summaries()
        if summary.status != "gone"
    }
