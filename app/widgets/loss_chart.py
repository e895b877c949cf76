"""The loss over the steps of a run, drawn as it falls."""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.job_snapshot import Curve
from app.style import Size, Space, Style, Type
from app.widgets.text import label

# More points than this cannot be told apart; each is then the mean of a stretch of steps.
_MOST_POINTS = 240


class LossChart(QWidget):
    """Two curves: the loss on what is being studied, and on passages that are held out.

    The drawing library is loaded in a thread of its own when the first chart is made; until then
    the place is empty.
    """

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._style = style
        self._curves = (Curve(), Curve())
        self._steps = 0
        self._plot: Any = None
        self._lines: tuple[Any, ...] = ()
        self._keys = (_Key("Training"), _Key("Held-out questions, never trained on"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(Size.CHART_LEAST)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(Space.ONE)
        legend = QHBoxLayout()
        legend.setSpacing(Space.THREE)
        for key in self._keys:
            legend.addWidget(key)
        legend.addStretch()
        self._layout.addLayout(legend)
        self._layout.addStretch(1)
        self._library = _PlotLibrary(self)
        self._library.loaded.connect(self._make_plot)
        self._library.load()
        style.changed.connect(self._recolour)
        self._recolour()

    @property
    def is_drawn(self) -> bool:
        """Whether the drawing library is there and both curves are on it."""
        return self._plot is not None

    def points(self) -> tuple[int, int]:
        """How many points the two curves have at present."""
        training, held_out = self._curves
        return len(training), len(held_out)

    def show_curves(self, training: Curve, held_out: Curve, steps: int) -> None:
        """Draw these; `steps` is how far the axis reaches at least, 0 where that is not known."""
        self._curves = (training, held_out)
        self._steps = steps
        self.setAccessibleName(_in_words(training, held_out))
        if self._plot is not None:
            self._draw()

    def _make_plot(self, pyqtgraph: Any) -> None:
        self._plot = plot = pyqtgraph.PlotWidget(background=None)
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        small = {"font-size": f"{Type.SMALL}px"}
        plot.setLabel("bottom", "Step", **small)
        plot.setLabel("left", "Loss (lower is better)", **small)
        plot.showGrid(x=False, y=True, alpha=0.12)
        font = QFont(self.font())
        font.setPixelSize(Type.SMALL)
        for side in ("left", "bottom"):
            axis = plot.getAxis(side)
            axis.setStyle(tickFont=font, tickLength=0)
            axis.enableAutoSIPrefix(False)
        self._lines = (plot.plot(antialias=True), plot.plot(antialias=True, symbolSize=Size.POINT))
        self._layout.takeAt(self._layout.count() - 1)
        self._layout.addWidget(plot, 1)
        self._recolour()
        self._draw()

    def _draw(self) -> None:
        training, held_out = self._curves
        for line, curve in zip(self._lines, (training, held_out), strict=True):
            line.setData(*thinned(curve))
        last = max([self._steps, *training.steps[-1:], *held_out.steps[-1:], 1])
        self._plot.setXRange(0, last, padding=0.01)

    def _recolour(self) -> None:
        colours = self._style.colours
        shades = (colours.accent_text, colours.second_curve)
        for key, shade in zip(self._keys, shades, strict=True):
            key.set_colour(shade)
        if self._plot is None:
            return
        for line, shade in zip(self._lines, shades, strict=True):
            line.setPen(color=shade, width=Size.CURVE)
        self._lines[1].setSymbol("o")
        self._lines[1].setSymbolBrush(shades[1])
        self._lines[1].setSymbolPen(None)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(colours.hairline)
            axis.setTextPen(colours.quiet)


def thinned(curve: Curve) -> tuple[Any, Any]:
    """A curve's steps and losses as arrays of at most `_MOST_POINTS`."""
    import numpy as np

    steps = np.frombuffer(curve.steps) if len(curve) else np.zeros(0)
    losses = np.frombuffer(curve.losses) if len(curve) else np.zeros(0)
    good = np.isfinite(losses)
    if not good.all():
        steps, losses = steps[good], losses[good]
    stretch = -(-len(steps) // _MOST_POINTS)
    if stretch <= 1:
        return steps, losses
    starts = np.arange(0, len(steps), stretch)
    counts = np.diff(np.append(starts, len(steps)))
    return np.add.reduceat(steps, starts) / counts, np.add.reduceat(losses, starts) / counts


def _in_words(training: Curve, held_out: Curve) -> str:
    if not len(training):
        return "Loss curves: no steps yet"
    words = f"Loss curves: training loss {training.losses[-1]:.2f} at step {training.steps[-1]:.0f}"
    if len(held_out):
        words += f", held-out loss {held_out.losses[-1]:.2f}"
    return words


class _Key(QWidget):
    """One entry of the legend: a short line in the curve's colour, and its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._sample = _LineSample()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self._sample)
        layout.addWidget(label(name, "small"))

    def set_colour(self, colour: QColor) -> None:
        self._sample.colour = colour
        self._sample.update()


class _LineSample(QLabel):
    def __init__(self) -> None:
        super().__init__()
        self.colour = QColor()
        self.setFixedSize(Size.ICON, Size.ICON)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle = (self.height() - Size.CURVE) // 2
        painter.fillRect(0, middle, self.width(), Size.CURVE, self.colour)
        painter.end()


class _PlotLibrary(QObject):
    """Imports pyqtgraph beside the window's thread: it takes longer than a window may stall."""

    loaded = Signal(object)

    def load(self) -> None:
        threading.Thread(target=self._import, name="plot library", daemon=True).start()

    def _import(self) -> None:
        library = importlib.import_module("pyqtgraph")
        with contextlib.suppress(RuntimeError):  # The chart may be gone by now.
            self.loaded.emit(library)
