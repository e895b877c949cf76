"""Files, folders and links dropped anywhere in the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.style import Space
from app.widgets.empty_state import BigIcon
from app.widgets.labels import label

_LONGEST_LINK = 2000


class DropSign(QFrame):
    """Covers the page while files are dragged over the window."""

    def __init__(self, covered: QWidget, sentence_of: Callable[[Sequence[Path]], str]) -> None:
        super().__init__(covered)
        self._covered = covered
        self._sentence_of = sentence_of
        self.sentence = label(kind="heading")
        self.setProperty("kind", "drop")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = QVBoxLayout(self)
        layout.addStretch()
        layout.addWidget(BigIcon("drop"))
        layout.addWidget(self.sentence, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
        self.hide()

    def cover(self, paths: Sequence[Path]) -> None:
        """Come forward and cover all but a margin, and say what dropping these does.

        No paths: it is a link.
        """
        self.sentence.setText(self._sentence_of(paths))
        edge = Space.TWO
        self.setGeometry(self._covered.rect().adjusted(edge, edge, -edge, -edge))
        self.raise_()
        self.show()


class FileDrops(QObject):
    """Takes files dropped on a window before any field in it takes their address as text.

    It watches the window's native handle too, which gets a drag before any field does.
    """

    dropped = Signal(list)
    """Paths."""

    link_dropped = Signal(str)
    """A link that is wanted."""

    def __init__(
        self, window: QWidget, sign: DropSign, wants_link: Callable[[str], bool] = lambda _: False
    ) -> None:
        super().__init__(window)
        self._sign = sign
        self._wants_link = wants_link
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        window.winId()  # makes the handle
        handle = window.windowHandle()
        if handle is not None:
            handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event:
            case QDragEnterEvent() | QDragMoveEvent():
                return self._hover(event)
            case QDropEvent():
                return self._drop(event)
        if event.type() == QEvent.Type.DragLeave:
            self._sign.hide()
        return False

    def _hover(self, event: QDropEvent) -> bool:
        paths, link = self._carried(event)
        if not (paths or link):
            return False
        _take(event)
        self._sign.cover(paths)
        return True

    def _drop(self, event: QDropEvent) -> bool:
        self._sign.hide()
        paths, link = self._carried(event)
        if not (paths or link):
            return False
        _take(event)
        if paths:
            self.dropped.emit(paths)
        else:
            self.link_dropped.emit(link)
        return True

    def _carried(self, event: QDropEvent) -> tuple[list[Path], str]:
        """The paths, else the link where that is wanted."""
        paths = _paths(event)
        link = "" if paths else _link(event)
        return paths, link if link and self._wants_link(link) else ""


def _take(event: QDropEvent) -> None:
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


def _paths(event: QDropEvent) -> list[Path]:
    urls = event.mimeData().urls() if event.mimeData().hasUrls() else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


def _link(event: QDropEvent) -> str:
    """The address, or the line of text, that is dragged; "" where it is neither."""
    data = event.mimeData()
    if data.hasUrls():
        return data.urls()[0].toString()
    text = data.text().strip() if data.hasText() else ""
    return text if len(text) <= _LONGEST_LINK and "\n" not in text else ""
