"""How long curating and searching take with 50,000 notes, and how much memory.

OVERNIGHT_BENCHMARK_COUNT sets another number of notes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.library import database
from mlx_backend.library.notes import Notes
from tests.benchmarks.invented_notes import invented_notes

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

COUNT = int(os.environ.get("OVERNIGHT_BENCHMARK_COUNT", "50000"))

# In a process of its own, whose memory is that of curating alone.
_CURATE = """
import resource, sys, time
from pathlib import Path
from mlx_backend.curation.curate import curate
from mlx_backend.library import database
from mlx_backend.library.notes import Notes

notes = Notes(database.connect(Path(sys.argv[1])))
began = time.perf_counter()
outcome = curate(notes)
took = time.perf_counter() - began
unit = 1 if sys.platform == "darwin" else 1024
print(f"{took:.1f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6:.0f} MB,",
      f"looked at {outcome.looked_at}, left out {outcome.left_out}")
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "library.sqlite"
    Notes(database.connect(path)).save(invented_notes(COUNT))
    return path


def curate_apart(path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _CURATE, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_curating(path: Path) -> None:
    print(f"\ncurating {COUNT} notes: {curate_apart(path)}")
    print(f"again, with nothing new: {curate_apart(path)}")
    Notes(database.connect(path)).save(invented_notes(100, seed=2))
    print(f"again, with 100 changed: {curate_apart(path)}")


def median_ms(call: Callable[[str], object], searches: list[str]) -> float:
    times = []
    for search in searches:
        began = time.perf_counter()
        call(search)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def test_searching(path: Path) -> None:
    notes = Notes(database.connect(path))
    typed = ["t", "th", "the", "ka", "kalo", "kalomi", "what went", "the harbour", "lind", "so it"]
    searches = [search for search in typed for _ in range(5)]
    page = median_ms(lambda search: notes.page(search, 200), searches)
    slowest = max(median_ms(lambda search: notes.page(search, 200), [each] * 5) for each in typed)
    print(f"\na page of 200 of {COUNT}: median {page:.1f} ms; the slowest search {slowest:.1f} ms")
    print(f"count: median {median_ms(notes.count, searches):.1f} ms")
    print(f"all summaries: median {median_ms(notes.summaries, searches):.1f} ms")
    listed = median_ms(lambda _: notes.page("", 200, COUNT // 2), [""] * 20)
    print(f"a page without a search, half way down: median {listed:.1f} ms")
    assert page < 50
