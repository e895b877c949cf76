"""Architectures of different kinds through night and chat; tests/benchmarks has all of them."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import CONFIG
from mlx_backend.machine.arrays import flatten
from mlx_backend.machine.cores import FIXED_CORES
from mlx_backend.models.base_model import load_base_model
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.preparation import check_base_model
from mlx_backend.run.training_run import TrainingRun
from mlx_backend.training.trial import TRIAL, kept_trial, trial_of
from tests.mlx_backend.model_trial import try_model
from tests.mlx_backend.model_types import write_model

KINDS = ("llama", "qwen3", "gemma3_text", "lfm2", "qwen3_moe")


@pytest.fixture
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIXED_CORES, "1")


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("bits", [None, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_trained_filed_exported_and_answers(
    library: Library,
    tiny_folders: dict[str, Path],
    tmp_path: Path,
    kind: str,
    bits: int | None,
) -> None:
    write_model(tmp_path / "one", kind, tiny_folders["tiny"], bits)
    assert try_model(library, tmp_path / "one").text == "ok"
    trial = kept_trial(load_base_model(library, "one").info)
    assert trial is not None
    assert trial.packs is (kind != "lfm2")  # its convolutions would mix the samples of a row
    assert trial.skipped == ()


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize(
    ("kind", "tied", "bits"),
    [("llama", True, 4), ("llama", False, None), ("gemma3_text", True, None), ("lfm2", True, 4)],
)
def test_so_it_is_with_its_embeddings(
    library: Library,
    tiny_folders: dict[str, Path],
    tmp_path: Path,
    kind: str,
    tied: bool,
    bits: int | None,
) -> None:
    write_model(tmp_path / "one", kind, tiny_folders["tiny"], bits, tie_word_embeddings=tied)
    assert try_model(library, tmp_path / "one", embeddings=True).text == "ok"
    config = json.loads((library.home / "exports" / "one" / "mlx" / CONFIG).read_text())
    assert "model.embed_tokens" in config["lora_parameters"]["keys"]


def test_what_was_tried_once_is_known(library: Library, tiny_folders: dict[str, Path]) -> None:
    write_model(library.models / "one", "qwen3", tiny_folders["tiny"])
    check_base_model(library, "one")
    kept = library.models / "one" / TRIAL
    before = kept.stat().st_mtime_ns, kept.read_bytes()
    check_base_model(library, "one")
    assert (kept.stat().st_mtime_ns, kept.read_bytes()) == before
    kept.write_bytes(b"{}")
    check_base_model(library, "one")
    assert kept.read_bytes() == before[1]


@pytest.mark.parametrize("kind", ["dbrx", "bitnet"])
def test_a_model_that_cannot_be_trained_is_refused_before_study(
    library: Library, tiny_folders: dict[str, Path], kind: str
) -> None:
    write_model(library.models / "one", kind, tiny_folders["tiny"])
    with pytest.raises(OvernightError, match="cannot be trained") as caught:
        check_base_model(library, "one")
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert "was tried" in caught.value.message
    assert caught.value.hint
    assert not (library.models / "one" / TRIAL).exists()


def test_an_architecture_whose_import_would_end_the_process_is_refused(
    library: Library, tiny_folders: dict[str, Path]
) -> None:
    folder = library.models / "one"
    write_model(folder, "llama", tiny_folders["tiny"])
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"llama"', '"olmo"'))
    with pytest.raises(OvernightError, match="cannot be loaded"):
        load_base_model(library, "one")


def test_an_architecture_that_fails_as_it_is_made_is_refused(
    library: Library, tiny_folders: dict[str, Path]
) -> None:
    """mlx-lm's recurrent_gemma is a module that was never initialised."""
    write_model(library.models / "one", "recurrent_gemma", tiny_folders["tiny"])
    with pytest.raises(OvernightError, match="cannot be loaded"):
        load_base_model(library, "one")


def test_a_trial_leaves_randomness_and_weights_alone(
    library: Library, tiny_folders: dict[str, Path]
) -> None:
    write_model(library.models / "one", "qwen3_moe", tiny_folders["tiny"])
    loaded = load_base_model(library, "one")
    names = set(flatten(loaded.model.parameters()))
    mx.random.seed(11)
    drawn = mx.random.uniform(shape=(4,))
    mx.random.seed(11)
    trial_of(loaded)
    assert mx.array_equal(mx.random.uniform(shape=(4,)), drawn)
    assert set(flatten(loaded.model.parameters())) == names
    assert not flatten(loaded.model.trainable_parameters())


def test_a_night_is_not_begun_with_it(library: Library, tiny_folders: dict[str, Path]) -> None:
    """Before study: the run's first act is to look whether its base model can be trained."""
    write_model(library.models / "one", "dbrx", tiny_folders["tiny"])
    spec = TrainSpec(name="Garden", model="one", steps=2, rank=4)
    folder = JobFolder.create(library.runs, spec)
    with pytest.raises(OvernightError, match="cannot be trained"):
        TrainingRun(library, folder, spec).run(lambda: False)
    assert not folder.events_path.exists()  # no stage has begun
