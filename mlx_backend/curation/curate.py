"""Curating the notes of a library: what is left out by default, and why."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlx_backend.curation import boilerplate, duplicates, near_duplicates, pending
from mlx_backend.curation.curation_tables import ComparedNote, CurationTables, iterate_batches
from mlx_backend.curation.language import Languages
from mlx_backend.curation.language import load as load_languages
from mlx_backend.curation.near_duplicates import Pair
from mlx_backend.curation.note_analysis import NoteText, analyse
from mlx_backend.curation.text_fingerprints import Wording
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.curation_findings import CurationFinding, CurationFindings, Step
from mlx_backend.library.database import folder_of
from mlx_backend.library.notes import Notes
from mlx_backend.locks import FileLock

_COMPARED_AT_ONCE = 1_000
_PATIENCE_S = 600.0
_LOOK_EVERY_S = 1.0

ProgressCall = Callable[[int, int], None]
"""Called with notes looked at and notes to look at."""


def _no_progress(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass
class CurationOutcome:
    """How many notes were looked at, and of how many each step leaves something out in all."""

    looked_at: int = 0
    left_out: dict[Step, int] = field(default_factory=dict)
    stopped: bool = False


def curate(
    notes: Notes,
    on_progress: ProgressCall = _no_progress,
    stop_requested: Callable[[], bool] = lambda: False,
) -> CurationOutcome:
    """Look at new and changed notes, compare all, and set what training uses by default.

    What the person chose stays as it is. Memory grows with the number of notes by about 500 bytes
    each, not with their texts. A stop keeps what was looked at; the next call goes on from there.
    Waits while another process curates the same library; raises OvernightError when that takes
    longer than ten minutes.
    """
    outcome = CurationOutcome()
    with _alone(notes, stop_requested) as alone:
        if alone:
            _curate(CurationTables(notes), outcome, on_progress, stop_requested)
        else:
            outcome.stopped = True
    outcome.left_out = CurationFindings(notes.connection).counts()
    return outcome


@contextlib.contextmanager
def _alone(notes: Notes, stop_requested: Callable[[], bool]) -> Iterator[bool]:
    """Be the only one that curates the library; yields False when a stop came first."""
    lock = FileLock(folder_of(notes.connection) / "curation.lock")
    patience = _PATIENCE_S
    while not lock.acquire(min(patience, _LOOK_EVERY_S)):
        patience -= _LOOK_EVERY_S
        if stop_requested():
            yield False
            return
        if patience <= 0:
            raise OvernightError(
                ErrorKind.BUSY,
                "The notes of this library are still being looked through by another import.",
                "Wait until it is done, then try again.",
            )
    try:
        yield True
    finally:
        lock.release()


def _curate(
    store: CurationTables,
    outcome: CurationOutcome,
    on_progress: ProgressCall,
    stop_requested: Callable[[], bool],
) -> None:
    _look_at_each(store, outcome, on_progress, stop_requested)
    if not pending.is_compared(store.connection):
        if not outcome.stopped:
            store.begin_comparison()
            _compare_all(store)
            store.end_comparison()
        store.update_included()


def _look_at_each(
    store: CurationTables,
    outcome: CurationOutcome,
    on_progress: ProgressCall,
    stop_requested: Callable[[], bool],
) -> None:
    outdated = pending.outdated(store.connection)
    if not outdated:
        return
    languages = load_languages()
    for batch in iterate_batches(outdated, store):
        if stop_requested():
            outcome.stopped = True
            return
        on_progress(outcome.looked_at, len(outdated))
        _look_at(batch, store, languages)
        outcome.looked_at += len(batch)
    on_progress(len(outdated), len(outdated))


def _look_at(batch: Sequence[NoteText], store: CurationTables, languages: Languages) -> None:
    facts = [analyse(note, languages) for note in batch]
    sketched = [each for each in facts if len(each.shingles)]
    rows = near_duplicates.make_sketches([each.shingles for each in sketched])
    store.save_analyses(
        facts,
        {each.note_id: row.tobytes() for each, row in zip(sketched, rows, strict=True)},
    )


def _compare_all(store: CurationTables) -> None:
    """The steps that look at notes side by side; each takes what those before it leave."""
    there = store.all_curated()
    texts = [*store.refused_texts(), *((note.note_id, note.same_text) for note in there)]
    repeats = duplicates.find_duplicates(texts)
    found = [
        _duplicate(note.note_id, repeats[note.note_id]) for note in there if note.note_id in repeats
    ]
    store.replace_findings("duplicate", found)
    there = [note for note in there if note.note_id not in repeats]
    near = list(_near_duplicates(there, store))
    store.replace_findings("near_duplicate", near)
    left_out = {finding.note_id for finding in near}
    staying = [note.note_id for note in there if note.note_id not in left_out and not note.unused]
    store.replace_findings("boilerplate", list(_boilerplate(staying, store)))


def _duplicate(note_id: int, stays: int) -> CurationFinding:
    return CurationFinding(
        note_id, "duplicate", "Its text is the same as that of {note}.", True, stays, score=1.0
    )


def _near_duplicates(
    there: Iterable[ComparedNote], store: CurationTables
) -> Iterator[CurationFinding]:
    # Sorting keeps the order by path among notes of one length.
    preferred = sorted(there, key=lambda note: (note.unused, -note.length))
    ids, sketches = store.sketches([note.note_id for note in preferred])
    shares = _shares(near_duplicates.find_candidates(sketches), ids, store)
    for row, (stays, share) in near_duplicates.choose(shares).items():
        reason = (
            f"{round(share * 100)} percent of its wording, and every number, stand in {{note}}."
        )
        yield CurationFinding(ids[row], "near_duplicate", reason, True, ids[stays], round(share, 3))


def _shares(
    candidates: Sequence[Pair], ids: Sequence[int], store: CurationTables
) -> dict[Pair, float]:
    """For (later row, earlier row): how much of the former's wording the latter holds."""
    shares: dict[Pair, float] = {}
    new: dict[Pair, tuple[float, float]] = {}
    at, wording = -1, Wording.of("")
    for earlier, later in candidates:
        pair = ids[earlier], ids[later]
        likeness = store.likeness(pair)
        if likeness is None:
            if at != earlier:
                at, wording = earlier, Wording.of(store.read(ids[earlier]).text)
            likeness = near_duplicates.compare(wording, Wording.of(store.read(ids[later]).text))
            new[pair] = likeness
        shares[later, earlier] = likeness[1]
        if len(new) == _COMPARED_AT_ONCE:
            store.save_likenesses(new)
            new = {}
    store.save_likenesses(new)
    return shares


def _boilerplate(staying: Sequence[int], store: CurationTables) -> Iterator[CurationFinding]:
    repeated = boilerplate.find_repeated(
        (note_id, store.paragraphs(note_id)) for note_id in staying
    )
    if not repeated:
        return
    for note_id in staying:
        ranges, keepers = boilerplate.left_out(note_id, store.paragraphs(note_id), repeated)
        if ranges:
            stays = Counter(keepers).most_common(1)[0][0]
            reason = "Part of it stands in many notes, and is taught from {note} alone."
            yield CurationFinding(note_id, "boilerplate", reason, stays=stays, spans=ranges)
