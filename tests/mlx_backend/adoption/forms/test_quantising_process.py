from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.adoption.forms import packed_weights, packing, quantising
from mlx_backend.adoption.trial.watched import TrialLimits
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub import fetching
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.adoption.forms.quantised import everything_in, quantise, refusal
from tests.mlx_backend.adoption.hf_models import write_hf_model
from tests.mlx_backend.adoption.trial.conftest import write_candidate

MISBEHAVING = "tests.mlx_backend.adoption.trial.misbehaving_trial"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("act", "kind", "sentence"),
    [
        ("abort", ErrorKind.BAD_INPUT, "but the process crashed (signal 6)."),
        ("spin", ErrorKind.BAD_INPUT, "but it took longer than 1 seconds."),
        ("die", ErrorKind.NO_MEMORY, "but the system ended its process"),
        ('lie {"type": "Readable"}', ErrorKind.BAD_INPUT, "said something odd."),
        (
            'lie {"type": "Refused", "reason": "the disk is full", "kind": "disk_full"}',
            ErrorKind.DISK_FULL,
            "but the disk is full.",
        ),
    ],
)
def test_what_happens_to_the_process_is_told(
    tmp_path: Path,
    tiny_folders: dict[str, Path],
    here: pytest.MonkeyPatch,
    act: str,
    kind: ErrorKind,
    sentence: str,
) -> None:
    here.undo()
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"])
    before = everything_in(folder)
    limits = TrialLimits(seconds=1.0 if act == "spin" else 30.0, module=MISBEHAVING)
    with pytest.raises(OvernightError) as caught:
        quantising.quantise(folder, 4, act, quantising.Watch(), limits)
    assert caught.value.kind is kind
    assert sentence in caught.value.message
    assert everything_in(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_the_process_writes_into_the_new_folder_and_nowhere_else(
    tmp_path: Path, tiny_folders: dict[str, Path], here: pytest.MonkeyPatch
) -> None:
    here.undo()
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"])
    before = everything_in(folder)
    new = tmp_path / f"..one.quantised.{os.getpid()}.part"
    refused_acts = [
        f"write {folder / 'new'}",
        f"write {new / '..' / 'new'}",
        f"write {tmp_path / 'new'}",
        f"delete {new / 'tokenizer.json'}",
        "open /etc/passwd",
        "run /bin/true",
    ]
    acts = [f"write {new / 'new'}", f"open {folder / 'config.json'}", *refused_acts]
    with pytest.raises(OvernightError) as caught:
        quantising.quantise(
            folder, 4, "\n".join(acts), quantising.Watch(), TrialLimits(module=MISBEHAVING)
        )
    assert caught.value.message.count("succeeded") == 2
    assert caught.value.message.count("PermissionError") == len(refused_acts)
    assert everything_in(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.timeout(120)
def test_an_architecture_that_crashes_is_refused(
    tmp_path: Path, tiny_folders: dict[str, Path], here: pytest.MonkeyPatch
) -> None:
    here.undo()
    folder = tmp_path / "one"
    write_candidate(folder, "phi3small", tiny_folders["tiny"], "float32")
    assert "Quantising it was tried, but" in refusal(folder).message


def test_it_can_be_stopped_in_a_process_of_its_own(
    tmp_path: Path, tiny_folders: dict[str, Path], here: pytest.MonkeyPatch
) -> None:
    here.undo()
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"])
    asked = iter([False, False, True])
    watch = quantising.Watch(stop_requested=lambda: next(asked))
    with pytest.raises(StoppedEarly):
        quantising.quantise(folder, 4, "hang", watch, TrialLimits(module=MISBEHAVING))
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_disk_without_room_is_told_before(
    tmp_path: Path, tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])
    usage = shutil.disk_usage("/")._replace(free=fetching.RESERVE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OvernightError, match="no room") as caught:
        quantise(tmp_path / "one", 4)
    assert caught.value.kind is ErrorKind.DISK_FULL


@pytest.mark.parametrize("name", ["evil.py", "model x.safetensors", "link.json"])
def test_what_should_not_come_of_it_is_refused(
    tmp_path: Path, tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])

    def write(folder: Path, new: Path, bits: int, reached: Callable[[float], None]) -> None:
        packed_weights.write_packed(folder, new, bits, reached)
        if name == "link.json":
            (new / "tokenizer.json").unlink()
            (new / "tokenizer.json").symlink_to("/etc/passwd")
        else:
            (new / name).touch()

    monkeypatch.setattr(packing, "write_packed", write)
    monkeypatch.setattr(packing, "_probe", lambda *_: None)
    assert "not what it should be" in refusal(tmp_path / "one").message
