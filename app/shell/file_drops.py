"""Files and folders dropped anywhere in the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.style import Space
from app.widgets.empty_state import BigIcon
from app.widgets.labels import label


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
        """Come forward and cover all but a margin, and say what dropping these does."""
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

    def __init__(self, window: QWidget, sign: DropSign) -> None:
        super().__init__(window)
        self._sign = sign
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
        paths = _paths(event)
        if not paths:
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._sign.cover(paths)
        return True

    def _drop(self, event: QDropEvent) -> bool:
        self._sign.hide()
        paths = _paths(event)
        if not paths:
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.dropped.emit(paths)
        return True


def _paths(event: QDropEvent) -> list[Path]:
    urls = event.mimeData().urls() if event.mimeData().hasUrls() else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
