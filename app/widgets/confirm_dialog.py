"""The one question that is asked before something is gone for good."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.style import Size, Space, inset
from app.widgets.labels import button, paragraph


class ConfirmDialog(QDialog):
    """Says what would be lost. Return and Escape cancel: only the named button confirms."""

    def __init__(self, parent: QWidget, question: str, consequence: str, deed: str) -> None:
        super().__init__(parent)
        self.setWindowTitle("Overnight")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(question)
        self.question = paragraph(question, "heading")
        self.consequence = paragraph(consequence)
        self.cancel = button("Cancel", "primary")
        self.cancel.setDefault(True)
        self.cancel.clicked.connect(self.reject)
        self.deed = button(deed)
        self.deed.setAutoDefault(False)
        self.deed.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.setSpacing(Space.ONE)
        buttons.addStretch()
        buttons.addWidget(self.deed)
        buttons.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        inset(layout, Space.THREE)
        layout.setSpacing(Space.ONE)
        layout.addWidget(self.question)
        layout.addWidget(self.consequence)
        layout.addSpacing(Space.TWO)
        layout.addLayout(buttons)
        self.ensurePolished()
        self.setFixedSize(Size.DIALOG, layout.totalHeightForWidth(Size.DIALOG))
        self.cancel.setFocus()
