"""Damaged files of every format: each is read, or skipped with a reason."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlx_backend.importers import limits, sandbox
from mlx_backend.importers.importing import import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.read_files import ImportOutcome
from mlx_backend.importers.sandbox import FileContent, Sandbox
from mlx_backend.library.notes import Notes
from tests.mlx_backend.importers.mutations import mutated
from tests.mlx_backend.importers.samples import EVERY_FORMAT

_LONGEST_S = 30.0
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
_DOCUMENTS = Path(__file__).parents[4] / "shared" / "documents"

needs_documents = pytest.mark.skipif(not _DOCUMENTS.is_dir(), reason="no documents are here")


@dataclass
class Cost:
    """The highest cost of a file; memory is 0 where it cannot be measured."""

    seconds: float = 0.0
    memory: int = 0


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> Cost:
    """Measures at each file, and at the end of a reading process."""
    cost, read, end = Cost(), Sandbox.read, sandbox._Process.end

    def timed(self: Sandbox, source: Path, path: Path, *more: str | bool) -> FileContent:
        began = time.monotonic()
        try:
            return read(self, source, path, *more)  # type: ignore[arg-type]
        finally:
            cost.seconds = max(cost.seconds, time.monotonic() - began)

    def ended(self: sandbox._Process) -> None:
        with contextlib.suppress(OSError):  # there is no such file on a Mac
            status = Path(f"/proc/{self._process.pid}/status").read_text()
            if peak := _PEAK.search(status):  # a dead process has none
                cost.memory = max(cost.memory, int(peak[1]) << 10)
        end(self)

    monkeypatch.setattr(Sandbox, "read", timed)
    monkeypatch.setattr(sandbox._Process, "end", ended)
    return cost


@functools.cache
def real_documents() -> Mapping[str, bytes]:
    """Real documents beside the project, two of them in Microsoft's older container (OLE2)."""
    files = sorted(path for path in _DOCUMENTS.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in files}


@dataclass
class Fuzz:
    """Imports folders of damaged files, and checks the outcome for each file."""

    notes: Notes
    counter: TokenCounter
    folder: Path
    cost: Cost

    def run(self, seeds: range, whole: Mapping[str, bytes] = EVERY_FORMAT) -> ImportOutcome:
        for seed in seeds:
            name, data = mutated(seed, whole)
            path = self.folder / f"{seed:05}" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
        outcome = import_paths(self.notes, self.counter, [self.folder])
        assert all(reason.strip() for _, reason in outcome.skipped)
        kept = self.notes.summaries()
        seen = [summary.path for summary in kept] + [path for path, _ in outcome.skipped]
        folders = {Path(path).relative_to(self.folder).parts[0] for path in seen}
        assert folders == {f"{seed:05}" for seed in seeds}
        assert kept
        assert not any("root:x:" in self.notes.text(summary.id) for summary in kept)
        assert self.cost.seconds <= _LONGEST_S
        assert self.cost.memory <= limits.MEMORY
        return outcome

    def report(self, outcome: ImportOutcome) -> None:
        files = len(list(self.folder.iterdir()))
        print(f"\n{files} damaged files: {outcome.added} notes, {len(outcome.skipped)} skipped;")
        print(f"at most {self.cost.seconds:.1f} s and {self.cost.memory >> 20} MB for one")


@pytest.fixture
def fuzz(notes: Notes, counter: TokenCounter, tmp_path: Path, cost: Cost) -> Fuzz:
    return Fuzz(notes, counter, tmp_path / "damaged", cost)


def test_damaged_files_are_notes_or_skipped(fuzz: Fuzz) -> None:
    fuzz.run(range(200))


@needs_documents
def test_damaged_real_documents_are_notes_or_skipped(fuzz: Fuzz) -> None:
    fuzz.run(range(60), real_documents())


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_many_damaged_files_are_notes_or_skipped(fuzz: Fuzz) -> None:
    fuzz.report(fuzz.run(range(10_000, 12_200)))


@needs_documents
@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_many_damaged_real_documents_are_notes_or_skipped(fuzz: Fuzz) -> None:
    fuzz.report(fuzz.run(range(10_000, 10_600), real_documents()))
