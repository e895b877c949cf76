"""How fast notes are read the first and the second time, and whether memory grows with them."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mlx_backend.importers.importing import import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.library import Library, database
from mlx_backend.library.notes import Notes
from mlx_backend.starter import convert, find_gguf

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


@pytest.fixture(scope="session")
def counter(tmp_path_factory: pytest.TempPathFactory) -> TokenCounter:
    from tokenizers import Tokenizer

    folder = tmp_path_factory.mktemp("starter") / "starter"
    convert(find_gguf(), folder)
    return TokenCounter(lambda: Tokenizer.from_file(str(folder / "tokenizer.json")))


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_first_and_second_import(tmp_path: Path, counter: TokenCounter) -> None:
    size = write_notes(tmp_path / "notes", 3000)
    counter.count(["loaded"])
    notes = Notes(database.connect(Library.open(tmp_path / "library").database))
    seconds = []
    for _ in range(2):
        began = time.monotonic()
        import_paths(notes, counter, [tmp_path / "notes"])
        seconds.append(time.monotonic() - began)
    speed = size / 1e6 / seconds[0] * 60
    print(f"\n3,000 notes, {size / 1e6:.1f} MB: {speed:.0f} MB a minute; again, the same notes:")
    print(
        f"{seconds[0]:.2f} s, then {seconds[1]:.3f} s: {seconds[0] / seconds[1]:.0f} times as fast"
    )


_IMPORT = """
import sys
from pathlib import Path
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
import_into(Library.open(Path(sys.argv[1])), [Path(sys.argv[2])])
"""


def peak_bytes(arguments: list[str]) -> int:
    """The most memory that a process held, measured from outside."""
    process = subprocess.Popen([sys.executable, "-c", _IMPORT, *arguments])
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.02)
    assert process.wait() == 0
    return peak


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_memory_does_not_grow_with_the_notes(tmp_path: Path) -> None:
    for count in (2_000, 20_000):
        write_notes(tmp_path / f"notes {count}", count)
        peak = peak_bytes([str(tmp_path / f"library {count}"), str(tmp_path / f"notes {count}")])
        print(f"\n{count:,} notes: {peak >> 20} MB at most")
