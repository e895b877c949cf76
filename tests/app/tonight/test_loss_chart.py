from __future__ import annotations

from array import array

import pytest
from PySide6.QtCore import QEvent, QLocale, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.jobs.curve import Curve, GrowingCurve
from app.jobs.run_marks import Mark
from app.jobs.snapshot import Night
from app.style import READABLE, Style, contrast
from app.tonight.chart_readout import in_words, nearest, read_at
from app.tonight.loss_chart import LossChart
from mlx_backend.protocol import Evaluated
from mlx_backend.settings import Appearance


def curve(losses: list[float], every: int = 1) -> Curve:
    values = array("d", losses)
    steps = array("d", (every * (index + 1) for index in range(len(losses))))
    return Curve(steps, values, values, array("d", [1_800_000_000.0] * len(losses)))


@pytest.fixture
def chart(qapp: QApplication, qtbot: QtBot) -> LossChart:
    chart = LossChart(Style(qapp))
    qtbot.addWidget(chart)
    chart.resize(600, 300)
    chart.show()
    qtbot.waitUntil(lambda: chart.is_drawn)
    return chart


def test_curves_grow_and_are_told_in_words(chart: LossChart) -> None:
    chart.show_night(Night(training=curve([4.0])), 100)
    best = Evaluated(step=1, loss=3.5, best=True)
    night = Night(training=curve([4.0, 3.0, 2.5]), held_out=curve([3.5]), best=best)
    chart.show_night(night, 100)
    assert chart.points() == (3, 1)
    assert chart.accessibleName() == (
        "Curves of the error after 3 percent of the learning: 2.50 on what it learns,"
        " 3.50 on questions set aside, lowest 3.50 after 1 percent"
    )


def test_no_steps_yet_is_drawn_too(chart: LossChart) -> None:
    chart.show_night(Night(), 0)
    assert in_words(Night(), 0) == "Curves of the error: nothing learned yet"


def test_all_is_in_view_until_someone_zooms(chart: LossChart) -> None:
    chart.show_night(Night(training=curve([4.0] * 50)), 100)
    left, right = chart.plot.shown_steps()
    assert left <= 1
    assert right >= 100
    assert not chart.all.isVisible()
    for _ in range(3):
        QTest.keyClick(chart, Qt.Key.Key_Plus)
    closer = chart.plot.shown_steps()
    assert left < closer[0] < closer[1] < right
    assert chart.all.isVisible()

    chart.show_night(Night(training=curve([4.0] * 60)), 100)
    assert chart.plot.shown_steps() == closer, "news must not move what someone looks at"
    QTest.keyClick(chart, Qt.Key.Key_Right)
    assert chart.plot.shown_steps()[0] > closer[0]

    chart.all.click()
    assert chart.plot.shown_steps()[1] >= 100
    assert not chart.all.isVisible()


def test_only_what_occurs_is_in_the_legend(chart: LossChart) -> None:
    assert len(chart.legend()) == 2
    mark = Mark("interruption", 7, 0.0, "The training process crashed at step 7.")
    chart.show_night(Night(training=curve([4.0] * 9), marks=(mark,)), 100)
    assert chart.legend()[2:] == ["Interrupted"]


def test_pointing_at_the_curves_says_what_is_there(chart: LossChart, qtbot: QtBot) -> None:
    mark = Mark("interruption", 50, 0.0, "The training process crashed at step 50.")
    chart.show_night(Night(training=curve([4.0] * 100), marks=(mark,)), 100)
    chart.plot.pointed.emit(50.2, 2.0, QPointF(300, 100))
    assert chart.readout.isVisible()
    text = chart.readout.text()
    assert text.startswith("50 percent of the learning · ")
    assert "Error on what it learns: 4.00" in text
    assert "crashed at step 50" in text
    QApplication.sendEvent(chart.plot.widget.viewport(), QEvent(QEvent.Type.Leave))
    assert not chart.readout.isVisible()


