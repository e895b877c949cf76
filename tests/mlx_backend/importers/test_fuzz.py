"""Damaged files of every format: each is read, or skipped with a reason."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlx_backend.importers.importing import ImportOutcome, import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.sandbox import Sandbox
from mlx_backend.library.notes import Notes
from tests.mlx_backend.importers.mutations import mutated

_LONGEST_S = 30.0


@pytest.fixture
def slowest(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the slowest file took."""
    found, read = [0.0], Sandbox.read

    def timed(self: Sandbox, source: Path, path: Path, known_sha256: str = "") -> object:
        began = time.monotonic()
        try:
            return read(self, source, path, known_sha256)
        finally:
            found[0] = max(found[0], time.monotonic() - began)

    monkeypatch.setattr(Sandbox, "read", timed)
    return found


def fuzz(notes: Notes, counter: TokenCounter, folder: Path, seeds: range) -> ImportOutcome:
    """Import a folder of damaged files, and look at what came of each."""
    for seed in seeds:
        name, data = mutated(seed)
        path = folder / f"{seed:05}" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    outcome = import_paths(notes, counter, [folder])
    assert all(reason.strip() for _, reason in outcome.skipped)
    kept = {summary.path.split("/")[-1] for summary in notes.summaries()}
    seen = [summary.path for summary in notes.summaries()] + [path for path, _ in outcome.skipped]
    folders = {Path(path).relative_to(folder).parts[0] for path in seen}
    assert folders == {f"{seed:05}" for seed in seeds}
    assert kept
    assert not any("root:x:" in notes.text(summary.id) for summary in notes.summaries())
    return outcome


def test_damaged_files_are_notes_or_skipped(
    notes: Notes, counter: TokenCounter, tmp_path: Path
) -> None:
    fuzz(notes, counter, tmp_path / "damaged", range(200))


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
def test_many_damaged_files_are_notes_or_skipped(
    notes: Notes, counter: TokenCounter, tmp_path: Path, slowest: list[float]
) -> None:
    outcome = fuzz(notes, counter, tmp_path / "damaged", range(10_000, 12_200))
    print(f"2,200 damaged files: {outcome.added} notes, {len(outcome.skipped)} skipped;")
    print(f"the slowest took {slowest[0]:.1f} s")
    assert slowest[0] <= _LONGEST_S + 5
