"""How fast notes are searched for what is private, beside cutting them into passages.

OVERNIGHT_BENCHMARK_NOTES names another folder than the sample notes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from mlx_backend.importers.passages import split_passages
from mlx_backend.private_data.scan import scan_note

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]


def test_scan_speed() -> None:
    sample = str(resources.files("resources") / "sample_notes")
    folder = Path(os.environ.get("OVERNIGHT_BENCHMARK_NOTES", sample))
    texts = [f.read_text("utf-8", errors="replace") for f in folder.rglob("*") if f.is_file()]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    scanning = _seconds(scan_note, texts)
    cutting = _seconds(split_passages, texts)
    print(
        f"\n{len(texts)} notes, {megabytes:.2f} MB: {megabytes / scanning * 60:.0f} MB a minute"
        f" of processor time, {scanning / cutting:.1f} times as long as cutting into passages"
    )


def _seconds(work: Callable[[str], object], texts: list[str]) -> float:
    started = time.process_time()
    for text in texts:
        work(text)
    return time.process_time() - started
