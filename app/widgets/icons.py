"""Line icons, tinted by the palette whenever they are painted, so they follow light and dark."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer


def icon(name: str, on_tint: bool = False) -> QIcon:
    """The icon `resources/icons/<name>.svg`; `on_tint` where a chosen row is not the accent."""
    return QIcon(_TintedEngine(name, on_tint))


def pixmap(name: str, size: int, role: QPalette.ColorRole, ratio: float = 1.0) -> QPixmap:
    """The icon as a picture of `size` by `size` in the palette's colour for `role`."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    colour = QGuiApplication.palette().color(role).name()
    _renderer(name, colour).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture


@cache
def _drawing(name: str) -> str:
    return (resources.files("resources") / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=128)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    drawing = _drawing(name).replace("currentColor", colour)
    return QSvgRenderer(QByteArray(drawing.encode()))


class _TintedEngine(QIconEngine):
    """Draws an icon in the present palette's text colours."""

    def __init__(self, name: str, on_tint: bool) -> None:
        super().__init__()
        self._name = name
        self._on_tint = on_tint

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        palette = QGuiApplication.palette()
        colour = palette.color(QPalette.ColorRole.WindowText)
        if mode == QIcon.Mode.Selected and not self._on_tint:
            colour = palette.color(QPalette.ColorRole.HighlightedText)
        elif mode == QIcon.Mode.Disabled:
            colour = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.WindowText)
        _renderer(self._name, colour.name()).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        picture = QPixmap(size)
        if size.isEmpty():  # a button that has no room yet
            return picture
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return picture

    def clone(self) -> QIconEngine:
        return _TintedEngine(self._name, self._on_tint)
