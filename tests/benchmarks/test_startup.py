"""How fast the command line answers, beside an interpreter that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.benchmark

_ROUNDS = 21
_MOST = 6.0


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def test_help_starts_in_a_few_times_a_bare_interpreters_start() -> None:
    bare = [sys.executable, "-c", "pass"]
    overnight = [str(Path(sys.executable).with_name("overnight")), "--help"]
    pairs = [(seconds(bare), seconds(overnight)) for _ in range(_ROUNDS + 1)][1:]
    ratio = statistics.median(help_took / bare_took for bare_took, help_took in pairs)
    bare_ms, help_ms = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    print(f"\n--help: {help_ms:.0f} ms, bare interpreter: {bare_ms:.0f} ms, ratio {ratio:.1f}")
    assert ratio <= _MOST
