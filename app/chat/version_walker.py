"""Walks the versions of a question: "2 of 3" between two arrows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app.style import Size, sized
from app.text import amounts
from app.widgets import icons
from app.widgets.labels import label


class VersionWalker(QWidget):
    """Shown where there is more than one version."""

    chosen = Signal(int)
    """The id of the version that is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self._versions: Sequence[int] = ()
        self._at = 0
        self.earlier = _arrow("previous", "chevron", "Earlier version")
        self.later = _arrow("chevron", "previous", "Later version")
        self.earlier.setToolTip("Earlier version of this question")
        self.later.setToolTip("Later version of this question")
        self.place = label(kind="small")
        self.earlier.clicked.connect(lambda: self._step(-1))
        self.later.clicked.connect(lambda: self._step(1))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for each in (self.earlier, self.place, self.later):
            layout.addWidget(each)
        self.hide()

    def show_versions(self, versions: Sequence[int], shown: int) -> None:
        """Show which of these versions is on show."""
        self._versions = versions
        self._at = versions.index(shown) if shown in versions else 0
        self.place.setText(amounts.part(self._at + 1, len(versions)))
        self.setVisible(len(versions) > 1)
        self._show_ends(enabled=True)

    def set_enabled(self, enabled: bool) -> None:
        """Whether another version can be shown now."""
        self._show_ends(enabled)

    def _show_ends(self, enabled: bool) -> None:
        self.earlier.setEnabled(enabled and self._at > 0)
        self.later.setEnabled(enabled and self._at < len(self._versions) - 1)

    def _step(self, step: int) -> None:
        self.chosen.emit(self._versions[self._at + step])


def _arrow(name: str, mirrored: str, what: str) -> QToolButton:
    made = QToolButton()
    is_mirrored = made.layoutDirection() is Qt.LayoutDirection.RightToLeft
    made.setIcon(icons.icon(mirrored if is_mirrored else name))
    sized(made, lambda it: it.setIconSize(QSize(Size.BAR_ROW // 2 + 2, Size.BAR_ROW // 2 + 2)))
    made.setAccessibleName(what)
    return made
