"""What was found about a note: a sentence for each finding, and a button that undoes it."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from app.style import Size, Space
from app.widgets.labels import button, paragraph
from mlx_backend.library.curation_findings import Reason
from mlx_backend.library.note_browsing import AUTHORSHIP, SECRETS

_BESIDE = QBoxLayout.Direction.LeftToRight


class NoteFindings(QWidget):
    """A line for each finding that changes what is taught, and a quiet one for how good it is."""

    undo_wanted = Signal(str, bool, object)
    """A step, whether it is to be undone for this note or to apply again, and the digests of its
    findings where just some of them are shown."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self.quality = paragraph(kind="quiet")
        self._layout.addWidget(self.quality)
        self._shown: tuple[Reason, ...] = ()

    def show_reasons(self, reasons: Sequence[Reason]) -> None:
        """Show these."""
        self.quality.setText(quality_sentence(reasons))
        self.quality.setVisible(bool(self.quality.text()))
        shown = tuple(reason for reason in reasons if reason.leaves_out or reason.spans)
        self.setVisible(bool(shown or self.quality.text()))
        if shown == self._shown:
            return
        self._shown = shown
        while self._layout.count() > 1:
            item = self._layout.takeAt(0)
            if item is not None and (line := item.widget()) is not None:
                line.hide()
                line.deleteLater()
        for at, reason in enumerate(shown):
            self._layout.insertWidget(at, self._line(reason))

    def _line(self, reason: Reason) -> QWidget:
        undo = button(_action(reason), "link")
        undo.setAccessibleDescription(reason.sentence)
        undo.clicked.connect(
            functools.partial(
                self.undo_wanted.emit, reason.step, not reason.undone, reason.digests or None
            )
        )
        return _Line(paragraph(reason.sentence, "quiet" if reason.undone else "body"), undo)


class _Line(QWidget):
    """A sentence with its button behind it, or below it where there is little room."""

    def __init__(self, sentence: QWidget, undo: QWidget) -> None:
        super().__init__()
        self._row = QBoxLayout(_BESIDE, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(Space.ONE)
        self._row.addWidget(sentence, 1)
        self._row.addWidget(undo, 0, Qt.AlignmentFlag.AlignLeft)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < Size.LIST
        direction = QBoxLayout.Direction.TopToBottom if is_narrow else _BESIDE
        if self._row.direction() != direction:
            self._row.setDirection(direction)
            self._row.setSpacing(0 if is_narrow else Space.ONE)


def quality_sentence(reasons: Sequence[Reason]) -> str:
    """The quality of a note with what lowers it, and its language, unless another line says so."""
    found = {reason.step: reason for reason in reasons}
    sentences = []
    if (quality := found.get("quality")) and quality.score is not None:
        why = "" if quality.leaves_out else f" {quality.sentence}"
        sentences.append(f"Quality {round(100 * quality.score)} of 100.{why}")
    if (language := found.get("language")) and not language.leaves_out:
        sentences.append(language.sentence)
    return " ".join(sentences)


def _action(reason: Reason) -> str:
    """What the button says: undo the finding, or apply it again."""
    if reason.step == SECRETS:
        return "Mask Again" if reason.undone else "Do Not Mask"
    if reason.leaves_out:
        return "Leave Out Again" if reason.undone else "Use Anyway"
    if reason.step == AUTHORSHIP:
        return "Leave Out Again" if reason.undone else "Keep Others' Words"
    return "Leave Out Again" if reason.undone else "Keep It"
