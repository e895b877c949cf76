"""Draws a run's curves and marks with pyqtgraph, which is handed in: it is slow to import."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainterPath
from PySide6.QtWidgets import QSizePolicy

from app.jobs.curve import Curve
from app.jobs.run_marks import Mark, MarkKind
from app.jobs.snapshot import Night
from app.style import Colours, Size, Type
from app.text import amounts
from app.tonight.chart_readout import length_of

_LEAST_STEPS = 10  # in view at the closest zoom
_REACH = 8  # pixels to either side of the pointer in which a mark counts as pointed at
_KEY_ZOOM = 0.7
_KEY_PAN = 0.2


@dataclass(frozen=True)
class Sign:
    """How a kind of mark looks: a symbol of pyqtgraph, its lane (0 is the lower), its name."""

    symbol: str
    lane: int
    name: str


SIGNS: dict[MarkKind, Sign] = {
    "stage": Sign("o", 0, "Next stage"),
    "checkpoint": Sign("|", 0, "Saved"),
    "wait": Sign("s", 1, "Waited"),
    "interruption": Sign("x", 1, "Interrupted"),
    "skipped": Sign("t", 1, "Skipped"),
    "rolled back": Sign("t3", 1, "Went back"),
}
BEST = "star"


def sign_colours(colours: Colours) -> dict[MarkKind, QColor]:
    """The colour of each kind of mark; they differ in shape as well."""
    return {
        "stage": colours.quiet,
        "checkpoint": colours.faint,
        "wait": colours.quiet,
        "interruption": colours.warning,
        "skipped": colours.warning,
        "rolled back": colours.warning,
    }


class LossPlot(QObject):
    """The drawing: curves above, marks in two lanes below, one axis under both."""

    pointed = Signal(float, float, QPointF)
    """The pointer is over a step: that step, how many steps are near it, and its place."""

    zoomed = Signal(bool)
    """Whether less than the whole run is shown now."""

    def __init__(self, pyqtgraph: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._pyqtgraph = pyqtgraph
        self._is_zoomed = False
        self._last = 1.0
        self._night = Night()
        self._marks: tuple[Mark, ...] | None = None
        self._colours: Colours | None = None
        self.widget = pyqtgraph.GraphicsLayoutWidget()
        self.widget.setFrameShape(self.widget.Shape.NoFrame)
        self.widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.widget.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.widget.ci.layout.setVerticalSpacing(0)
        self._above = self._make_curves()
        self._below = self._make_lanes()
        self._view = self._above.getViewBox()
        self._view.sigRangeChangedManually.connect(lambda *_: self._set_zoomed(True))
        self.widget.scene().sigMouseMoved.connect(self._point)

    def symbol(self, name: str) -> QPainterPath:
        """A symbol as a path, for a legend."""
        symbols: dict[str, QPainterPath] = (
            self._pyqtgraph.graphicsItems.ScatterPlotItem.Symbols  # one unit wide
        )
        return symbols[name]

    def draw(self, night: Night, steps: int) -> None:
        """Draw a run; `steps` is how far the axis reaches at least, 0 where that is not known."""
        old, self._night = self._night, night
        if night.training != old.training:
            training = _arrays(night.training)
            self._raw.setData(*training[:2])
            self._mean.setData(training[0], training[2])
        if night.held_out != old.held_out:
            self._held_out.setData(*_arrays(night.held_out)[:2])
        if night.best != old.best:
            best = night.best
            self._best.setData([best.step] if best else [], [best.loss] if best else [])
        if night.marks is not self._marks:
            self._marks = night.marks
            self._draw_marks()
        self._reach_to(length_of(night, steps))

    def recolour(self, colours: Colours) -> None:
        """Draw in these colours."""
        self._colours = colours
        # A view that is clear may keep the old colour of its viewport when light and dark change.
        self.widget.setBackground(colours.base)
        pen = self._pyqtgraph.mkPen
        faint = QColor(colours.accent_text)
        faint.setAlphaF(0.28)
        self._raw.setPen(pen(faint, width=1))
        self._mean.setPen(pen(colours.accent_text, width=Size.CURVE))
        self._held_out.setPen(pen(colours.second_curve, width=Size.CURVE))
        self._held_out.setSymbolBrush(colours.second_curve)
        self._held_out.setSymbolPen(None)
        self._best.setPen(pen(colours.base, width=1))
        self._best.setBrush(colours.second_curve)
        self._cursor.setPen(pen(colours.faint, width=1))
        for axis in (self._above.getAxis("left"), self._below.getAxis("bottom")):
            axis.setPen(colours.hairline)
            axis.setTextPen(colours.quiet)
        self._resize()
        self._draw_marks()

    def _resize(self) -> None:
        """Give the type and the axes the size that the zoom asks for."""
        small = {"font-size": f"{Type.SMALL}px"}
        if self._colours is not None:
            small["color"] = self._colours.quiet.name()
        for plot, side, name in (
            (self._above, "left", "Error (lower is better)"),
            (self._below, "bottom", "Percent of the learning"),
        ):
            plot.setLabel(side, name, **small)
            _set_axis(plot.getAxis(side))
            plot.getAxis("left").setWidth(Size.AXIS)
        self._below.setMaximumHeight(Size.LANES)
        self._below.setMinimumHeight(Size.LANES)

    def show_cursor(self, step: float | None) -> None:
        """Show which step is meant, or none."""
        self._cursor.setVisible(step is not None)
        if step is not None:
            self._cursor.setPos(step)

    def show_all(self) -> None:
        """Show the whole run, and keep showing it as it grows."""
        self._view.setXRange(0, self._last, padding=0.01)
        self._set_zoomed(False)

    def zoom(self, closer: bool) -> None:
        """Look closer at the middle, or from farther away."""
        self._view.scaleBy(x=_KEY_ZOOM if closer else 1 / _KEY_ZOOM)
        self._set_zoomed(True)

    def pan(self, right: bool) -> None:
        """Look further to one side."""
        left, end = self._view.viewRange()[0]
        self._view.translateBy(x=(end - left) * (_KEY_PAN if right else -_KEY_PAN))
        self._set_zoomed(True)

    def shown_steps(self) -> tuple[float, float]:
        """The first and last step that are in view."""
        left, right = self._view.viewRange()[0]
        return left, right

    # --- making the drawing ---

    def _make_curves(self) -> Any:
        plot = self.widget.addPlot(row=0, col=0)
        _quieten(plot)
        plot.showGrid(x=False, y=True, alpha=0.12)
        plot.hideAxis("bottom")
        view = plot.getViewBox()
        view.setMouseEnabled(x=True, y=False)
        view.enableAutoRange(axis=view.YAxis)
        view.disableAutoRange(axis=view.XAxis)
        view.setAutoVisible(y=True)
        self._raw = plot.plot()
        self._mean = plot.plot(antialias=True)
        self._held_out = plot.plot(antialias=True, symbol="o", symbolSize=Size.POINT)
        _thin(self._raw, "peak", 1.0)
        _thin(self._mean, "mean", 0.5)
        _thin(self._held_out, "subsample", 0.1)
        self._best = self._pyqtgraph.ScatterPlotItem(symbol=BEST, size=Size.BEST)
        self._best.setZValue(2)
        plot.addItem(self._best)
        self._cursor = self._pyqtgraph.InfiniteLine(angle=90)
        self._cursor.hide()
        plot.addItem(self._cursor, ignoreBounds=True)
        return plot

    def _make_lanes(self) -> Any:
        plot = self.widget.addPlot(row=1, col=0)
        _quieten(plot)
        # An axis without anything on it, so that both parts begin at the same place.
        plot.getAxis("left").setTicks([])
        plot.getAxis("left").setPen(self._pyqtgraph.mkPen(None))
        view = plot.getViewBox()
        view.setMouseEnabled(x=True, y=False)
        view.setYRange(-0.6, 1.6, padding=0)
        view.setXLink(self._above.getViewBox())
        view.sigRangeChangedManually.connect(lambda *_: self._set_zoomed(True))
        self._scatter = self._pyqtgraph.ScatterPlotItem(size=Size.SIGN, pen=None)
        plot.addItem(self._scatter)
        return plot

    # --- keeping it up ---

    def _draw_marks(self) -> None:
        if self._colours is None or self._marks is None:
            return
        brushes = {
            kind: self._pyqtgraph.mkBrush(colour)
            for kind, colour in sign_colours(self._colours).items()
        }
        self._scatter.setData(
            [
                {
                    "pos": (mark.step, SIGNS[mark.kind].lane),
                    "symbol": SIGNS[mark.kind].symbol,
                    "brush": brushes[mark.kind],
                }
                for mark in self._marks
            ]
        )

    def _reach_to(self, last: float) -> None:
        if last == self._last:
            return
        self._last = last
        self._below.getAxis("bottom").setScale(100 / last)
        margin = last * 0.01
        self._view.setLimits(
            xMin=-margin,
            xMax=last + margin,
            minXRange=min(_LEAST_STEPS, last),
            maxXRange=last + 2 * margin,
        )
        if not self._is_zoomed:
            self.show_all()

    def _set_zoomed(self, zoomed: bool) -> None:
        left, right = self.shown_steps()
        zoomed = zoomed and right - left < self._last
        if zoomed != self._is_zoomed:
            self._is_zoomed = zoomed
            self.zoomed.emit(zoomed)

    def _point(self, place: QPointF) -> None:
        left, right = self.shown_steps()
        step = self._view.mapSceneToView(place).x()
        if not left <= step <= right:
            self.show_cursor(None)
            return
        reach = _REACH * (right - left) / max(1.0, self._view.width())
        self.pointed.emit(step, reach, place)


def _thin(line: Any, method: str, points_per_pixel: float) -> None:
    """Draw only what is in view of a line, and no more of it than can be seen.

    To be called after the line was added to the plot, because adding it resets this.
    """
    line.opts["autoDownsampleFactor"] = points_per_pixel
    line.setDownsampling(auto=True, method=method)
    line.setClipToView(True)


def _arrays(curve: Curve) -> list[Any]:
    """The columns as arrays; they share the curve's memory, which does not change any more."""
    import numpy as np

    return [np.frombuffer(column) if column else np.zeros(0) for column in curve.columns]


def _quieten(plot: Any) -> None:
    plot.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as charts run everywhere
    plot.setMenuEnabled(False)
    plot.hideButtons()


def _set_axis(axis: Any) -> None:
    font = QFont()
    font.setPixelSize(Type.SMALL)
    axis.setStyle(tickFont=font, tickLength=0)
    axis.enableAutoSIPrefix(False)
    axis.tickStrings = _ticks


def _ticks(values: Sequence[float], scale: float, spacing: float) -> list[str]:
    """The numbers along an axis, as the person's region writes them."""
    digits = max(0, math.ceil(-math.log10(spacing * scale)))
    return [amounts.number(value * scale, digits) for value in values]
