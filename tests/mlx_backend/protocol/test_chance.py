from __future__ import annotations

import math

import pytest

from mlx_backend.protocol.chance import chance_of, may_be_chance


@pytest.mark.parametrize(
    ("gained", "lost", "chance"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 0.0625),
        (6, 0, 0.03125),
        (8, 1, 20 / 512),
        (10, 2, 158 / 4096),
        (4, 4, 1.0),
    ],
)
def test_the_exact_test_of_mcnemar(gained: int, lost: int, chance: float) -> None:
    assert math.isclose(chance_of(gained, lost), chance)
    assert chance_of(lost, gained) == chance_of(gained, lost)


def test_large_numbers() -> None:
    assert 0 < chance_of(3000, 2800) < 0.05
    assert not may_be_chance(900, 100)
    assert may_be_chance(505, 495)
