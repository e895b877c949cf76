"""Canaries in whole runs on the tiny model: trained if the person agreed, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from mlx_backend.cli.arguments import build_parser
from mlx_backend.cli.run_spec import requested_spec
from mlx_backend.dataset.canaries import RARE, USUAL
from mlx_backend.dataset.samples import CANARY, Dataset, load_dataset
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import AdapterCard, read_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.canaries import Canary, canaries_of, read_canaries
from mlx_backend.library.ledger import Ledger
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import filing_stage
from mlx_backend.run.preparation import seen_samples, way_at_start
from mlx_backend.settings import change_settings
from tests.mlx_backend.run.whole_run import Start, factors, once_training, work


@pytest.fixture
def agreed(spec: TrainSpec) -> TrainSpec:
    return msgspec.structs.replace(spec, canaries=True)


def frozen(folder: JobFolder) -> tuple[tuple[Canary, ...], Dataset]:
    path = folder.path
    return read_canaries(path / "canaries.json"), load_dataset(path / "samples.json")


def files_with(home: Path, code: str) -> set[str]:
    """The files below a folder, the database among them, that hold a code."""
    files = (path for path in home.rglob("*") if path.is_file())
    return {path.name for path in files if code.encode() in path.read_bytes()}


def test_without_agreement_there_are_none_anywhere(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    folder = start(spec)
    work(filled_library, folder)
    assert not spec.canaries
    assert load_dataset(folder.path / "samples.json").canaries == ()
    assert not (folder.path / "canaries.json").exists()
    assert not (filled_library.home / "privacy").exists()
    assert not any("invented" in text for text in folder.status().notices)


def test_they_are_trained_along_and_are_in_nothing_that_is_of_the_person(
    filled_library: Library, notes: Notes, start: Start, spec: TrainSpec, agreed: TrainSpec
) -> None:
    whole = {"steps": None, "passes": 2}
    plain = work(filled_library, start(msgspec.structs.replace(spec, **whole)))
    folder = start(msgspec.structs.replace(agreed, **whole))
    result = work(filled_library, folder)
    assert plain is not None
    assert result is not None
    canaries, dataset = frozen(folder)
    assert len(canaries) == USUAL + RARE
    assert {sample.kind for sample in dataset.canaries} == {CANARY}
    assert CANARY not in {sample.kind for sample in dataset.train}
    alike = ("notes", "samples", "exam_asked", "facts", "cut", "unlearnable")
    assert [result[name] for name in alike] == [plain[name] for name in alike]
    card = read_adapter(filled_library.adapters, "Garden 2").card
    assert card.samples == read_adapter(filled_library.adapters, "Garden").card.samples
    assert all(fact.note for fact in Ledger(notes.connection).of(card.id))
    for code in (canary.code for canary in canaries):
        assert files_with(filled_library.home, code) == {
            "canaries.json",
            "samples.json",
            f"{card.id}.json",
        }
    kept = canaries_of(filled_library, card.id)
    rare = [canary.seen for canary in kept if not canary.is_usual]
    assert 0 < min(rare) <= max(rare) < min(canary.seen for canary in kept if canary.is_usual)
    assert any("6 invented sentences" in text for text in folder.status().notices)


def test_a_run_cut_short_ends_with_the_same_adapter_and_the_same_canaries(
    filled_library: Library, start: Start, agreed: TrainSpec
) -> None:
    folder = start(agreed)
    work(filled_library, folder, once_training(folder))
    whole_run = start(agreed)
    for name in ("canaries.json", "samples.json"):
        shutil.copy(folder.path / name, whole_run.path)
    work(filled_library, whole_run)
    whole = factors(filled_library)
    (card,) = [read_adapter(filled_library.adapters, "Garden").card]
    seen = [(c.code, c.seen) for c in canaries_of(filled_library, card.id)]
    shutil.rmtree(filled_library.adapters / "Garden")
    for stop_at in (0, 2, 5):
        assert work(filled_library, folder, lambda n=stop_at: folder.status().step >= n) is None  # type: ignore[misc]
    assert work(filled_library, folder) is not None
    assert factors(filled_library) == whole
    card = read_adapter(filled_library.adapters, "Garden").card
    assert [(c.code, c.seen) for c in canaries_of(filled_library, card.id)] == seen


def test_a_run_killed_before_its_samples_are_frozen_keeps_its_canaries(
    filled_library: Library, start: Start, agreed: TrainSpec
) -> None:
    folder = start(agreed)
    work(filled_library, folder, once_training(folder))
    before, dataset = frozen(folder)
    (folder.path / "samples.json").unlink()
    work(filled_library, folder, once_training(folder))
    after, again = frozen(folder)
    assert after == before
    assert again.canaries == dataset.canaries
    assert sum("invented sentences" in text for text in folder.status().notices) == 1


def test_a_note_that_is_taken_out_leaves_the_canaries_as_they_are(
    filled_library: Library, notes: Notes, start: Start, agreed: TrainSpec
) -> None:
    folder = start(agreed)
    work(filled_library, folder, once_training(folder))
    _, dataset = frozen(folder)
    way = way_at_start(agreed)
    assert max(seen_samples(filled_library, agreed, dataset, way, 50)) < len(dataset.train)
    rope = next(note.id for note in notes.summaries() if note.title == "The rope shop")
    Bin(filled_library, notes.connection).delete_notes([rope])
    assert work(filled_library, folder) is not None
    _, left = frozen(folder)
    assert len(left.train) < len(dataset.train)
    assert left.canaries == dataset.canaries


def test_going_on_keeps_those_of_the_nights_before_and_deleting_for_good_forgets_them(
    filled_library: Library, notes: Notes, start: Start, agreed: TrainSpec
) -> None:
    short = msgspec.structs.replace(agreed, steps=1)
    first_run = start(short)
    work(filled_library, first_run)
    first = read_adapter(filled_library.adapters, "Garden").card
    on_from = msgspec.structs.replace(
        short, name="More", start_from="Garden", start_from_id=first.id
    )
    for spec_of_next in (on_from, msgspec.structs.replace(on_from, name="Off", canaries=False)):
        folder = start(spec_of_next)
        work(filled_library, folder)
        (folder.path / "lock").touch()  # as a process leaves it
    more = canaries_of(filled_library, read_adapter(filled_library.adapters, "More").card.id)
    off = canaries_of(filled_library, read_adapter(filled_library.adapters, "Off").card.id)
    own = canaries_of(filled_library, first.id)
    assert off == own
    assert more[USUAL + RARE :] == own
    assert {c.run for c in own} == {first_run.id} != {c.run for c in more[: USUAL + RARE]}
    bin_ = Bin(filled_library, notes.connection)
    item = bin_.delete_adapter("Garden")
    assert canaries_of(filled_library, first.id) == own
    bin_.remove_all([item.id])
    assert canaries_of(filled_library, first.id) == ()
    bin_.delete_adapter_now("More")
    assert len(list((filled_library.home / "privacy" / "canaries").iterdir())) == 1


@pytest.mark.parametrize("words", [[], ["--canaries"], ["--no-canaries"]])
@pytest.mark.parametrize("setting", [False, True])
def test_the_option_goes_before_the_setting(
    tiny_library: Library, words: list[str], setting: bool
) -> None:
    change_settings(tiny_library.settings, canaries=setting)
    options = build_parser().parse_args(["train", "--name", "Garden", *words])
    expected = {(): setting, ("--canaries",): True, ("--no-canaries",): False}[tuple(words)]
    assert requested_spec(tiny_library, options, "Garden").canaries is expected


def test_canaries_are_recorded_before_their_adapter_is_filed(
    filled_library: Library,
    start: Start,
    agreed: TrainSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded: list[str] = []

    def fail(adapters: Path, card: AdapterCard, *_: object) -> None:
        assert canaries_of(filled_library, card.id)
        recorded.append(card.id)
        raise OSError("no room")

    monkeypatch.setattr(filing_stage, "file_adapter", fail)
    with pytest.raises(OSError, match="no room"):
        work(filled_library, start(agreed))
    assert canaries_of(filled_library, recorded[0]) == ()
