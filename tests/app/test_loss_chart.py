from __future__ import annotations

from array import array

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.job_snapshot import Curve
from app.style import Style
from app.widgets.loss_chart import LossChart, thinned


def curve(losses: list[float]) -> Curve:
    return Curve(array("d", range(1, len(losses) + 1)), array("d", losses))


@pytest.fixture
def chart(qapp: QApplication, qtbot: QtBot) -> LossChart:
    chart = LossChart(Style(qapp))
    qtbot.addWidget(chart)
    chart.resize(600, 300)
    chart.show()
    qtbot.waitUntil(lambda: chart.is_drawn)
    return chart


def test_curves_grow_and_are_told_in_words(chart: LossChart) -> None:
    chart.show_curves(curve([4.0]), Curve(), 100)
    chart.show_curves(curve([4.0, 3.0, 2.5]), curve([3.5]), 100)
    assert chart.points() == (3, 1)
    assert chart.accessibleName() == (
        "Loss curves: training loss 2.50 at step 3, held-out loss 3.50"
    )


def test_no_steps_yet_is_drawn_too(chart: LossChart) -> None:
    chart.show_curves(Curve(), Curve(), 0)
    assert chart.accessibleName() == "Loss curves: no steps yet"


def test_a_hundred_thousand_points_become_few_with_the_same_mean() -> None:
    losses = [4.0 / (1 + step / 1000) for step in range(100_000)]
    steps, thin = thinned(curve(losses))
    assert 100 < len(steps) <= 240
    assert len(thin) == len(steps)
    assert np.mean(thin[:-1]) == pytest.approx(np.mean(losses), rel=0.02)
    assert steps[0] < steps[-1] <= 100_000


def test_losses_that_are_no_numbers_are_left_out() -> None:
    steps, losses = thinned(curve([4.0, float("nan"), float("inf"), 3.0]))
    assert list(steps) == [1.0, 4.0]
    assert list(losses) == [4.0, 3.0]
