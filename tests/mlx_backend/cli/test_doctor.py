from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlx_backend.cli import doctor
from mlx_backend.library import Library
from mlx_backend.machine import cores
from mlx_backend.machine.cores import FIXED_CORES
from mlx_backend.models import sentence_package


@pytest.mark.parametrize(
    ("quota", "chosen", "detail"),
    [
        (None, "", "all 4 processor cores may be used"),
        (None, "4", "all 4 processor cores may be used"),
        (2, "", "2 of 4 processor cores may be used: a container or the processor affinity"),
        (2, "3", "2 of 4 processor cores may be used: a container or the processor affinity"),
        (2, "1", "1 of 4 processor cores may be used: OVERNIGHT_CORES says so"),
    ],
)
def test_the_doctor_says_how_many_cores_may_be_used(
    tiny_library: Library,
    monkeypatch: pytest.MonkeyPatch,
    quota: int | None,
    chosen: str,
    detail: str,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4), raising=False)
    monkeypatch.setattr(cores, "quota_cores", lambda: quota)
    monkeypatch.setenv(FIXED_CORES, chosen)
    (check,) = (each for each in doctor.run_checks() if each.name == "cores")
    assert check.ok
    assert check.detail.startswith(detail)


@pytest.mark.parametrize(
    ("is_there", "ok", "detail"), [(False, True, "goes without"), (True, False, "sentence model")]
)
def test_the_doctor_says_whether_notes_are_found_by_meaning(
    tiny_library: Library,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    is_there: bool,
    ok: bool,
    detail: str,
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"another file")
    monkeypatch.setattr(sentence_package, "find_folder", lambda: tmp_path if is_there else None)
    check = doctor._run("search by meaning", doctor._meaning)
    assert check.ok is ok
    assert detail in check.detail
