"""None of a hundred hostile adapters and bundles is taken in, crashes, or makes anything run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx
import pytest

from mlx_backend.adapters.bundles.signing import make_key
from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.models.base_model import load_base_model
from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.receiving.hostile import FOLDERS
from tests.mlx_backend.receiving.hostile_bundles import BUNDLES
from tests.mlx_backend.receiving.tried import try_in_this_process
from tests.mlx_backend.tiny import write_tiny_model

_RUNS_SOMETHING = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.")
_seen: list[str] | None = None


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _seen is not None and event.startswith(_RUNS_SOMETHING):
        _seen.append(event)


sys.addaudithook(_watch)


@pytest.fixture
def nothing_runs() -> Iterator[None]:
    """Fails where a program is started or a pickle is read."""
    global _seen  # noqa: PLW0603 - an audit hook stays until the process ends
    _seen = []
    yield
    found, _seen = _seen, None
    assert found == []


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = Library.open(tmp_path_factory.mktemp("library"))
    write_tiny_model(library.models / "tiny")
    (library.models / "starter").symlink_to(library.models / "tiny")
    return library


@pytest.fixture(scope="module")
def good(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good adapters: "mlx", "peft", "zero" and "bundle"."""
    folder = tmp_path_factory.mktemp("good")
    make_key(library, "Ana")
    adapter = make_adapter(library.adapters, load_base_model(library, "tiny"), "Garden")
    for form in ("mlx", "peft", "bundle"):
        export_adapter(library, ExportOrder("Garden", form, folder / form))
    shutil.copytree(folder / "mlx", folder / "zero")
    weights = folder / "zero" / "adapters.safetensors"
    tensors = load_tensors(adapter.path / "adapters.safetensors")
    mx.save_safetensors(str(weights), {name: mx.zeros_like(t) for name, t in tensors.items()})
    shutil.rmtree(adapter.path)
    return folder


@pytest.fixture(autouse=True)
def trial_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    try_in_this_process(monkeypatch)


def expect_refused(library: Library, source: Path) -> None:
    before = sorted(path.name for path in library.home.iterdir())
    with pytest.raises(OvernightError) as caught:
        receive(library, ReceiveOrder(str(source), "Theirs"), Watch())
    assert caught.value.kind in (ErrorKind.BAD_INPUT, ErrorKind.MODEL_UNKNOWN)
    assert caught.value.hint
    assert list(library.adapters.iterdir()) == []
    assert sorted(path.name for path in library.home.iterdir()) == before


@pytest.mark.parametrize("name", FOLDERS)
def test_hostile_folders(
    name: str, library: Library, good: Path, tmp_path: Path, nothing_runs: None
) -> None:
    form, spoil = FOLDERS[name]
    folder = tmp_path / "sent"
    shutil.copytree(good / form, folder)
    expect_refused(library, spoil(folder) or folder)


@pytest.mark.parametrize("name", BUNDLES)
def test_hostile_bundles(
    name: str, library: Library, good: Path, tmp_path: Path, nothing_runs: None
) -> None:
    bundle = tmp_path / "sent.overnight"
    shutil.copyfile(good / "bundle", bundle)
    expect_refused(library, BUNDLES[name](bundle) or bundle)


@pytest.mark.parametrize("form", ["mlx", "peft", "bundle"])
def test_what_was_not_spoilt_is_taken_in(
    form: str, library: Library, good: Path, nothing_runs: None
) -> None:
    """Else the refusals above would show nothing."""
    assert (
        receive(library, ReceiveOrder(str(good / form), "Theirs"), Watch())["adapter"] == "Theirs"
    )
    shutil.rmtree(library.adapters / "Theirs")


def test_there_are_a_hundred() -> None:
    assert len(FOLDERS) + len(BUNDLES) >= 100
