"""Texts of one line that are shortened where there is no room; all of it is in their tooltips."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
)

from app.style import Space
from app.text.directions import bare, isolated
from app.widgets.labels import lead, tip
from app.widgets.wheel_safe_fields import keep_still

_LEAST_CHARACTERS = 8


class Elided(QLabel):
    """Plain text. Names are shortened in their middle: their ends often tell them apart."""

    def __init__(
        self,
        text: str = "",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
        kind: str = "body",
    ) -> None:
        super().__init__()
        self._text = ""
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        lead(self)
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def text(self) -> str:
        """The whole text."""
        return self._text

    @property
    def shown(self) -> str:
        """As much of it as there is room for."""
        return super().text()

    def setText(self, text: str) -> None:
        """Show a text."""
        self._text = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self._fit()

    def clear(self) -> None:
        """Show nothing."""
        self.setText("")

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance(self._text)
        return QSize(width + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        least = self.fontMetrics().averageCharWidth() * _LEAST_CHARACTERS
        return QSize(min(least, self.sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        shown = metrics.elidedText(self._text, self._mode, self.width())
        is_whole = metrics.horizontalAdvance(self._text) <= self.width()
        super().setText(self._text if is_whole else shown)
        self.setToolTip(tip("" if is_whole else self._text))


class NameMenu(QComboBox):
    """A menu of names, which are shortened in their middle where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        keep_still(self)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.currentTextChanged.connect(lambda text: self.setToolTip(tip(bare(text))))

    def show_names(self, names: Sequence[str]) -> None:
        """Offer these; "" is a line between what is above and below."""
        self.clear()
        for place, name in enumerate(names):
            if name:
                self.addItem(isolated(name))
                self.setItemData(place, tip(name), Qt.ItemDataRole.ToolTipRole)
            else:
                self.insertSeparator(place)

    def sizeHint(self) -> QSize:
        # With the room beside the name, which Qt does not count.
        return super().sizeHint() + QSize(Space.ONE, 0)

    @property
    def shown(self) -> str:
        """As much of the chosen name as there is room for."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox,
            option,
            QStyle.SubControl.SC_ComboBoxEditField,
            self,
        )
        room = field.width() - Space.HALF
        return self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideMiddle, room)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
