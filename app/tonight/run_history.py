"""The runs of earlier nights, in a quiet list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QVBoxLayout, QWidget

from app.jobs.snapshot import JobSnapshot
from app.style import Size, Space, sized
from app.text import amounts
from app.tonight import run_story
from app.widgets.labels import label, tip
from app.widgets.row_table import RowTable

Index = QModelIndex | QPersistentModelIndex

_NAME, _STATE, _WHEN = range(3)
_MOST_ROWS_SHOWN = 4


class RunHistory(QWidget):
    """Every run, the newest first; choosing one shows it."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._model = _RunTable()
        self._shown: str | None = None
        self.view = RowTable(self._model, "Earlier runs")
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.horizontalHeader().hide()
        sized(self, RunHistory._fit)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        # Not the current row: that changes when the list only gets the focus.
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._choose())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF)
        layout.addWidget(label("Runs", "section"))
        layout.addWidget(self.view)

    def show_runs(self, runs: Sequence[JobSnapshot], shown: str | None) -> None:
        """List these; `shown` is the one on the page."""
        self._shown = shown
        self._model.show_runs(runs)
        self._fit()
        row = self._model.row_of(shown)
        selection = self.view.selectionModel()
        if row is None:
            selection.clear()
        elif self.view.currentIndex().row() != row or not selection.hasSelection():
            flags = QItemSelectionModel.SelectionFlag
            selection.setCurrentIndex(self._model.index(row, 0), flags.ClearAndSelect | flags.Rows)

    def _fit(self) -> None:
        rows = min(self._model.rowCount(), _MOST_ROWS_SHOWN)
        self.view.setFixedHeight(rows * Size.ROW + Space.HALF)

    def _choose(self) -> None:
        for row in self.view.selectionModel().selectedRows():
            run_id = self._model.run(row.row()).id
            if run_id != self._shown:
                self.chosen.emit(run_id)


class _RunTable(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self._runs: Sequence[JobSnapshot] = ()

    def show_runs(self, runs: Sequence[JobSnapshot]) -> None:
        if [run.id for run in runs] == [run.id for run in self._runs]:
            self._runs = runs
            if runs:
                self.dataChanged.emit(self.index(0, _NAME), self.index(len(runs) - 1, _WHEN))
        else:
            self.beginResetModel()
            self._runs = runs
            self.endResetModel()

    def run(self, row: int) -> JobSnapshot:
        return self._runs[row]

    def row_of(self, run_id: str | None) -> int | None:
        return next((row for row, run in enumerate(self._runs) if run.id == run_id), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 3

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        run, column = self._runs[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            if column == _NAME:
                return run.name
            return run_story.state_of(run) if column == _STATE else amounts.day(run.began_at)
        if role == Qt.ItemDataRole.ToolTipRole and column == _NAME:
            return tip(run.name)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column == _WHEN else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and column != _NAME:
            return QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText)
        return None
