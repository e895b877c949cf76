"""Models whose name or place is odd: the starter's name, links, cards from before the trial."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from mlx_backend.adoption import filing, taking_in
from mlx_backend.adoption.adopt import adopt
from mlx_backend.adoption.taking_in import result_of
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.abilities import Quantised
from mlx_backend.library.models import CARD, BaseModel, ModelCard, list_models, read_model
from mlx_backend.protocol import AdoptSpec
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.adoption.conftest import Adopt, Fetch
from tests.mlx_backend.adoption.places import WEIGHTS, grown_old, state_of
from tests.mlx_backend.models.hub.loopback_hub import Hub


def folders(library: Library) -> list[str]:
    return sorted(path.name for path in library.models.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", ["starter", "Starter", "STARTER"])
def test_no_other_model_becomes_the_starter(
    library: Library, take: Adopt, files: Path, tmp_path: Path, name: str
) -> None:
    files.rename(tmp_path / name)
    assert take(tmp_path / name)["model"] == f"{name} 2"
    assert folders(library) == [f"{name} 2"]


def test_no_download_becomes_the_starter(hub: Hub, fetch: Fetch) -> None:
    result = fetch(name="Starter")
    assert result is not None
    assert result["model"] == "Starter 2"


def test_a_folder_of_the_starter_s_name_is_adopted_under_another(
    library: Library, take: Adopt, files: Path
) -> None:
    shutil.move(files, library.models / "Starter")
    assert take(library.models / "Starter")["model"] == "Starter 2"
    assert folders(library) == ["Starter 2"]


@pytest.fixture
def untried_model(library: Library, take: Adopt, files: Path) -> BaseModel:
    """A model of the library with a card from before there was a trial."""
    take(files)
    model = read_model(library.models, "Tiny-1B")
    card = msgspec.structs.replace(model.card, abilities=None, title="A title", source="someone/x")
    (model.path / CARD).write_bytes(msgspec.json.encode(card))
    grown_old(model.path)
    return read_model(library.models, "Tiny-1B")


def adopted_again(library: Library, model: BaseModel) -> dict[str, object] | None:
    spec = AdoptSpec(path=str(model.path))
    return adopt(library, JobFolder.create(library.jobs, spec), spec, lambda: False)


def test_a_model_from_before_the_trial_gets_its_abilities(
    library: Library, untried_model: BaseModel
) -> None:
    result = adopted_again(library, untried_model)
    assert result is not None
    assert (result["model"], result["reads"]) == ("Tiny-1B", True)
    now = read_model(library.models, "Tiny-1B").card
    assert now == msgspec.structs.replace(untried_model.card, abilities=READS)
    assert folders(library) == ["Tiny-1B"]
    with pytest.raises(OvernightError) as caught:
        adopted_again(library, untried_model)
    assert caught.value.kind is ErrorKind.MODEL_EXISTS


def test_one_that_is_refused_stays_as_it_was(
    library: Library, untried_model: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OvernightError(ErrorKind.BAD_INPUT, "It hums.", "Choose another.")

    monkeypatch.setattr(taking_in, "try_model", refuse)
    before = state_of(untried_model.path)
    with pytest.raises(OvernightError, match=r"It hums\. It stays in the library as it was\."):
        adopted_again(library, untried_model)
    assert state_of(untried_model.path) == before


def test_a_link_among_the_models_is_replaced_by_the_model(
    library: Library, take: Adopt, files: Path
) -> None:
    link = library.models / "Mine"
    link.symlink_to(files)
    before = state_of(files)
    assert take(link)["model"] == "Mine"
    assert not link.is_symlink()
    assert [model.card.name for model in list_models(library.models)] == ["Mine"]
    assert state_of(files) == before


def test_a_link_to_a_model_that_can_be_used_stays(
    library: Library, take: Adopt, files: Path, tiny_folders: dict[str, Path]
) -> None:
    link = library.models / "starter"
    link.symlink_to(tiny_folders["starter"])
    assert take(link)["model"] == "starter 2"
    assert link.is_symlink()
    assert folders(library) == ["starter", "starter 2"]


def test_a_link_stays_where_what_it_leads_to_is_refused(
    library: Library, take: Adopt, files: Path
) -> None:
    (files / WEIGHTS).write_bytes(b"")
    grown_old(files)
    link = library.models / "Mine"
    link.symlink_to(files)
    with pytest.raises(OvernightError):
        take(link)
    assert link.is_symlink()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("make", [os.mkfifo, Path.touch])
def test_a_file_that_only_mlx_lm_would_take_for_weights_is_refused(
    library: Library, take: Adopt, files: Path, make: object
) -> None:
    folder = library.models / "By hand"
    shutil.move(files, folder)
    make(folder / "model x.safetensors")  # type: ignore[operator]
    with pytest.raises(OvernightError, match=r"odd file, model x\.safetensors"):
        take(folder)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["model x.safetensors", "config.json", CARD])
def test_a_pipe_in_a_model_of_the_library_does_not_block(
    library: Library, take: Adopt, files: Path, name: str
) -> None:
    path = Path(take(files)["path"])
    (path / name).unlink(missing_ok=True)
    os.mkfifo(path / name)
    with pytest.raises(OvernightError, match="is not complete") as caught:
        read_model(library.models, "Tiny-1B")
    assert "download or adopt the model again" in caught.value.hint
    assert not list_models(library.models)


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))
    grown_old(folder)


def test_no_model_file_is_the_same_as_none(library: Library, take: Adopt, files: Path) -> None:
    change_config(files, model_file=None)
    assert take(files)["model"] == "Tiny-1B"


def test_a_type_whose_code_ends_the_process_is_refused(
    library: Library, task: JobFolder, take: Adopt, files: Path
) -> None:
    change_config(files, model_type="olmo")
    with pytest.raises(OvernightError, match="is unknown to this version") as caught:
        take(files)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert not (task.path / "model").exists()


def test_what_the_library_cannot_read_is_not_filed(
    library: Library, take: Adopt, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(path: Path, card: ModelCard) -> None:
        raise OvernightError(ErrorKind.MODEL_DAMAGED, f"'{card.name}' is odd.", "Remove it.")

    monkeypatch.setattr(filing, "read_model_at", damaged)
    with pytest.raises(OvernightError, match="after all its checks") as caught:
        take(files)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert not folders(library)


class Killed(BaseException):
    """As if the process were killed at this moment."""


def test_killed_after_it_was_copied_to_another_disk_it_is_there_once(
    library: Library, take: Adopt, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def elsewhere(path: Path, to: Path) -> Path:
        if path.name == "model":
            raise OSError(errno.EXDEV, "another disk")
        return rename(path, to)

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", elsewhere)
        patch.setattr(filing, "remove_tree", kill)
        with pytest.raises(Killed):
            take(files)
    assert take(files)["model"] == "Tiny-1B"
    assert folders(library) == ["Tiny-1B"]
    assert not list(library.jobs.glob("*/model"))


def test_killed_while_folders_were_exchanged_the_candidate_comes_back(
    library: Library, task: JobFolder, take: Adopt, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(taking_in, "try_model", kill)
        with pytest.raises(Killed):
            take(files)
    shutil.rmtree(files)
    (task.path / "model").rename(task.path / ".model.before")
    assert take(files)["model"] == "Tiny-1B"
    assert not list(task.path.glob(".model*"))


def test_the_result_tells_what_the_model_can(library: Library, take: Adopt, files: Path) -> None:
    result = take(files)
    assert (result["reads"], result["thinks"], result["quantised"]) == (True, False, None)
    model = read_model(library.models, "Tiny-1B")
    quantised = Quantised(
        bits=4, asked=120, right_before=60, right_after=58,
        perplexity_before=9.0, perplexity_after=9.5,
    )  # fmt: skip
    card = msgspec.structs.replace(model.card, quantised=quantised)
    told = result_of(BaseModel(card, model.path, 0, fits=True))
    assert told["quantised"] == {"bits": 4, "cost": quantised.cost}
