"""What tonight's run would do, and the button that starts it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from app import run_story, words
from app.planner import Plan
from app.style import Size, Space
from app.widgets.text import button, label, paragraph
from mlx_backend.errors import OvernightError
from mlx_backend.library.adapters import check_name
from mlx_backend.library.notes import Totals

_MEASURING = "Measuring how fast this computer learns. This can take a minute."


class PlanView(QWidget):
    """One sentence, a name for the adapter, one button."""

    start_wanted = Signal(str)
    """Train an adapter of this name."""

    retry_wanted = Signal()
    """Make the plan again."""

    def __init__(self) -> None:
        super().__init__()
        self._plan: Plan | None = None
        self._taken: frozenset[str] = frozenset()
        self._name_is_theirs = False
        self._starting = False
        self.sentence = paragraph(kind="large")
        self.detail = paragraph(kind="quiet")
        self.warning = paragraph(kind="warning")
        self.busy = QProgressBar()
        self.retry = button("Try Again")
        self.name = QLineEdit()
        self.name_problem = paragraph(kind="warning")
        self.start = button("Start", "primary")
        self._lay_out()
        self.name.textEdited.connect(self._take_name)
        self.name.textChanged.connect(lambda _: self._update())
        self.name.returnPressed.connect(self.start.click)
        self.start.clicked.connect(lambda: self.start_wanted.emit(self.name.text().strip()))
        self.retry.clicked.connect(self.retry_wanted)
        self._update()

    @property
    def plan(self) -> Plan | None:
        """The plan on show; None while it is being made."""
        return self._plan

    def show_measuring(self) -> None:
        """Say that the plan is being made."""
        self._show(_MEASURING)
        self.busy.show()

    def show_plan(self, plan: Plan, totals: Totals, hours: float) -> None:
        """Say what the run would do."""
        self._show(run_story.plan_sentence(plan, totals), plan)
        self.detail.setText(
            f"It ends by itself within {words.hours(hours)}. You can close this window meanwhile,"
            " and stop or continue the run at any time."
        )
        self.detail.show()
        warning = run_story.warning(plan)
        self.warning.setText(warning)
        self.warning.setVisible(bool(warning))

    def show_error(self, error: OvernightError) -> None:
        """Say why there is no plan."""
        self._show(error.message)
        self.detail.setText(error.hint)
        self.detail.setVisible(bool(error.hint))
        self.retry.show()

    def suggest_name(self, name: str, taken: frozenset[str]) -> None:
        """Fill the name in, unless the person has typed one; `taken` are those in use."""
        self._taken = taken
        if not self._name_is_theirs or not self.name.text().strip():
            self._name_is_theirs = False
            self.name.setText(name)
        self._update()

    def set_starting(self, starting: bool) -> None:
        """Show that the start was heard; a start also uses the typed name up."""
        self._starting = starting
        self._name_is_theirs = self._name_is_theirs and not starting
        self._update()

    def _show(self, sentence: str, plan: Plan | None = None) -> None:
        self._plan = plan
        self.sentence.setText(sentence)
        for widget in (self.detail, self.warning, self.busy, self.retry):
            widget.hide()
        self._update()

    def _take_name(self) -> None:
        self._name_is_theirs = True

    def _update(self) -> None:
        problem = self._problem_of(self.name.text().strip())
        self.name_problem.setText(problem)
        self.name_problem.setVisible(bool(problem))
        self.start.setText("Starting…" if self._starting else "Start")
        self.start.setEnabled(self._plan is not None and not problem and not self._starting)

    def _problem_of(self, name: str) -> str:
        if not name:
            return "The adapter needs a name."
        if name in self._taken:
            return "There is already an adapter of this name. Choose another."
        try:
            check_name(name)
        except OvernightError as error:
            return error.hint
        return ""

    def _lay_out(self) -> None:
        self.busy.setRange(0, 0)
        self.busy.setFixedWidth(Size.FIELD)
        self.busy.setAccessibleName("Measuring")
        self.name.setMaxLength(64)
        self.name.setFixedSize(Size.FIELD, Size.CONTROL)
        self.name.setAccessibleName("Name of the adapter")
        caption = label("Call the result", "quiet")
        caption.setBuddy(self.name)
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(caption)
        row.addWidget(self.name)
        row.addStretch()
        column = QWidget()
        column.setMaximumWidth(Size.READING)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(Space.TWO)
        left = Qt.AlignmentFlag.AlignLeft
        inner.addWidget(self.sentence)
        inner.addWidget(self.busy)
        inner.addWidget(self.detail)
        inner.addWidget(self.warning)
        inner.addWidget(self.retry, alignment=left)
        inner.addSpacing(Space.ONE)
        inner.addLayout(row)
        inner.addWidget(self.name_problem)
        inner.addWidget(self.start, alignment=left)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(column)
        layout.addStretch(1)
