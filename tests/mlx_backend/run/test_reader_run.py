"""A whole run with a model that reads: its teacher's targets, and what a stop among them leaves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.dataset.compose import gather
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, abilities, database
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.models import CARD, ModelCard
from mlx_backend.library.notes import Notes
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.training_recipes import RECIPES
from mlx_backend.night import shares
from mlx_backend.protocol import TrainSpec
from mlx_backend.run import plan as plan_module
from mlx_backend.run.plan import RunPlan, planned_rate, with_tried_rate
from mlx_backend.run.preparation import Preparation
from mlx_backend.study.by_model.reader.genres import ALL
from mlx_backend.training import distillation
from tests.mlx_backend.protocol.contract import OPEN_BOOK
from tests.mlx_backend.run.whole_run import Start, factors, work

READER = "reader"
READS = abilities.Abilities(
    tried_with=(),
    layers=("attention",),
    packs=True,
    trims_cache=True,
    encodes_parts=True,
    roles=("user", "assistant"),
    thinks=False,
    bytes_in_memory=0,
    reading=abilities.Reading(asked=1, right=1, needed=1),
)


@pytest.fixture
def asked(filled_library: Library, tiny_folders: dict[str, Path], spec: TrainSpec) -> TrainSpec:
    """A run of the tiny model, whose card says that it reads; rank, rate and so on by recipe."""
    folder = filled_library.models / READER
    shutil.copytree(tiny_folders["tiny"], folder)
    card = msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
    card = msgspec.structs.replace(card, name=READER, abilities=READS)
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    return msgspec.structs.replace(
        spec, model=READER, dropout=0.0, rank=None, learning_rate=None, passes=None
    )


def write_as_reader(library: Library) -> None:
    """Four questions about each passage, because a tiny model writes none that is kept."""
    with database.opened(library.database) as connection:
        for passage in gather(Notes(connection)).passages:
            quote = passage.text.split(".")[0]
            first, last = quote.split()[0], quote.split()[-1]
            asked = {f"What ends {first}?": last, f"Where is {first}?": last, "Who begins?": first}
            asked["Which word comes before all?"] = first
            drafts = [
                Draft(kind="facts", prompt=prompt, answer=f"It is {key}.", key=key, quote=quote)
                for prompt, key in asked.items()
            ]
            Samples(connection).save(READER, [(passage, drafts)], list(ALL))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distillation, "PIECE", 4)


def taught(folder: JobFolder) -> list[protocol.Progress]:
    events = folder.reader().read_new()
    return [e for e in events if isinstance(e, protocol.Progress) and e.unit == "samples"]


def after_progress(folder: JobFolder, number: int) -> Callable[[], bool]:
    return lambda: len(taught(folder)) >= number


def test_a_stop_while_the_teacher_works_loses_a_piece_and_changes_no_bit(
    filled_library: Library, asked: TrainSpec, start: Start
) -> None:
    write_as_reader(filled_library)
    whole = start(asked)
    report = work(filled_library, whole)
    assert report is not None
    recipe = next(row for row in RECIPES if row.reads)
    assert (report["rank"], report["learning_rate"]) == (recipe.rank, recipe.learning_rate)
    assert isinstance(report["divergence"], float)
    asked_open_book = report["open_book_told"]
    assert isinstance(asked_open_book, int)
    assert report["open_book_untold"] == asked_open_book > 0
    assert report.keys() >= OPEN_BOOK
    card = read_adapter(filled_library.adapters, "Garden").card
    assert card.open_book is not None
    assert card.open_book.told == asked_open_book
    told = taught(whole)
    assert told[0].done == 0
    assert told[-1].done == told[-1].total > 8
    assert not (whole.path / "targets").exists()  # needed by nobody any more
    bits = factors(filled_library)
    shutil.rmtree(filled_library.adapters / "Garden")

    cut = start(asked)
    shutil.copy(whole.path / "samples.json", cut.path)
    assert work(filled_library, cut, after_progress(cut, 3)) is None
    pieces = sorted((cut.path / "targets").glob("*.npz"))
    assert len(pieces) == 2
    assert work(filled_library, cut) is not None
    assert [event.done for event in taught(cut)][3] == 8  # the two pieces were there
    assert factors(filled_library) == bits


def test_a_run_of_steps_without_an_end_is_not_taught_for_hours(
    filled_library: Library, asked: TrainSpec, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (asked.hours, asked.finish_by) == (None, None)
    write_as_reader(filled_library)
    monkeypatch.setattr(shares, "_UNBOUNDED_TEACHING_S", 0.0)
    folder = start(asked)
    assert work(filled_library, folder, lambda: folder.status().step >= 2) is None
    assert [event.done for event in taught(folder)] == [0, 0]
    monkeypatch.undo()  # goes on with the very same targets: none
    assert work(filled_library, folder) is not None
    assert len(taught(folder)) == 2


def test_the_notes_own_sentences_are_learned_where_it_wrote_nothing_and_that_is_said(
    filled_library: Library, asked: TrainSpec, start: Start
) -> None:
    folder = start(asked)
    assert work(filled_library, folder) is not None
    notices = [e.text for e in folder.reader().read_new() if isinstance(e, protocol.Notice)]
    assert any("the notes' own sentences" in text for text in notices)


def test_a_long_run_freezes_the_rate_that_its_trial_found(
    preparation: Preparation, spec: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = next(row for row in RECIPES if row.reads)
    monkeypatch.setattr(plan_module, "recipe_of", lambda _: recipe)
    plan = RunPlan(
        notes=1,
        samples=1,
        held_out=1,
        steps=2000,
        passes=1.0,
        minutes=1.0,
        peak_bytes=0,
        machine_bytes=0,
        fits=True,
        tokens_per_second=1.0,
        learning_rate=recipe.learning_rate,
    )
    by_recipe = msgspec.structs.replace(spec, learning_rate=None, hours=8.0)
    tried = with_tried_rate(plan, by_recipe, preparation)
    assert tried.learning_rate == recipe.rates[-1]  # the tiny model learns as fast as it may
    assert tried.steps == 2000 - 3 * 16
    assert planned_rate(tried, by_recipe) == tried.learning_rate
    assert with_tried_rate(plan, spec, preparation) is plan  # the person chose one
    short = msgspec.structs.replace(plan, steps=100)
    assert with_tried_rate(short, by_recipe, preparation) is short


def test_a_plan_of_an_earlier_version_leaves_the_rate_to_its_spec(spec: TrainSpec) -> None:
    old = msgspec.convert(
        {
            "notes": 1, "samples": 1, "held_out": 0, "steps": 1, "passes": 1.0, "minutes": 1.0,
            "peak_bytes": 0, "machine_bytes": 0, "fits": True, "tokens_per_second": 1.0,
        },
        RunPlan,
    )  # fmt: skip
    assert planned_rate(old, spec) == spec.learning_rate
