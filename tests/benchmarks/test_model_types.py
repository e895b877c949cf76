"""Tiny random models of every architecture of mlx-lm, from adoption to chat: the whole table.

Each is adopted by a job, trained, resumed after a kill of its process, filed, exported, and answers
with its cache used again; or it is refused at adoption with a sentence. None fails later.

OVERNIGHT_ARCHITECTURES="llama qwen3" tries only these, of which any may be
refused; of all, 85 percent must pass. The short form of it, for `make test`, is
tests/mlx_backend/run/test_model_types.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.benchmarks.model_sweep import NOT_BUILT
from tests.mlx_backend.model_types import model_types

_LEAST_SHARE = 0.85
_BITS = (32, 4)

Row = tuple[str, int, float, str]


def swept(names: list[str]) -> list[Row]:
    """The outcome of each, also of those that crash their process; each is printed at once."""
    rows: list[Row] = []
    while len(rows) < len(names):
        command = [sys.executable, "-m", "tests.benchmarks.model_sweep", *names[len(rows) :]]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            rows += [_told(*json.loads(line)) for line in process.stdout]
        if len(rows) < len(names):
            kind, _, bits = names[len(rows)].rpartition("-")
            rows.append(_told(kind, int(bits), 0.0, f"CRASHES its process ({process.returncode})"))
    return rows


def _told(kind: str, bits: int, seconds: float, outcome: str) -> Row:
    text = " ".join(outcome.split())
    print(f"{kind:24} {bits:3} {seconds:6.1f} s  {text}", flush=True)
    return kind, bits, seconds, text


@pytest.mark.benchmark
@pytest.mark.timeout(7200)
def test_every_architecture_passes_or_is_refused_at_adoption() -> None:
    chosen = os.environ.get("OVERNIGHT_ARCHITECTURES", "").split()
    kinds = chosen or model_types()
    rows = swept([f"{kind}-{bits}" for bits in _BITS for kind in kinds])
    built = [row for row in rows if not row[3].startswith(NOT_BUILT)]
    for bits in _BITS:
        outcomes = [outcome for _, each, _, outcome in built if each == bits]
        whole = sum(outcome == "ok" for outcome in outcomes)
        refused = sum(outcome.startswith("refused") for outcome in outcomes)
        print(f"{bits} bits: {len(outcomes)} built, {whole} pass whole, {refused} are refused")
        assert whole + refused == len(outcomes)
        assert chosen or whole >= _LEAST_SHARE * len(outcomes)
