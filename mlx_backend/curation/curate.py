"""Curating the notes of a library: deciding what is left out by default, and why."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlx_backend.curation import boilerplate, duplicates, near_duplicates, pending
from mlx_backend.curation.curation_tables import ComparedNote, CurationTables, iterate_batches
from mlx_backend.curation.language import LanguageDetector
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
"""Called with the number of notes done and the number of notes to do."""


def _no_progress(done: int, total: int) -> None:
    """A progress call that does nothing."""


@dataclass
class CurationOutcome:
    """The result of curating.

    `looked_at` is the number of new or changed notes that were analysed. `left_out` counts, for
    each step, the notes of the whole library that it leaves something out of.
    """

    looked_at: int = 0
    left_out: dict[Step, int] = field(default_factory=dict)
    stopped: bool = False


def curate(
    notes: Notes,
    on_progress: ProgressCall = _no_progress,
    stop_requested: Callable[[], bool] = lambda: False,
) -> CurationOutcome:
    """Analyse new and changed notes, compare all notes, and set what training uses by default.

    The person's own choices stay. Memory grows by about 500 bytes a note, not with the length of
    the texts. A stop keeps what was done; the next call continues from there. Waits while another
    process curates the same library; raises OvernightError after ten minutes of waiting.
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
    """Hold the library's curation lock; yields False when a stop was requested while waiting."""
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
                "Another import is still looking through the notes of this library.",
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


def _look_at(batch: Sequence[NoteText], store: CurationTables, languages: LanguageDetector) -> None:
    facts = [analyse(note, languages) for note in batch]
    sketched = [each for each in facts if len(each.shingles)]
    rows = near_duplicates.make_sketches([each.shingles for each in sketched])
    store.save_analyses(
        facts,
        {each.note_id: row.tobytes() for each, row in zip(sketched, rows, strict=True)},
    )


def _compare_all(store: CurationTables) -> None:
    """Run the steps that compare notes; each sees only what the steps before it left."""
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
    # The sort is stable, so notes of equal length stay ordered by path.
    preferred = sorted(there, key=lambda note: (note.unused, -note.length))
    ids, sketches = store.sketches([note.note_id for note in preferred])
    shares = _shares(near_duplicates.find_candidates(sketches), ids, store)
    for row, (stays, share) in near_duplicates.choose(shares).items():
        reason = (
            f"{round(share * 100)} percent of its wording, and every number, are also in {{note}}."
        )
        yield CurationFinding(ids[row], "near_duplicate", reason, True, ids[stays], round(share, 3))


def _shares(
    candidates: Sequence[Pair], ids: Sequence[int], store: CurationTables
) -> dict[Pair, float]:
    """For each pair (later row, earlier row): the share of the former's wording in the latter."""
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
            reason = "Part of it is repeated in many notes, and is used only from {note}."
            yield CurationFinding(note_id, "boilerplate", reason, stays=stays, spans=ranges)