def test_what_is_read_is_the_nearest_point() -> None:
    night = Night(
        training=curve([4.0, 3.0, 2.0]),
        held_out=curve([3.5], every=2),
        best=Evaluated(step=2, loss=3.5, best=True),
    )
    reading = read_at(night, 2.4, 0.5, 4)
    assert reading is not None
    assert reading.step == 2
    assert "Error on questions set aside: 3.50 after 50 percent, the best so far" in reading.text
    assert nearest(Curve(), 3.0) is None
    assert nearest(night.training, 1e9) == 2
    assert read_at(Night(), 1.0, 1.0, 0) is None


def test_many_marks_at_one_place_are_counted() -> None:
    marks = tuple(Mark("wait", 3, float(at), f"Wait {at}.") for at in range(9))
    reading = read_at(Night(marks=marks), 3.0, 1.0, 0)
    assert reading is not None
    assert len(reading.text.splitlines()) == 4
    assert reading.text.endswith("And 6 more here.")


@pytest.mark.parametrize(("region", "half"), [("en_US", "0.5"), ("de_DE", "0,5")])
def test_axes_have_numbers_of_the_region_in_words_of_everyone(
    chart: LossChart, region: str, half: str
) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(region))
    try:
        chart.show_night(Night(training=curve([2.0, 1.0, 0.1] * 400)), 2_400)
        below, left = chart.plot._below.getAxis("bottom"), chart.plot._above.getAxis("left")
        assert "Percent of the learning" in below.labelString()
        (_, shown), *_ = below.tickValues(0, 2_400, 500)
        assert below.tickStrings(shown, below.autoSIPrefixScale * below.scale, 480.0)[-1] == "100"
        assert left.tickStrings([0.5], 1.0, 0.5) == [half]
    finally:
        QLocale.setDefault(before)


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_what_stands_at_the_axes_can_be_read(
    qapp: QApplication, chart: LossChart, appearance: Appearance
) -> None:
    style = chart._style
    style.set_appearance(appearance)
    for axis in (chart.plot._below.getAxis("bottom"), chart.plot._above.getAxis("left")):
        assert contrast(QColor(axis.labelStyle["color"]), style.colours.base) >= READABLE


def grown(losses: list[float]) -> Curve:
    growing = GrowingCurve(exact=64, older=64)
    for step, loss in enumerate(losses, 1):
        growing.add(step, loss, float(step))
        assert len(growing.copy()) < 3 * 64
    return growing.copy()


def test_a_long_curve_keeps_its_shape_in_few_points() -> None:
    losses = [4.0 / (1 + step / 1000) for step in range(20_000)]
    losses[5_000], losses[12_345] = 9.0, 0.001
    curve = grown(losses)
    assert curve.steps[0] == 1
    assert curve.steps[-1] == 20_000
    assert {9.0, 0.001} <= set(curve.losses), "no peak is lost"
    assert list(curve.steps[-64:]) == list(range(20_000 - 63, 20_001)), "the newest are exact"
    assert list(curve.losses[-64:]) == losses[-64:]
    assert sorted(curve.steps) == list(curve.steps)
    gaps = [after - before for before, after in zip(curve.steps, curve.steps[1:], strict=False)]
    assert max(gaps) < 20_000 / 8, "no part of the run is left out"
    for step, loss, at in zip(curve.steps, curve.losses, curve.times, strict=True):
        assert losses[int(step) - 1] == loss
        assert at == step


def test_steps_that_are_done_again_replace_the_old_in_a_long_curve_too() -> None:
    growing = GrowingCurve(exact=64, older=64)
    for step in range(1, 2_001):
        growing.add(step, 1.0, 0.0)
    growing.add(700, 2.0, 0.0)
    curve = growing.copy()
    assert curve.steps[-1] == 700
    assert curve.losses[-1] == 2.0
    assert len(curve) < 3 * 64


def test_losses_that_are_no_numbers_are_left_out() -> None:
    curve = grown([4.0, float("nan"), float("inf"), 3.0])
    assert list(curve.steps) == [1.0, 4.0]
    assert list(curve.losses) == [4.0, 3.0]


def test_the_mean_follows_smoothly() -> None:
    curve = grown([4.0, 2.0] * 500)
    assert curve.means[0] == 4.0
    assert all(2.8 < mean < 3.2 for mean in curve.means[-20:])
