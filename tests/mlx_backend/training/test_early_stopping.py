from __future__ import annotations

import msgspec
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.training.early_stopping import PATIENCE, Best, Course, after_evaluation


def evaluated(*losses: float) -> Best:
    best: Best | None = None
    for step, loss in enumerate(losses):
        best = after_evaluation(best, step, loss)
    assert best is not None
    return best


def test_the_lowest_loss_is_the_best() -> None:
    best = evaluated(4.0, 3.0, 3.5)
    assert (best.step, best.loss, best.evaluations_since) == (1, 3.0, 1)
    assert not best.is_new
    assert evaluated(4.0, 3.0).is_new


def test_a_gain_within_chance_is_none() -> None:
    best = evaluated(3.0, 2.9999, 2.9998)
    assert (best.step, best.evaluations_since) == (0, 2)


def test_many_small_gains_are_one() -> None:
    assert evaluated(3.0, 2.998, 2.996, 2.994, 2.98).is_new


def test_it_is_over_after_so_many_looks_without_a_gain() -> None:
    assert not evaluated(3.0, *[3.1] * (PATIENCE - 1)).is_over
    assert evaluated(3.0, *[3.1] * PATIENCE).is_over
    assert not evaluated(3.0, *[3.1] * (PATIENCE - 1), 2.0).is_over


def test_three_skips_in_a_row_are_astray() -> None:
    course = Course().after(learned=False).after(learned=False)
    assert not course.is_astray
    assert course.after(learned=False).is_astray
    once_more = course.after(learned=True).after(learned=False)
    assert not once_more.is_astray
    assert once_more.skipped == 3


def test_going_back_halves_the_rate_and_has_an_end() -> None:
    course = Course()
    for rate in (0.5, 0.25, 0.125):
        course = course.rolled_back()
        assert (course.rate, course.in_a_row) == (rate, 0)
    with pytest.raises(OvernightError) as caught:
        course.rolled_back()
    assert caught.value.kind is ErrorKind.NO_LEARNING


def test_checkpoints_of_earlier_versions_count_evaluations_under_another_name() -> None:
    read = msgspec.json.decode(b'{"loss": 1.5, "step": 4, "looks_since": 3}', type=Best)
    assert read.evaluations_since == 3
    assert msgspec.json.decode(msgspec.json.encode(read), type=Best) == read
