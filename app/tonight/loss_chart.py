"""The night as a picture: the loss over the steps of a run, and what happened on the way."""

from __future__ import annotations

import contextlib
import importlib
import threading
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.jobs.run_marks import MarkKind
from app.jobs.snapshot import Night
from app.style import Size, Space, Style, sized
from app.tonight.chart_legend import Key
from app.tonight.chart_readout import in_words, read_at
from app.tonight.loss_plot import BEST, SIGNS, LossPlot, sign_colours
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, label

# Marks without an entry in the legend: pointing at them explains them.
_SELF_EXPLAINING: tuple[MarkKind, ...] = ("stage",)


class LossChart(QFrame):
    """Two curves: the loss on what is being studied, and on passages that are held out.

    The wheel and the keys + and - zoom, dragging and the arrow keys pan, 0 and a double click
    show all. The drawing library is loaded in a thread of its own when the first chart is made;
    until then the place is empty.
    """

    def __init__(self, style: Style) -> None:
        super().__init__()
        self._style = style
        self._night = Night()
        self._steps = 0
        self._plot: LossPlot | None = None
        self._training = Key("Error on what it learns")
        self._held_out = Key("Error on questions set aside")
        self._held_out.setToolTip("Questions that are never taught, to see what is understood.")
        self._best = Key("Best so far")
        self._signs: dict[MarkKind, Key] = {kind: Key(sign.name) for kind, sign in SIGNS.items()}
        self.all = button("Show the whole run", "link")
        self.readout = label(kind="readout")
        self._lay_out()
        self.setAccessibleName(in_words(self._night, self._steps))
        self._library = _PlotLibrary(self)
        self._library.loaded.connect(self._make_plot)
        self._library.load()
        self._show_keys()
        style.changed.connect(self._recolour)
        self._recolour()

    @property
    def is_drawn(self) -> bool:
        """Whether the drawing library is there and the run is on it."""
        return self._plot is not None

    @property
    def plot(self) -> LossPlot:
        """The drawing, once `is_drawn`."""
        assert self._plot is not None
        return self._plot

    def points(self) -> tuple[int, int]:
        """How many points the two curves have at present."""
        return len(self._night.training), len(self._night.held_out)

    def legend(self) -> list[str]:
        """What the legend explains at present."""
        keys = [self._training, self._held_out, self._best, *self._signs.values()]
        return [key.name for key in keys if not key.isHidden()]

    def show_night(self, night: Night, steps: int) -> None:
        """Draw a run; `steps` is how far the axis reaches at least, 0 where that is not known."""
        if (night, steps) == (self._night, self._steps):
            return
        self._night, self._steps = night, steps
        self.setAccessibleName(in_words(night, steps))
        self._show_keys()
        if self._plot is not None:
            self._plot.draw(night, steps)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plot, key = self._plot, event.key()
        if plot is None:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            plot.zoom(closer=key != Qt.Key.Key_Minus)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            plot.pan(right=key == Qt.Key.Key_Right)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            plot.show_all()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave and self._plot is not None:
            self.readout.hide()
            self._plot.show_cursor(None)
        elif event.type() == QEvent.Type.MouseButtonDblClick and self._plot is not None:
            self._plot.show_all()
        return super().eventFilter(watched, event)

    def _make_plot(self, pyqtgraph: Any) -> None:
        self._plot = plot = LossPlot(pyqtgraph, self)
        plot.pointed.connect(self._show_readout)
        plot.zoomed.connect(self.all.setVisible)
        self.all.clicked.connect(plot.show_all)
        plot.widget.viewport().installEventFilter(self)
        for kind, key in self._signs.items():
            key.set_sign(plot.symbol(SIGNS[kind].symbol))
        self._best.set_sign(plot.symbol(BEST))
        self._layout.takeAt(self._layout.count() - 1)
        self._layout.addWidget(plot.widget, 1)
        self.readout.raise_()
        plot.recolour(self._style.colours)
        plot.draw(self._night, self._steps)

    def _show_readout(self, step: float, reach: float, place: QPointF) -> None:
        assert self._plot is not None
        reading = read_at(self._night, step, reach, self._steps)
        self.readout.setVisible(reading is not None)
        self._plot.show_cursor(reading.step if reading else None)
        if reading is None:
            return
        self.readout.setText(reading.text)
        self.readout.adjustSize()
        pointer = self._plot.widget.mapTo(self, place.toPoint())
        left = pointer.x() + Space.TWO
        if left + self.readout.width() > self.width():
            left = max(0, pointer.x() - Space.TWO - self.readout.width())
        top = max(0, min(pointer.y() - Space.TWO, self.height() - self.readout.height()))
        self.readout.move(left, top)

    def _show_keys(self) -> None:
        kinds = {mark.kind for mark in self._night.marks}
        for kind, key in self._signs.items():
            key.setVisible(kind in kinds and kind not in _SELF_EXPLAINING)
        self._best.setVisible(self._night.best is not None)

    def _recolour(self) -> None:
        colours = self._style.colours
        self._training.set_colour(colours.accent_text)
        for key in (self._held_out, self._best):
            key.set_colour(colours.second_curve)
        for kind, colour in sign_colours(colours).items():
            self._signs[kind].set_colour(colour)
        if self._plot is not None:
            self._plot.recolour(colours)

    def _lay_out(self) -> None:
        self.setProperty("kind", "chart")
        self.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as charts run everywhere
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        sized(self, lambda it: it.setMinimumHeight(Size.CHART_LEAST))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.all.hide()
        self.readout.setParent(self)
        self.readout.setWordWrap(True)
        sized(self.readout, lambda it: it.setMaximumWidth(Size.READOUT))
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        keys = QWidget()
        flow = FlowLayout(keys, Space.TWO, Space.HALF)
        for key in (self._training, self._held_out, self._best, *self._signs.values()):
            flow.addWidget(key)
        top = QHBoxLayout()
        top.setSpacing(Space.ONE)
        top.addWidget(keys, 1)
        top.addWidget(self.all, alignment=Qt.AlignmentFlag.AlignTop)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(Space.ONE)
        self._layout.addLayout(top)
        self._layout.addStretch(1)


class _PlotLibrary(QObject):
    """Imports pyqtgraph beside the window's thread: it takes longer than a window may stall."""

    loaded = Signal(object)

    def load(self) -> None:
        threading.Thread(target=self._import, name="plot library", daemon=True).start()

    def _import(self) -> None:
        library = importlib.import_module("pyqtgraph")
        with contextlib.suppress(RuntimeError):  # The chart may be gone by now.
            self.loaded.emit(library)
