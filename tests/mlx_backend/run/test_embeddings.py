"""Runs that train the token embeddings too, and those that are asked to and cannot."""

from __future__ import annotations

import gc
import json
import shutil

import msgspec
import pytest

from mlx_backend.cli.arguments import build_parser
from mlx_backend.cli.run_spec import requested_spec
from mlx_backend.dataset.samples import Dataset
from mlx_backend.errors import ErrorKind
from mlx_backend.library import Library
from mlx_backend.library.adapters import WEIGHTS, read_adapter
from mlx_backend.machine.arrays import flatten
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.plan import make_plan
from mlx_backend.run.preparation import check_embeddings, prepare
from mlx_backend.settings import change_settings
from mlx_backend.training.trial import TRIAL, kept_trial, trial_of
from tests.mlx_backend.run.whole_run import Start, expect, factors, once_training, work

NAME = "model.embed_tokens"


@pytest.fixture
def words(spec: TrainSpec) -> TrainSpec:
    """The spec of a run that trains embeddings, too."""
    return msgspec.structs.replace(spec, embeddings=True)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_a_run_cut_short_ends_with_the_same_file(
    filled_library: Library, start: Start, words: TrainSpec, dropout: float
) -> None:
    """With the logits of a tied head in chunks, and with dropout, which needs all at once."""
    spec = msgspec.structs.replace(words, dropout=dropout)
    work(filled_library, start(spec))
    whole = factors(filled_library)
    assert {f"{NAME}.lora_a", f"{NAME}.lora_b"} <= whole.keys()
    assert read_adapter(filled_library.adapters, "Garden").card.embeddings
    shutil.rmtree(filled_library.adapters / "Garden")
    folder = start(spec)
    work(filled_library, folder, once_training(folder))
    shutil.rmtree(folder.checkpoints)  # as if it was killed before the first
    for stop_at in (2, 5):
        assert work(filled_library, folder, lambda n=stop_at: folder.status().step >= n) is None  # type: ignore[misc]
    assert work(filled_library, folder) is not None
    assert factors(filled_library) == whole


def test_without_being_asked_no_run_trains_them(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    work(filled_library, start(msgspec.structs.replace(spec, steps=1)))
    assert not any("embed" in name for name in factors(filled_library))
    assert not read_adapter(filled_library.adapters, "Garden").card.embeddings


def test_training_on_keeps_embeddings_and_can_begin_them(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    plain = msgspec.structs.replace(spec, steps=2)
    work(filled_library, start(plain))
    first = read_adapter(filled_library.adapters, "Garden").card
    begun = msgspec.structs.replace(plain, name="More", start_from="Garden", embeddings=True)
    work(filled_library, start(begun))
    second = read_adapter(filled_library.adapters, "More").card
    assert second.embeddings
    assert second.base_valid_loss == pytest.approx(first.valid_loss, rel=1e-4)
    work(filled_library, start(msgspec.structs.replace(plain, name="Most", start_from="More")))
    third = read_adapter(filled_library.adapters, "Most").card
    assert third.embeddings
    assert third.base_valid_loss == pytest.approx(second.valid_loss, rel=1e-4)


def test_of_the_kind_dora_none_is_begun(
    filled_library: Library, start: Start, words: TrainSpec
) -> None:
    folder = start(msgspec.structs.replace(words, kind="dora"))
    error = expect(ErrorKind.BAD_INPUT, filled_library, folder)
    assert error.message == "An adapter of the kind DoRA cannot change embeddings."
    assert not folder.events_path.exists()  # no stage has begun
    work(filled_library, start(msgspec.structs.replace(words, kind="dora", embeddings=False)))
    on_from = msgspec.structs.replace(words, name="More", start_from="Garden")
    expect(ErrorKind.BAD_INPUT, filled_library, start(on_from))


def test_a_model_that_cannot_says_so_before_study(
    filled_library: Library, loaded: LoadedModel, start: Start, words: TrainSpec
) -> None:
    trial_of(loaded)
    kept = loaded.info.path / TRIAL
    before = kept.read_bytes()
    kept.write_bytes(before.replace(b'"embeddings":true', b'"embeddings":false'))
    try:
        folder = start(words)
        error = expect(ErrorKind.BAD_INPUT, filled_library, folder)
        assert "embeddings of the base model 'tiny' cannot be trained" in error.message
        assert "was tried" in error.message
        assert not folder.events_path.exists()
        check_embeddings(filled_library, msgspec.structs.replace(words, embeddings=False))
    finally:
        kept.write_bytes(before)


def test_a_trial_from_before_they_were_tried_is_made_again(loaded: LoadedModel) -> None:
    assert trial_of(loaded).embeddings
    path = loaded.info.path / TRIAL
    before = json.loads(path.read_bytes())
    old = {**before, "trial": {k: v for k, v in before["trial"].items() if k != "embeddings"}}
    path.write_bytes(json.dumps(old).encode())
    assert kept_trial(loaded.info) is None
    assert trial_of(loaded).embeddings
    assert kept_trial(loaded.info) is not None


def test_a_plan_counts_the_memory_they_take(
    filled_library: Library, dataset: Dataset, spec: TrainSpec, words: TrainSpec
) -> None:
    """Measured on the run's own steps, so nothing else has to know of them."""
    peaks, sizes = [], []
    for asked in (spec, words):
        gc.collect()  # what earlier tests left counts as memory in use
        preparation = prepare(filled_library, msgspec.structs.replace(asked, dropout=0.0), dataset)
        trainable = flatten(preparation.loaded.model.trainable_parameters())
        sizes.append(sum(array.nbytes for array in trainable.values()))
        peaks.append(make_plan(asked, dataset, preparation, None).peak_bytes)
    assert sizes[1] > sizes[0]
    assert peaks[1] > peaks[0]


@pytest.mark.parametrize(
    ("option", "setting", "expected"),
    [((), False, False), (("--embeddings",), False, True), ((), True, True)],
)
def test_the_command_and_the_settings_ask_for_them(
    tiny_library: Library, option: tuple[str, ...], setting: bool, expected: bool
) -> None:
    change_settings(tiny_library.settings, embeddings=setting)
    for command in (["train", "--name", "Garden"], ["plan"]):
        options = build_parser().parse_args([*command, *option])
        assert requested_spec(tiny_library, options, "Garden").embeddings is expected


def test_what_is_filed_is_on_them(filled_library: Library, start: Start, words: TrainSpec) -> None:
    work(filled_library, start(msgspec.structs.replace(words, steps=1)))
    text = (filled_library.adapters / "Garden" / "README.md").read_text()
    assert "adapter for tiny and its token embeddings," in text
    assert (filled_library.adapters / "Garden" / WEIGHTS).is_file()
