"""The morning report: what came of a run, with what a person asks first at the top."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.jobs.snapshot import JobSnapshot
from app.style import Size, Space, sized
from app.tonight import report_story
from app.tonight.figure_row import FigureRow
from app.tonight.report_examples import Examples
from app.tonight.score_bars import ScoreBars
from app.widgets.fold import Fold
from app.widgets.labels import button, hairline, label, paragraph
from app.widgets.named_values import NamedValues
from mlx_backend.protocol.report import RunReport

_GENERAL = "Questions about the world that ship with Overnight, to see what was forgotten."


class ReportView(QWidget):
    """Below the verdict: exam, study, what was forgotten, style, the night, what to do next."""

    samples_wanted = Signal()
    """The person wants to see the samples that study wrote."""

    details_wanted = Signal(bool)
    """The person opened or closed the numbers and curves."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[str, RunReport] | None = None
        self.exam = ScoreBars("Questions about your notes")
        self.examples = Examples()
        self.exam_told = paragraph(kind="quiet")
        self.marks = paragraph(kind="quiet")
        self.open_book = paragraph()
        self.study = paragraph()
        self.coverage = paragraph()
        self.thrown_out = paragraph(kind="quiet")
        self.samples = button("Read the Samples", "link")
        self.samples.setProperty("flush", True)
        self.general = ScoreBars("General questions")
        self.kept = paragraph()
        self.style_told = paragraph()
        self.night = FigureRow()
        self.energy = paragraph(kind="quiet")
        self.advice = paragraph()
        self.numbers = NamedValues()
        self.details = Fold("Details", self.numbers)
        self._sections: dict[str, QWidget] = {}
        self._lay_out()
        self.samples.clicked.connect(self.samples_wanted)
        self.details.button.toggled.connect(self.details_wanted)

    def show_report(self, report: RunReport, run: JobSnapshot) -> None:
        """Show the report of a run."""
        if self._shown == (run.id, report):
            return
        is_other = self._shown is None or self._shown[0] != run.id
        self._shown = (run.id, report)
        if is_other:
            self.details.button.setChecked(False)
        self.exam_told.setText(report_story.exam(report))
        self.exam.show_score(report.exam.after, report.exam.before, report.exam.asked)
        _tell(self.marks, report_story.marks(report))
        _tell(self.open_book, report_story.open_book(report))
        self.examples.show_items(report.exam.items)
        _tell(self.study, report_story.study(report))
        _tell(self.coverage, report_story.coverage(report))
        thrown_out = "\n".join(report_story.thrown_out(report))
        _tell(self.thrown_out, f"Thrown out:\n{thrown_out}" if thrown_out else "")
        self.general.show_score(report.general.after, report.general.before, report.general.asked)
        self.kept.setText(report_story.general(report))
        self.style_told.setText(report_story.style(report))
        self.night.show_figures(report_story.night(report, run))
        _tell(self.energy, report_story.energy_how(report))
        self.advice.setText("\n".join(report.judgement.advice))
        self.numbers.show_figures(report_story.details(report))
        self._show_sections(report)

    def _show_sections(self, report: RunReport) -> None:
        shown = {
            "exam": report.exam.asked > 0,
            "study": bool(report_story.study(report) or report_story.coverage(report)),
            "general": report.general.asked > 0,
            "style": bool(report_story.style(report)),
            "advice": bool(report.judgement.advice),
        }
        for key, section in self._sections.items():
            section.setVisible(shown.get(key, True))

    def _lay_out(self) -> None:
        column = QWidget()
        sized(column, lambda it: it.setMaximumWidth(Size.TRANSCRIPT))
        sections = QVBoxLayout(column)
        sections.setContentsMargins(0, 0, 0, 0)
        sections.setSpacing(Space.TWO)
        parts: tuple[tuple[str, str, tuple[QWidget, ...]], ...] = (
            (
                "exam",
                "Questions about your notes",
                (self.exam_told, self.exam, self.marks, self.open_book, self.examples),
            ),
            (
                "study",
                "What it studied",
                (self.study, self.coverage, self.thrown_out, self.samples),
            ),
            ("general", "What it could before", (_quiet(_GENERAL), self.general, self.kept)),
            ("style", "How you write", (self.style_told,)),
            ("night", "The night", (self.night, self.energy)),
            ("advice", "What to do next", (self.advice,)),
        )
        for key, title, widgets in parts:
            section = _section(title, widgets)
            self._sections[key] = section
            sections.addWidget(section)
        # In a row, because only a row asks for the height of the column at its own width.
        row = QHBoxLayout()
        row.addWidget(column, 100)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.TWO)
        layout.addLayout(row)
        layout.addWidget(hairline())
        layout.addWidget(self.details)
        layout.addStretch(1)


def _section(title: str, widgets: tuple[QWidget, ...]) -> QWidget:
    section = QWidget()
    layout = QVBoxLayout(section)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(Space.ONE)
    layout.addWidget(hairline())
    layout.addSpacing(Space.ONE)
    layout.addWidget(label(title, "heading"))
    for widget in widgets:
        if widget.property("kind") == "link":
            layout.addWidget(widget, alignment=Qt.AlignmentFlag.AlignLeft)
        else:
            layout.addWidget(widget)
    return section


def _quiet(text: str) -> QWidget:
    return paragraph(text, "quiet")


def _tell(where: QLabel, text: str) -> None:
    where.setText(text)
    where.setVisible(bool(text))
