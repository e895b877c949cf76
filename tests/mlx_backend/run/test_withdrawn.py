"""A run that goes on does not learn what the person took out of training since it began."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from mlx_backend.dataset.samples import (
    KEYWORDS,
    Dataset,
    Sample,
    Shown,
    fact_of,
    load_dataset,
    save_dataset,
)
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.folder_decisions import FolderDecisions
from mlx_backend.library.languages import Languages
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.library.sample_browsing import SampleBrowsing, SampleFilter
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.protocol import Notice, StepDone, TrainSpec
from mlx_backend.run import preparation as preparation_module
from mlx_backend.run.preparation import seen_samples, way_at_start
from mlx_backend.run.training_run import TrainingRun
from mlx_backend.run.withdrawn import Withdrawn, find_withdrawn

GERMAN = (
    "Die alte Mühle steht seit dreihundert Jahren am Bach hinter dem Dorf. Der Müller mahlt dort"
    " jeden Dienstag das Korn der Bauern, und seine Tochter backt daraus das Brot für den Markt.\n"
)
FACT = "plum tree"


@pytest.fixture
def folder(filled_library: Library, notes_folder: Path, spec: TrainSpec) -> JobFolder:
    """A short run on four notes, one of them in German; it has not begun."""
    (notes_folder / "mill.md").write_text(f"# Mühle\n\n{GERMAN}", encoding="utf-8")
    import_into(filled_library, [notes_folder])
    return new_run(filled_library, spec, steps=4)


def new_run(library: Library, spec: TrainSpec, steps: int) -> JobFolder:
    short = msgspec.structs.replace(spec, steps=steps, checkpoint_every=2)
    return JobFolder.create(library.runs, short)


def work(library: Library, folder: JobFolder, until: int | None = None) -> dict[str, object] | None:
    """Let the run go on, up to a step (0: before the first one); its result at its end."""
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)

    def stop() -> bool:
        status = folder.status()
        return until is not None and status.stage == "training" and status.step >= until

    return TrainingRun(library, folder, spec).run(stop)


def dataset_of(folder: JobFolder) -> Dataset:
    return load_dataset(folder.path / "samples.json")


def steps_of(folder: JobFolder) -> list[int]:
    return [e.step for e in folder.reader().read_new() if isinstance(e, StepDone)]


def was_told(folder: JobFolder, words: str) -> bool:
    events = folder.reader().read_new()
    return any(words in event.text for event in events if isinstance(event, Notice))


def note_called(notes: Notes, title: str) -> int:
    return next(note.id for note in notes.summaries() if note.title == title)


def sample_about(db: sqlite3.Connection, words: str) -> int:
    browsing = SampleBrowsing(db)
    found = browsing.rows(browsing.ids(SampleFilter(search=words, group="kept"))).values()
    return next(sample.id for sample in found if words in sample.quote)


def remove_file(library: Library, folder: Path, file: Path) -> None:
    file.unlink()
    import_into(library, [folder])


Act = Callable[[Library, Notes, Path], object]
TAKING_OUT: dict[str, tuple[Act, str]] = {
    "note deleted": (
        lambda library, notes, _: Bin(library, notes.connection).delete_notes(
            [note_called(notes, "The rope shop")]
        ),
        "rope",
    ),
    "note left out": (
        lambda _, notes, __: NoteDecisions(notes.connection).decide(
            [note_called(notes, "The rope shop")], included=False
        ),
        "rope",
    ),
    "file gone": (
        lambda library, _, path: remove_file(library, path, path / "shop" / "rope.md"),
        "rope",
    ),
    "folder left out": (
        lambda _, notes, path: FolderDecisions(notes.connection).decide(
            str(path / "shop"), included=False
        ),
        "rope",
    ),
    "language left out": (
        lambda _, notes, __: Languages(notes.connection).leave_out("de"),
        "Müller",
    ),
    "sample left out": (
        lambda _, notes, __: Samples(notes.connection).choose(
            sample_about(notes.connection, FACT), "drop"
        ),
        FACT,
    ),
    "sample deleted": (
        lambda library, notes, _: Bin(library, notes.connection).delete_samples(
            [sample_about(notes.connection, FACT)]
        ),
        FACT,
    ),
}


def tells(sample: Sample, words: str) -> bool:
    """Whether a sample of a note tells these words; general samples may by chance."""
    return bool(sample.note) and words.casefold() in f"{sample.prompt} {sample.answer}".casefold()


@pytest.mark.parametrize("case", TAKING_OUT)
def test_what_was_learned_and_taken_out_makes_the_run_begin_anew(
    filled_library: Library, folder: JobFolder, notes: Notes, notes_folder: Path, case: str
) -> None:
    take_out, words = TAKING_OUT[case]
    steps = 2
    if case.startswith("sample"):  # which is seen later than the first one of a whole note
        steps, spec = 40, folder.spec()
        assert isinstance(spec, TrainSpec)
        folder = new_run(filled_library, spec, steps + 2)
    assert work(filled_library, folder, until=steps) is None
    assert any(tells(sample, words) for sample in dataset_of(folder).train)
    take_out(filled_library, notes, notes_folder)
    result = work(filled_library, folder)
    assert result is not None
    assert steps_of(folder) == [*range(1, steps + 1), *range(1, steps + 3)]
    assert was_told(folder, "It starts again from the beginning, so that nothing of them")
    left = dataset_of(folder)
    assert not any(tells(sample, words) for sample in (*left.train, *left.held_out))
    assert not any(words in str(each) for each in result["exam"])  # type: ignore[attr-defined]
    # Nothing was taken out since: it is no reason to begin anew once more.
    assert not find_withdrawn(left, notes.connection, studied=True).touches(left)


@pytest.mark.parametrize("case", ["note deleted", "sample left out"])
def test_before_the_first_step_it_goes_on_without_what_was_taken_out(
    filled_library: Library, folder: JobFolder, notes: Notes, notes_folder: Path, case: str
) -> None:
    take_out, words = TAKING_OUT[case]
    assert work(filled_library, folder, until=0) is None
    before = dataset_of(folder)
    take_out(filled_library, notes, notes_folder)
    assert work(filled_library, folder) is not None
    assert steps_of(folder) == [1, 2, 3, 4]
    assert was_told(folder, "samples are not learned, because you deleted or left out")
    left = dataset_of(folder)
    assert 0 < len(left.train) < len(before.train)
    taught, taught_before = (
        {(s.answer, s.key, prompt) for s in each.train for prompt in (s.prompt, *s.rewordings)}
        for each in (left, before)
    )
    assert taught < taught_before
    assert not any(tells(sample, words) for sample in (*left.train, *left.held_out))


def test_what_no_step_has_shown_is_dropped_and_the_run_goes_on(
    filled_library: Library, folder: JobFolder, notes: Notes, notes_folder: Path
) -> None:
    for number in range(25):
        text = f"The {number}th keeper painted the {number}th lamp green. " * 5
        (notes_folder / f"{number}.md").write_text(text)
    import_into(filled_library, [notes_folder])
    assert work(filled_library, folder, until=2) is None
    before, spec = dataset_of(folder), folder.spec()
    assert isinstance(spec, TrainSpec)
    seen = seen_samples(filled_library, spec, before, way_at_start(spec), 2)
    shown = {note for i in seen for note in before.train[i].notes}
    unseen = next(note for note in before.versions if note not in shown)
    NoteDecisions(notes.connection).decide([unseen], included=False)
    result = work(filled_library, folder)
    assert result is not None
    assert steps_of(folder) == [1, 2, 3, 4]
    left = dataset_of(folder)
    assert not any(unseen in sample.notes for sample in left.train)
    assert left.shown.steps == 2
    assert {left.train[i] for i in left.shown.samples} == {before.train[i] for i in seen}
    assert len(seen) < result["samples"] < len(left.train)  # type: ignore[operator]
    assert not any(sample.key for sample in left.held_out if sample.note == unseen)
    # The held-out loss before the training stays comparable with that after it.
    assert len(left.held_out) == len(before.held_out)
    assert len(result["exam"]) == result["exam_asked"]  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["held_out", "style"])
def test_where_only_questions_and_style_are_withdrawn_no_number_is_told(
    filled_library: Library, folder: JobFolder, notes: Notes, part: str
) -> None:
    assert work(filled_library, folder, until=0) is None
    rope = note_called(notes, "The rope shop")
    dataset = dataset_of(folder)
    others = tuple(sample for sample in dataset.train if rope not in sample.notes)
    parts = {"held_out": (), "style": ()} | {part: (Sample("What?", "A rope.", rope, 1, "own"),)}
    changed = msgspec.structs.replace(dataset, train=others, **parts)
    save_dataset(folder.path / "samples.json", changed)
    NoteDecisions(notes.connection).decide([rope], included=False)
    assert work(filled_library, folder, until=0) is None
    assert dataset_of(folder).train == others
    assert not was_told(folder, "samples are not learned")
    assert was_told(
        folder, "Questions about notes that you deleted or left out are not asked in the exam."
    )


def test_what_was_shown_is_found_without_loading_the_base_model(
    filled_library: Library, folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert work(filled_library, folder, until=0) is None
    dataset, spec = dataset_of(folder), folder.spec()
    assert isinstance(spec, TrainSpec)
    monkeypatch.setattr(preparation_module, "load_base_model", lambda *_: pytest.fail("loaded"))
    seen = seen_samples(filled_library, spec, dataset, way_at_start(spec), 1)
    assert 0 < len(seen) <= len(dataset.train)


def test_nothing_is_left_to_learn(filled_library: Library, folder: JobFolder, notes: Notes) -> None:
    assert work(filled_library, folder, until=0) is None
    every_note = [note.id for note in notes.summaries()]
    Bin(filled_library, notes.connection).delete_notes(every_note)
    with pytest.raises(OvernightError) as caught:
        work(filled_library, folder)
    assert caught.value.kind is ErrorKind.NO_NOTES
    assert caught.value.hint


def test_a_copy_that_comes_later_and_other_samples_change_nothing(
    filled_library: Library, folder: JobFolder, notes: Notes, notes_folder: Path
) -> None:
    samples = Samples(notes.connection)
    assert work(filled_library, folder, until=2) is None
    before = (folder.path / "samples.json").read_bytes()
    copy = (notes_folder / "shop" / "rope.md").read_text()
    (notes_folder / "a copy.md").write_text(copy)
    import_into(filled_library, [notes_folder])
    assert {note.status for note in notes.summaries()} >= {"excluded"}
    for sample, _ in samples.used():
        samples.choose(sample.id, "keep")
    assert work(filled_library, folder) is not None
    assert steps_of(folder) == [1, 2, 3, 4]
    assert (folder.path / "samples.json").read_bytes() == before


def test_a_dataset_of_version_0_1_is_judged_by_its_words(
    filled_library: Library, folder: JobFolder, notes: Notes, notes_folder: Path
) -> None:
    work(filled_library, folder, until=0)
    older = msgspec.structs.replace(dataset_of(folder), left_out=None)
    db = notes.connection
    assert not find_withdrawn(older, db, studied=True).touches(older)
    rope, garden = (note_called(notes, title) for title in ("The rope shop", "Garden plan"))
    linked = Sample("Which notes link to Garden plan?", "Garden plan.", garden, 1, "linked")
    NoteDecisions(db).decide([rope], included=False)
    withdrawn = find_withdrawn(older, db, studied=True)
    assert withdrawn.covers(linked)  # it may quote the other note, nobody knows
    assert not withdrawn.covers(msgspec.structs.replace(linked, kind="keywords"))
    NoteDecisions(db).decide([rope], included=True)
    TAKING_OUT["sample left out"][0](filled_library, notes, notes_folder)
    assert find_withdrawn(older, db, studied=True).touches(older)
    assert not find_withdrawn(older, db, studied=False).touches(older)


def test_what_is_left_of_a_dataset_of_version_0_1_is_judged_by_its_words_again(
    filled_library: Library, folder: JobFolder, notes: Notes, notes_folder: Path
) -> None:
    work(filled_library, folder, until=0)
    db = notes.connection
    rope, garden = (note_called(notes, title) for title in ("The rope shop", "Garden plan"))
    linked = Sample("Which notes link to Garden plan?", "Garden plan.", garden, 1, "linked")
    dataset = dataset_of(folder)
    older = msgspec.structs.replace(dataset, left_out=None, train=(*dataset.train, linked))
    path = folder.path / "samples.json"
    TAKING_OUT["sample left out"][0](filled_library, notes, notes_folder)
    save_dataset(path, find_withdrawn(older, db, studied=True).removed_from(older, Shown()))
    left = load_dataset(path)
    assert linked in left.train
    assert not find_withdrawn(left, db, studied=True).touches(left)
    NoteDecisions(db).decide([rope], included=False)
    again = find_withdrawn(left, db, studied=True)
    assert again.covers(linked)  # still nobody knows
    save_dataset(path, again.removed_from(left, Shown()))
    assert linked not in load_dataset(path).train
    newer = msgspec.structs.replace(dataset, train=(*dataset.train, linked))
    assert not find_withdrawn(newer, db, studied=True).covers(linked)


def keyword_sample(prompt: str, *rewordings: str) -> Sample:
    return Sample(
        prompt, "The oak stands by the well. (Garden)", 1, 1, KEYWORDS, "oak",
        rewordings=rewordings, fact=fact_of(1, "The oak stands by the well."),
    )  # fmt: skip


def left_out_of(quote: str, kind: str, answer: str) -> Withdrawn:
    stored = StoredSample(
        7, 1, "Garden", "rules", kind, "Who?", answer, "Ida", quote, "", "drop", of_used_note=True
    )
    return Withdrawn(frozenset(), (stored,), (), is_exact=True)


def test_the_keyword_prompts_of_its_neighbours_lose_the_words_of_what_was_left_out() -> None:
    dataset = Dataset(
        (
            keyword_sample("What oak well?", "Oak plum: where?", "Oak well Marta?"),
            keyword_sample("Plum oak stands?"),
        ),
        (),
        {1: "0"},
    )
    withdrawn = left_out_of("Marta planted a plum.", "subject", "Garden: Marta planted a plum.")
    first, other = withdrawn.removed_from(dataset, Shown()).train
    assert (first.prompt, first.rewordings) == ("What oak well?", ())
    assert "plum" not in other.prompt.lower()
    assert "oak" in other.prompt.lower()


def test_a_summary_that_is_left_out_is_not_learned_whatever_the_order_of_its_answer() -> None:
    quote = "The oak stands by the well. It is old."
    summary = Sample(
        "What is the gist of my notes on Garden?", "An old oak is by the well. (Garden)", 1, 1,
        "summary", fact=fact_of(1, quote),
    )  # fmt: skip
    withdrawn = left_out_of(quote, "summary", "Garden: An old oak is by the well.")
    assert withdrawn.covers(summary)
    assert not withdrawn.covers(keyword_sample("What oak well?")), "it is a fact of its own"
