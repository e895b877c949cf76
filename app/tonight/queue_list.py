"""The runs that come next, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.jobs.snapshot import JobSnapshot
from app.style import Size, Space
from app.text.directions import isolated
from app.tonight import run_story
from app.widgets.labels import button, label, on_button, tip


class QueueList(QWidget):
    """A line for each run that waits for its turn: its name, what it waits for, Remove."""

    chosen = Signal(str)
    """Show the run of this id."""

    remove_wanted = Signal(str)
    """Take the run of this id out of the queue."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[QueueRow] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(Space.HALF)
        self._layout.addWidget(label("Next", "section"))

    def show_runs(self, runs: Sequence[JobSnapshot]) -> None:
        """List these, the next one first; without any, the list is hidden."""
        self.setVisible(bool(runs))
        while len(self.rows) > len(runs):
            self.rows.pop().deleteLater()
        while len(self.rows) < len(runs):
            row = QueueRow()
            row.chosen.connect(self.chosen)
            row.remove_wanted.connect(self.remove_wanted)
            self._layout.addWidget(row)
            self.rows.append(row)
        for turn, (row, run) in enumerate(zip(self.rows, runs, strict=True), 1):
            row.show_run(turn, run)


class QueueRow(QWidget):
    """One run in the queue."""

    chosen = Signal(str)
    remove_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._run_id = ""
        self._turn = label(kind="quiet")
        self.name = button("", "link")
        self.why = label(kind="quiet")
        self.remove = button("Remove", "link")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self._turn)
        layout.addWidget(self.name)
        layout.addWidget(self.why, 1)
        layout.addWidget(self.remove)
        self.name.clicked.connect(lambda: self.chosen.emit(self._run_id))
        self.remove.clicked.connect(lambda: self.remove_wanted.emit(self._run_id))

    def show_run(self, turn: int, run: JobSnapshot) -> None:
        """Show a run with its place in the queue."""
        name = run.name
        self._run_id = run.id
        self._turn.setText(f"{turn}.")
        middle = Qt.TextElideMode.ElideMiddle
        shown = self.name.fontMetrics().elidedText(name, middle, Size.FIELD)
        self.name.setText(on_button(isolated(shown)))
        self.name.setToolTip(tip(name if shown != name else ""))
        self.name.setAccessibleName(f"Show {name}")
        self.why.setText(run_story.doing(run))
        self.remove.setEnabled(not run.stopping)
        self.remove.setText("Removing…" if run.stopping else "Remove")
        self.remove.setAccessibleName(f"Remove {name}")
