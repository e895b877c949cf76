from __future__ import annotations

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.night.deadline import (
    check_time_is_left,
    latest_end,
    length_of,
    training_deadline,
)
from mlx_backend.night.shares import RESERVE
from mlx_backend.protocol import TrainSpec

BEGAN = 1_800_000_000.0


def spec(hours: float | None = None, finish_by: float | None = None) -> TrainSpec:
    return TrainSpec(name="notes", model="starter", hours=hours, finish_by=finish_by)


@pytest.mark.parametrize(
    ("bounds", "end"),
    [
        (spec(), None),
        (spec(hours=2), BEGAN + 7200),
        (spec(finish_by=BEGAN + 600), BEGAN + 600),
        (spec(hours=2, finish_by=BEGAN + 600), BEGAN + 600),
        (spec(hours=0.1, finish_by=BEGAN + 600), BEGAN + 360),
        (spec(finish_by=BEGAN - 5), BEGAN - 5),
    ],
)
def test_whatever_comes_first_bounds_the_run(bounds: TrainSpec, end: float | None) -> None:
    assert latest_end(bounds, BEGAN) == end


def test_training_leaves_time_to_finish() -> None:
    assert training_deadline(spec(hours=2), BEGAN) == BEGAN + 7200 * (1 - RESERVE)
    assert training_deadline(spec(finish_by=BEGAN + 600), BEGAN) == BEGAN + 600 * (1 - RESERVE)
    assert training_deadline(spec(), BEGAN) is None


def test_training_never_ends_before_a_time_that_is_over() -> None:
    assert training_deadline(spec(finish_by=BEGAN - 5), BEGAN) == BEGAN - 5


def test_hours_count_over_all_attempts_and_the_clock_over_everything() -> None:
    resumed = training_deadline(spec(hours=2), BEGAN, spent=3600)
    assert resumed == BEGAN + 3600 - 7200 * RESERVE
    assert latest_end(spec(finish_by=BEGAN + 600), BEGAN, spent=500) == BEGAN + 600


def test_a_run_whose_time_is_over_says_so() -> None:
    check_time_is_left(spec(hours=1), BEGAN)
    check_time_is_left(spec(finish_by=BEGAN + 1), BEGAN)
    with pytest.raises(OvernightError) as caught:
        check_time_is_left(spec(finish_by=BEGAN), BEGAN)
    assert caught.value.kind is ErrorKind.RUN_STATE
    assert "'notes'" in caught.value.message
    assert caught.value.hint


def test_how_long_a_run_is_in_all() -> None:
    assert length_of(spec(hours=2), BEGAN) == 7200
    assert length_of(spec(hours=2), BEGAN, spent=3600) == 7200
    assert length_of(spec(finish_by=BEGAN + 600), BEGAN) == 600
    assert length_of(spec(finish_by=BEGAN - 600), BEGAN) == 0
    assert length_of(spec(), BEGAN) is None
