"""How fast notes are read the first and the second time, and whether memory grows with them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

_REAL_NOTES = Path(__file__).parents[3] / "shared" / "notes" / "til"
# OVERNIGHT_BENCHMARK_IMPORTS="500 4000" tries the comparison with fewer notes.
_FEW, _MANY = map(int, os.environ.get("OVERNIGHT_BENCHMARK_IMPORTS", "2000 50000").split())
_WORDS = ("boat", "engine", "lamp", "pier", "rope", "tide", "keeper", "letter", "winter", "garden")


def write_notes(folder: Path, count: int) -> int:
    """Write Markdown notes of about a kilobyte, a hundred to a folder; their bytes in all."""
    chance = random.Random(1)
    size = 0
    for number in range(count):
        lines = [" ".join(chance.choices(_WORDS, k=12)) + f" {number}." for _ in range(14)]
        path = folder / f"{number // 100:04}" / f"{number:06}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        size += path.write_text(f"# Note {number}\n\n" + "\n\n".join(lines) + "\n")
    return size


@dataclass(frozen=True)
class _Import:
    """What `overnight import` took; the memory is that of all its processes together."""

    seconds: float
    peak_bytes: int


def timed_import(home: Path, folder: Path) -> _Import:
    """Import a folder by the command, as a person does: with curation and the look for secrets."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlx_backend.cli", "import", str(folder), "--json"],
        env=os.environ | {"OVERNIGHT_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident_bytes(psutil.Process(process.pid)))
        time.sleep(0.02)
    assert process.wait() == 0
    return _Import(time.monotonic() - began, peak)


def _resident_bytes(parent: psutil.Process) -> int:
    """Of a process and those that it started, as far as they still run."""
    size = 0
    try:
        for process in (parent, *parent.children(recursive=True)):
            size += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return size


@pytest.fixture(params=["written", "real"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "written":
        write_notes(tmp_path / "notes", 3000)
        return tmp_path / "notes"
    if not _REAL_NOTES.is_dir():
        pytest.skip("needs the collection of notes beside the checkout")
    return _REAL_NOTES


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_first_and_second_import(tmp_path: Path, folder: Path) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("*.md"))
    first, second = (timed_import(tmp_path / "library", folder) for _ in range(2))
    speed = size / 1e6 / first.seconds * 60
    times = first.seconds / second.seconds
    print(f"\n{size / 1e6:.1f} MB: {speed:.1f} MB a minute, at most {first.peak_bytes >> 20} MB;")
    print(f"{first.seconds:.2f} s, then {second.seconds:.2f} s: {times:.0f} times as fast")
    assert speed >= 10
    assert times >= 20
    assert first.peak_bytes < 500e6


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_memory_does_not_grow_with_the_notes(tmp_path: Path) -> None:
    peaks = []
    for count in (_FEW, _MANY):
        write_notes(tmp_path / f"notes {count}", count)
        result = timed_import(tmp_path / f"library {count}", tmp_path / f"notes {count}")
        peaks.append(result.peak_bytes)
        print(f"\n{count:,} notes: {result.peak_bytes >> 20} MB at most, {result.seconds:.0f} s")
    assert peaks[1] < 1.2 * peaks[0]
