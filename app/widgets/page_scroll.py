"""A page that scrolls where the window is smaller than what the page needs at least."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QWidget


class PageScroll(QScrollArea):
    """Makes a page as large as there is room; else as small as it can be, with scroll bars.

    Unlike Qt's own `widgetResizable`, which scrolls as soon as a page is not as high as it likes.
    """

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self.page = page
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(page)
        page.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:
        # As small as one likes.
        return QSize(1, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        page = self.page
        # Without its bars first: each bar takes room, for which the other may be needed.
        room = self.maximumViewportSize()
        least = _least(page, room.width())
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        if least.height() > room.height():
            room.setWidth(room.width() - down.sizeHint().width())
            least = _least(page, room.width())
        if least.width() > room.width():
            room.setHeight(room.height() - across.sizeHint().height())
        page.resize(room.expandedTo(least))


def _least(page: QWidget, width: int) -> QSize:
    """The least size of a page where it is given so much width."""
    layout = page.layout()
    if isinstance(layout, QStackedLayout):
        # Of what is on top alone; Qt's own answer is how high the highest of all likes to be.
        shown = layout.currentWidget()
        return _least(shown, width) if shown is not None else QSize()
    least = page.minimumSizeHint().expandedTo(page.minimumSize())
    if layout is not None and layout.hasHeightForWidth():
        wide = max(width, least.width())
        least.setHeight(max(page.minimumHeight(), layout.minimumHeightForWidth(wide)))
    return least
