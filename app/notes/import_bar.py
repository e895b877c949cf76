"""How the running import goes, and what the last one did."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar

from app.jobs.imports import Imports
from app.jobs.snapshot import JobSnapshot
from app.style import Size, Space, sized
from app.text import amounts
from app.text.error_text import in_window
from app.widgets.labels import button, label
from app.widgets.strip import close_button
from mlx_backend.jobs import JobState

_DOING = {"files": ("Reading", "file"), "notes": ("Looking through", "note")}
"""What is done to each unit of an import's progress."""


class ImportBar(QFrame):
    """Progress with Cancel while an import runs; then one sentence, until it is closed."""

    reasons_wanted = Signal()
    tonight_wanted = Signal()

    def __init__(self, imports: Imports) -> None:
        super().__init__()
        self._imports = imports
        self.setProperty("kind", "undo")
        sized(self, lambda it: it.setFixedHeight(Size.STRIP))
        self.text = label()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        sized(self.progress, lambda it: it.setFixedWidth(Size.FIELD))
        self.progress.setAccessibleName("Progress of the import")
        self.cancel = button("Cancel", "link")
        self.cancel.clicked.connect(imports.cancel)
        self.why = button("See Why", "link")
        self.why.clicked.connect(self.reasons_wanted)
        self.tonight = button("Go to Tonight", "link")
        self.tonight.clicked.connect(self.tonight_wanted)
        self.close_button = close_button()
        self.close_button.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.HALF, Space.HALF, Space.HALF, Space.HALF)
        layout.setSpacing(Space.ONE)
        layout.addSpacing(Space.TWO - Space.HALF)
        layout.addWidget(self.text)
        layout.addWidget(self.why)
        layout.addStretch()
        layout.addWidget(self.progress)
        layout.addWidget(self.cancel)
        layout.addWidget(self.tonight)
        layout.addWidget(self.close_button)
        imports.changed.connect(self._show_progress)
        imports.ended.connect(self.show_outcome)
        self.hide()
        self._show_progress()

    def show_outcome(self, job: JobSnapshot) -> None:
        """Say what an import did."""
        sentence, skipped = outcome(job)
        self._arrange(sentence, running=False)
        self.why.setVisible(bool(skipped))
        self.tonight.setVisible(job.state is JobState.FINISHED)

    def _show_progress(self) -> None:
        if not self._imports.is_busy:
            return
        job = self._imports.current
        progress = job.status.progress if job is not None else None
        if job is not None and job.stopping:
            sentence = "Stopping…"
        elif progress is not None and progress.total:
            verb, noun = _DOING.get(progress.unit, _DOING["files"])
            sentence = (
                f"{verb} {amounts.number(progress.done)} of {amounts.count(progress.total, noun)}"
            )
        else:
            sentence = "Looking for notes…"
        self._arrange(sentence, running=True)
        self.progress.setRange(0, progress.total if progress else 0)
        self.progress.setValue(progress.done if progress else 0)

    def _arrange(self, sentence: str, running: bool) -> None:
        self.text.setText(sentence)
        self.why.setVisible(False)
        self.tonight.setVisible(False)
        self.progress.setVisible(running)
        self.cancel.setVisible(running)
        self.close_button.setVisible(not running)
        self.show()


def outcome(job: JobSnapshot) -> tuple[str, int]:
    """What an import did in a sentence or two, and how many files it skipped."""
    if job.state is JobState.INTERRUPTED:
        return "The import was interrupted. What was read is here; drop the folder again.", 0
    if job.state is JobState.FAILED:
        error = job.status.error
        return in_window(error.message) if error else "The import failed.", 0
    result = job.status.result
    added, changed = _number(result, "added"), _number(result, "changed")
    unchanged, removed = _number(result, "unchanged"), _number(result, "removed")
    listed = result.get("skipped")
    skipped = len(listed) if isinstance(listed, list) else 0
    if job.state is JobState.STOPPED:
        return "The import was cancelled. What was read before is here.", skipped
    if added or changed or not unchanged:
        sentence = f"I read {amounts.count(added + changed, 'note')}"
        sentence += f" and skipped {amounts.number(skipped)}." if skipped else "."
        if unchanged:
            sentence += f" {amounts.count(unchanged, 'note')} had not changed."
    else:
        sentence = f"Nothing has changed in {amounts.count(unchanged, 'note')}."
    if _number(result, "restored"):
        sentence += " The note that you had deleted is back."
    if removed:
        sentence += f" The files of {amounts.count(removed, 'note')} are gone."
    return sentence, skipped


def _number(result: dict[str, object], name: str) -> int:
    value = result.get(name, 0)
    return value if isinstance(value, int) else 0
