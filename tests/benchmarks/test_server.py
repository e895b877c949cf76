"""Ten thousand requests by chance, and what the server's memory is before and after."""

from __future__ import annotations

import time
from collections import Counter

import psutil
import pytest

from tests.mlx_backend.conftest import tiny_folders  # noqa: F401
from tests.mlx_backend.serving.conftest import served, served_library  # noqa: F401
from tests.mlx_backend.serving.fuzzing import GOOD, cases
from tests.mlx_backend.serving.served import Served
from tests.mlx_backend.serving.test_fuzz import status_of

pytestmark = pytest.mark.benchmark

_REQUESTS = 10_000
_LEAK = 0.05  # of the memory after the first tenth


@pytest.mark.timeout(3600)
def test_ten_thousand_requests(served: Served) -> None:  # noqa: F811
    process = psutil.Process(served.process.pid)
    right, statuses, sizes = 0, Counter[int | None](), [process.memory_info().rss]
    began = time.monotonic()
    for number, case in enumerate(cases(served, _REQUESTS, seed=2), start=1):
        found = status_of(served, case)
        right += found in case.right
        statuses[found] += 1
        if number % (_REQUESTS // 10) == 0:
            sizes.append(process.memory_info().rss)
            print(
                f"{number:,} requests: {sizes[-1] / 1e6:.1f} MB, {time.monotonic() - began:.0f} s"
            )
    print(f"before {sizes[0] / 1e6:.1f} MB, after {sizes[-1] / 1e6:.1f} MB")
    print(f"right answers: {right:,} of {_REQUESTS:,}; statuses {dict(statuses)}")
    assert right == _REQUESTS
    assert sizes[-1] < sizes[1] * (1 + _LEAK)
    assert served.chat(GOOD).status == 200
