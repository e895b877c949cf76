"""What is found where other programs keep their models, and that hostile folders cost nothing."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

import msgspec
import pytest

from mlx_backend.catalogue import found as found_module
from mlx_backend.catalogue import model_folder
from mlx_backend.catalogue.found import Found, Limits, found_on_this_machine
from mlx_backend.catalogue.places import places
from mlx_backend.library import Library
from mlx_backend.library.models import list_models
from mlx_backend.library.this_machine import Machine
from tests.mlx_backend.catalogue.other_programs import (
    BYTES,
    COMMIT,
    CONFIG,
    files_of,
    write,
    write_in_cache,
)

MAC = Machine(16 << 30, has_gpu=True)
HUB = ".cache/huggingface/hub"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folder, in which a terminal stands."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def look(home: Path, limits: Limits | None = None) -> list[Found]:
    return found_on_this_machine((), home, {}, MAC, limits or Limits())


def only(home: Path) -> Found:
    (found,) = look(home)
    return found


def test_nothing_is_there(home: Path) -> None:
    assert look(home) == []


def test_a_hub_cache(home: Path) -> None:
    snapshot = write_in_cache(home / HUB, "mlx-community/Qwen3-0.6B-4bit")
    found = only(home)
    assert (found.path, found.program) == (snapshot, "Hugging Face")
    assert found.title == "mlx-community/Qwen3-0.6B-4bit"
    assert found.source == f"mlx-community/Qwen3-0.6B-4bit@{COMMIT}"
    assert (found.bits, found.why_not, found.in_library) == (4, "", "")
    assert found.parameters == pytest.approx(BYTES * 8 / 4.5, rel=0.01)
    assert BYTES < found.bytes < BYTES + 10_000
    assert found.fit.trains


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"HF_HUB_CACHE": "caches/a"}, "caches/a"),
        ({"HF_HOME": "hf"}, "hf/hub"),
        ({"XDG_CACHE_HOME": "xdg"}, "xdg/huggingface/hub"),
        ({"HF_HOME": "hf", "HF_HUB_CACHE": "first"}, "first"),
    ],
)
def test_a_hub_cache_elsewhere(home: Path, environment: dict[str, str], place: str) -> None:
    write_in_cache(home / place, "a/b")
    absolute = {name: str(home / folder) for name, folder in environment.items()}
    assert [each.title for each in found_on_this_machine((), home, absolute, MAC)] == ["a/b"]


def test_the_snapshot_of_the_main_branch_is_taken(home: Path) -> None:
    first = write_in_cache(home / HUB, "a/b")
    newer = "7" * 40
    write(first.parent / newer)
    (first.parents[1] / "refs" / "main").write_text(newer)
    assert only(home).source == f"a/b@{newer}"


def test_hard_links_of_two_hops(home: Path) -> None:
    """As the client library of the Hub lays a file down since 2.0."""
    snapshot = write_in_cache(home / HUB, "a/b")
    blob = (snapshot / "model.safetensors").resolve()
    blob.rename(blob.with_name("store"))
    blob.symlink_to("store")
    assert only(home).why_not == ""


@pytest.mark.parametrize(
    ("place", "program", "title"),
    [
        (".lmstudio/models/qwen/small", "LM Studio", "qwen/small"),
        (".lmstudio/models/hub/qwen/small", "LM Studio", "hub/qwen/small"),
        (".cache/lm-studio/models/qwen/small", "LM Studio", "qwen/small"),
        (".omlx/models/small", "oMLX", "small"),
        ("MLXModels/qwen/small", "Osaurus", "qwen/small"),
        ("Library/Application Support/Jan/data/mlx/models/small", "Jan", "small"),
        ("mlx_model", "mlx-lm", "mlx_model"),
        ("fused_model", "mlx-lm", "fused_model"),
    ],
)
def test_folders_of_other_programs(home: Path, place: str, program: str, title: str) -> None:
    folder = write(home / place)
    found = only(home)
    assert (found.path, found.program, found.title) == (folder, program, title)
    assert (found.source, found.why_not) == ("", "")


def test_lm_studio_may_keep_them_elsewhere(home: Path, tmp_path: Path) -> None:
    write(tmp_path / "disk/models/a/b")
    (home / ".lmstudio").mkdir()
    settings = home / ".lmstudio/settings.json"
    settings.write_text(json.dumps({"downloadsFolder": str(tmp_path / "disk/models")}))
    assert only(home).title == "a/b"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 9999,
        b'{"downloadsFolder": "rel"}',
        b'{"downloadsFolder": "/\\u0000"}',
    ],
)
def test_lm_studios_settings_may_be_anything(home: Path, content: bytes) -> None:
    write(home / ".lmstudio/models/a/b")
    (home / ".lmstudio/settings.json").write_bytes(content)
    assert only(home).title == "a/b"


def without(*names: str, **more: bytes | int) -> dict[str, bytes | int]:
    return {name: content for name, content in files_of().items() if name not in names} | more


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (without("tokenizer.json"), "no tokenizer"),
        (without("config.json"), "config.json"),
        (files_of(CONFIG | {"model_file": "evil.py"}), "model_file"),
        (files_of(CONFIG | {"model_type": "unheard_of"}), "'unheard_of', is unknown"),
        (files_of(CONFIG | {"model_type": "../../evil"}), "is unknown"),
        (without("model.safetensors") | {"pytorch_model.bin": 9}, "pickle"),
        (without("model.safetensors"), "weight files are missing"),
        ({"weights-Q4_K_M.gguf": 9}, "GGUF"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": 9}, "adapter (LoRA)"),
        (without("model.safetensors") | {"model-00001-of-00003.safetensors": 9}, "2 weight files"),
        (
            without("model.safetensors")
            | {"model-00001-of-00002.safetensors": 9}
            | {"model.safetensors.index.json": b'{"weight_map": {"a": "model-x.safetensors"}}'},
            "2 weight files are missing",
        ),
        (
            without("model.safetensors") | {"model-00001-of-99999.safetensors": 9},
            "999 weight files",
        ),
    ],
)
def test_what_cannot_be_adopted_says_why(
    home: Path, files: dict[str, bytes | int], says: str
) -> None:
    write(home / "MLXModels/a/b", files)
    assert says in only(home).why_not


@pytest.mark.parametrize("kind", ["WhisperForConditionalGeneration", "BertModel", "CLIPModel"])
def test_what_is_no_language_model_is_passed_over(home: Path, kind: str) -> None:
    config: dict[str, object] = {"architectures": [kind], "model_type": "whisper"}
    write_in_cache(home / HUB, "openai/other", files_of(config))
    write(home / "MLXModels/a/pictures", {"diffusion.safetensors": 9, "config.json": b"{}"})
    assert look(home) == []


def test_those_that_can_be_adopted_come_first(home: Path) -> None:
    write(home / "MLXModels/a/gguf", {"a.gguf": 9})
    write(home / "MLXModels/b/whole")
    assert [each.title for each in look(home)] == ["b/whole", "a/gguf"]


class TestInLibrary:
    """What is in the library already is marked."""

    def test_the_same_source(self, tiny_library: Library, home: Path) -> None:
        snapshot = write_in_cache(home / HUB, "a/b")
        models = list_models(tiny_library.models)
        card = msgspec.structs.replace(models[1].card, source=f"a/b@{COMMIT}")
        found = found_on_this_machine([dataclasses.replace(models[1], card=card)], home, {}, MAC)
        assert [(each.path, each.in_library) for each in found] == [(snapshot, "tiny")]

    def test_the_same_file(self, tiny_library: Library, home: Path) -> None:
        folder = write(home / "MLXModels/a/b", without("model.safetensors"))
        weights = (tiny_library.models / "tiny" / "model.safetensors").resolve()
        os.link(weights, folder / "model.safetensors")
        (found,) = found_on_this_machine(list_models(tiny_library.models), home, {}, MAC)
        assert found.in_library == "tiny"

    def test_the_same_weights_in_a_file_of_their_own(
        self, tiny_library: Library, home: Path
    ) -> None:
        """As a clone is."""
        weights = (tiny_library.models / "tiny" / "model.safetensors").read_bytes()
        files = files_of() | {"model.safetensors": weights}
        write(home / "MLXModels/a/same", files)
        write(
            home / "MLXModels/a/other", files | {"model.safetensors": weights[:-9] + b"other" * 2}
        )
        write(home / "MLXModels/a/tail", files | {"model.safetensors": weights[:-4] + b"tail"})
        found = found_on_this_machine(list_models(tiny_library.models)[1:], home, {}, MAC)
        names = {each.path.name: each.in_library for each in found}
        assert names == {"same": "tiny", "other": "", "tail": ""}

    def test_one_of_lm_studio_that_was_quantised(self, tiny_library: Library, home: Path) -> None:
        write(home / ".lmstudio/models/a/b")
        models = list_models(tiny_library.models)
        card = msgspec.structs.replace(models[1].card, source="a/b")
        (found,) = found_on_this_machine([dataclasses.replace(models[1], card=card)], home, {}, MAC)
        assert found.in_library == "tiny"


class TestHostile:
    """Folders that are made to hold the search up, to lead it away, or to break it."""

    def test_links_that_lead_out_stand_for_nothing(self, home: Path, tmp_path: Path) -> None:
        outside = write(tmp_path / "outside")
        folder = home / "MLXModels/a/b"
        folder.mkdir(parents=True)
        for name in files_of():
            (folder / name).symlink_to(outside / name)
        assert look(home) == []
        (folder.parent / "c").symlink_to(outside)
        assert look(home) == []

    def test_a_snapshot_whose_blobs_lie_elsewhere(self, home: Path, tmp_path: Path) -> None:
        snapshot = write_in_cache(home / HUB, "a/b")
        secret = tmp_path / "secret"
        secret.write_text('{"secret": 1}')
        (snapshot / "config.json").unlink()
        (snapshot / "config.json").symlink_to(secret)
        assert "config.json" in only(home).why_not

    def test_loops(self, home: Path) -> None:
        folder = write(home / "MLXModels/a/b")
        (folder.parent / "loop").symlink_to(folder.parent)
        (folder / "self.json").symlink_to("self.json")
        (home / "MLXModels/up").symlink_to(home)
        assert only(home).title == "a/b"

    @pytest.mark.parametrize(
        "name", ["config.json", "model.safetensors.index.json", "model.safetensors"]
    )
    def test_pipes_are_not_waited_for(self, home: Path, name: str) -> None:
        write(home / "MLXModels/a/whole")
        folder = write(home / "MLXModels/b/pipe", without(name))
        os.mkfifo(folder / name)
        os.mkfifo(home / "MLXModels/c")
        (home / ".lmstudio").mkdir()
        os.mkfifo(home / ".lmstudio/settings.json")
        began = time.monotonic()
        assert "a/whole" in [each.title for each in look(home)]
        assert time.monotonic() - began < 1

    def test_a_great_many_entries_are_bounded(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wide = home / "MLXModels"
        for number in range(3_000):
            (wide / f"{number:05}").mkdir(parents=True)
        taken = count_entries(monkeypatch)
        write(home / ".omlx/models/small")
        found = look(home, Limits(entries=1_000, seconds=60))
        assert [each.title for each in found] == ["small"]
        assert taken[0] < 1_000 + 100

    def test_a_folder_of_a_great_many_files(self, home: Path) -> None:
        folder = write(home / "MLXModels/a/b")
        for number in range(5_000):
            (folder / f"{number:05}.txt").touch()
        began = time.monotonic()
        look(home, Limits(entries=3_000, seconds=60))
        assert time.monotonic() - began < 2

    def test_the_time_is_bounded(self, home: Path) -> None:
        for number in range(50):
            write(home / f"MLXModels/a/{number}")
        assert len(look(home, Limits(seconds=0.0))) < 50

    def test_deep_folders_are_not_entered(self, home: Path) -> None:
        deep = home / "MLXModels" / "/".join("x" * 40)
        write(deep)
        assert look(home) == []

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_what_may_not_be_read_is_passed_over(self, home: Path) -> None:
        write(home / "MLXModels/a/b")
        closed = write(home / "MLXModels/c/closed").parent
        closed.chmod(0)
        try:
            assert only(home).title == "a/b"
        finally:
            closed.chmod(0o700)

    def test_errors_of_reading_are_passed_over(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(home / "MLXModels/a/b")
        write(home / "MLXModels/c/closed")
        scandir = os.scandir

        def refuse(folder: Path) -> object:
            if folder.name == "c":
                raise PermissionError(13, "refused")
            return scandir(folder)

        monkeypatch.setattr(os, "scandir", refuse)
        assert only(home).title == "a/b"

    @pytest.mark.parametrize(
        "name", ["model--x", "models--", "models--a--b--c--", "models--..--..", "models--a--b\n"]
    )
    def test_odd_names_in_a_cache(self, home: Path, name: str) -> None:
        (home / HUB / name / "snapshots" / COMMIT).mkdir(parents=True)
        write(home / HUB / name / "snapshots" / COMMIT)
        for found in look(home):
            assert found.path.is_relative_to(home / HUB)

    @pytest.mark.parametrize("main", [b"../../../..", b"\xff" * 40, b"x" * 10_000, b""])
    def test_a_reference_that_leads_nowhere(self, home: Path, main: bytes) -> None:
        snapshot = write_in_cache(home / HUB, "a/b")
        (snapshot.parents[1] / "refs" / "main").write_bytes(main)
        assert only(home).path == snapshot

    @pytest.mark.parametrize(
        "config", [b"", b"[]", b"{", b"[" * 99_999, b"\xff\xfe", b" " * (2 << 20)]
    )
    def test_configurations_that_are_none(self, home: Path, config: bytes) -> None:
        write(home / "MLXModels/a/b", files_of() | {"config.json": config})
        assert "config.json" in only(home).why_not

    def test_names_that_are_no_text(self, home: Path) -> None:
        try:
            write(Path(os.fsdecode(os.fsencode(home) + b"/MLXModels/a/\xff\xfe")))
        except OSError:
            pytest.skip("this file system takes only text as names")
        assert only(home).why_not == ""

    def test_weights_are_never_opened(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(home / "MLXModels/a/b")
        write_in_cache(home / HUB, "a/b")
        opened: list[str] = []
        real = os.open

        def watch(path: object, *rest: int) -> int:
            opened.append(str(path))
            return real(path, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "open", watch)
        assert len(look(home)) == 2
        assert {Path(path).name for path in opened} <= {"config.json", "main", "settings.json"}


def count_entries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    taken = [0]
    take = found_module._Budget.take

    def count(budget: found_module._Budget) -> bool:
        taken[0] += 1
        return take(budget)

    monkeypatch.setattr(found_module._Budget, "take", count)
    return taken


def test_each_place_is_searched_once(home: Path) -> None:
    roots = [os.path.realpath(place.root) for place in places(home, {}, home)]
    assert len(roots) == len(set(roots))


def test_the_other_names_of_types_are_mlx_lms() -> None:
    from mlx_lm.utils import MODEL_REMAPPING

    assert model_folder.REMAPPED == MODEL_REMAPPING
