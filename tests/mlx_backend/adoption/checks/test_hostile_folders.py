"""Hostile folders: none is accepted, none runs anything, none takes more than its limits."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mlx_backend.adoption.checks.hostile_folders import HOSTILE, LOADED, SCRIPT

_PROCESS = Path(__file__).with_name("checking_process.py")
_MOST_MEMORY = 256 << 20
_LONGEST_S = 30.0  # of one folder, on a slow machine under load

_MISBEHAVE = """
import importlib, io, json, os, pickle, subprocess, sys
from tests.mlx_backend.adoption.checks.checking_process import Watcher
watcher = Watcher()
watcher.folder = sys.argv[1]
sys.addaudithook(watcher)
sys.path.insert(0, sys.argv[1])
importlib.import_module("evil")
open(sys.argv[1] + "/x.pkl", "rb").close()
pickle.loads(b"cos\\ngetpid\\n.")
subprocess.run(["true"])
os.system("true")
watcher.folder = None
print(json.dumps(watcher.did))
"""

Verdict = dict[str, Any]
Check = Callable[..., Verdict]


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Check]:
    """Adopts a folder in a process that watches itself, and tells what that did."""
    home = tmp_path_factory.mktemp("checking")
    with subprocess.Popen(
        [sys.executable, str(_PROCESS), str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        asked, answers = process.stdin, process.stdout

        def check(folder: Path, bits: int = 0) -> Verdict:
            asked.write(json.dumps([str(folder), bits]) + "\n")
            asked.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(answers, selectors.EVENT_READ)
                assert selector.select(timeout=60), "it hangs"
            verdict: Verdict = json.loads(answers.readline())
            left = [path for path in (home / "models").iterdir() if path.is_dir()]
            jobs = [path for path in (home / "jobs").glob("*/*") if path.is_dir()]
            return verdict | {"models": [path.name for path in left], "left": jobs}

        yield check
        process.kill()


@pytest.fixture
def folder(tmp_path: Path, model_files: Path) -> Path:
    """A good model, which is old enough that no check waits for a writer."""
    folder = tmp_path / "model"
    shutil.copytree(model_files, folder)
    return folder


def grown_old(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file() and not path.is_symlink():
            os.utime(path, (time.time() - 3600,) * 2)


@pytest.mark.parametrize("bits", [0, 4])
@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused(folder: Path, check: Check, name: str, bits: int) -> None:
    shutil.copy(folder / "model.safetensors", folder.parent / "elsewhere.safetensors")
    HOSTILE[name](folder)
    grown_old(folder)
    before = {path: path.lstat() for path in folder.rglob("*")}
    verdict = check(folder, bits)
    kind, message = verdict["error"]
    assert kind in ("bad_input", "path_missing"), verdict
    assert message
    assert len(message) < 600
    assert message.isprintable()
    if name in LOADED:  # by a process of its own
        verdict["did"] = [each for each in verdict["did"] if "Popen" not in each]
    assert not verdict["did"]
    assert not verdict["models"]
    assert not verdict["left"]
    assert verdict["peak"] < _MOST_MEMORY
    assert verdict["seconds"] < _LONGEST_S
    assert not (folder / "ran").exists()
    after = {path: path.lstat() for path in folder.rglob("*")}
    assert [unread(at) for at in after.values()] == [unread(at) for at in before.values()]


def unread(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode


def test_the_process_notices_what_no_check_may_do(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("ran = True")
    (tmp_path / "x.pkl").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-c", _MISBEHAVE, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    did = "\n".join(json.loads(done.stdout))
    for each in ("subprocess.Popen", "open", "exec", "x.pkl", "pickle.find_class", "os.system"):
        assert each in did


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 60


def test_what_lies_beside_a_good_model_is_neither_opened_nor_taken(
    folder: Path, check: Check
) -> None:
    for name in ("modeling_evil.py", "setup.py", "__init__.py", "tokenization_evil.py"):
        (folder / name).write_text(SCRIPT)
    for name in ("pytorch_model.bin", "model.gguf", "optimizer.pt", "x.pkl"):
        (folder / name).write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    config = folder / "config.json"
    said = json.loads(config.read_bytes()) | {"auto_map": {"AutoModel": "modeling_evil.Evil"}}
    config.write_text(json.dumps(said))
    grown_old(folder)
    verdict = check(folder)
    assert verdict["error"] == ["", ""]
    assert not [each for each in verdict["did"] if "Popen" not in each]
    assert verdict["models"] == ["model"]
    assert not (folder / "ran").exists()
    assert verdict["peak"] < _MOST_MEMORY
