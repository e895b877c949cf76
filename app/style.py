"""How everything looks: colours, spacing and type.

`resources/style.qss` says where they go; no colour and no pixel size stands anywhere else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from string import Template
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QLayout, QWidget

from mlx_backend.settings import Appearance

READABLE = 4.5
"""The least contrast of text, as the accessibility guidelines (WCAG AA) ask."""

ZOOMS = (80, 90, 100, 110, 125, 150, 175, 200)
"""How large everything can be shown, in percent."""

_ZOOM = "zoom"  # the property of the application that says how large, in percent
_RULES = "rules"  # the property of a widget with the rules that give it its size
_Widget = TypeVar("_Widget", bound=QWidget)


def zoom() -> int:
    """How large everything is shown, in percent."""
    app = QCoreApplication.instance()
    percent = app.property(_ZOOM) if app is not None else None
    return percent if isinstance(percent, int) else 100


class _Zoomed:
    """A number of pixels at 100 percent; reading it from its class gives the zoomed number.

    `most` limits what would otherwise leave no room for anything beside it.
    """

    def __init__(self, pixels: int, most: int | None = None) -> None:
        self._pixels = pixels
        self._most = most

    def __get__(self, _: object, owner: type) -> int:
        zoomed = max(1, round(self._pixels * zoom() / 100))
        return zoomed if self._most is None else min(zoomed, self._most)


class Space:
    """Distances in pixels, on a grid of eight."""

    HALF = 4
    ONE = 8
    TWO = 16
    THREE = 24
    FOUR = 32
    SIX = 48


class Type:
    """Sizes of type in pixels, as the zoom makes them."""

    SMALL = _Zoomed(11)
    BODY = _Zoomed(13)
    LARGE = _Zoomed(15)
    TITLE = _Zoomed(22)


class Size:
    """Sizes of the few things that have a fixed one, in pixels.

    What holds type is as large as the zoom makes it.
    """

    SIDEBAR = _Zoomed(208, most=280)
    SIDEBAR_ROW = _Zoomed(32)
    SIDEBAR_ICON = _Zoomed(18)
    ROW = _Zoomed(32)
    TALL_ROW = _Zoomed(48)
    STRIP = _Zoomed(40)
    CONTROL = _Zoomed(28)
    SEGMENT = _Zoomed(26)
    ICON = _Zoomed(16)
    BIG_ICON = _Zoomed(48)
    BAR_ROW = _Zoomed(20)
    SCORE = _Zoomed(360)
    FIELD = _Zoomed(240)
    SHORT_FIELD = _Zoomed(144)
    WAY_IN = _Zoomed(300)
    FIELD_LEAST = _Zoomed(64)
    FIELD_MOST = _Zoomed(96)
    COLUMN = _Zoomed(88)
    NARROW_COLUMN = _Zoomed(72)
    COUNT_COLUMN = _Zoomed(48)
    FOLDERS_LEAST = _Zoomed(152, most=208)
    LIST_LEAST = _Zoomed(248, most=360)
    NAMES = _Zoomed(96)
    LIST = _Zoomed(260, most=360)
    READING = _Zoomed(640)
    TRANSCRIPT = _Zoomed(760)
    BUBBLE = _Zoomed(520)
    INPUT = _Zoomed(36)
    DIALOG = _Zoomed(440)
    WINDOW = (1120, 760)
    WINDOW_LEAST = (860, 480)
    TITLE_BAR = 32
    WINDOW_EDGE = 4
    CURVE = 2
    POINT = 6
    CHART_LEAST = _Zoomed(240, most=360)
    AXIS = _Zoomed(48)
    LANES = _Zoomed(64)
    SIGN = 9
    BEST = 14
    READOUT = _Zoomed(300)
    SPOKEN = _Zoomed(264)
    SPOKEN_LEAST = _Zoomed(120, most=200)
    WIDE = _Zoomed(760)


@dataclass(frozen=True)
class Colours:
    """The colours of one appearance."""

    dark: bool
    base: QColor
    """Behind lists and text."""
    side: QColor
    """Behind the sidebar and the status strip."""
    raised: QColor
    """Buttons, bubbles and fields that stand out from the base a little."""
    hover: QColor
    hairline: QColor
    text: QColor
    quiet: QColor
    """Text of second rank; still readable."""
    faint: QColor
    """Disabled text, axes, empty-state icons; never for text that matters."""
    accent: QColor
    """The system's accent as an area: the one button, the selection."""
    on_accent: QColor
    accent_text: QColor
    """The accent, made readable as text or a line on the base."""
    tint: QColor
    """A breath of the accent, behind a drop target or a chosen row without focus."""
    warning: QColor
    second_curve: QColor
    """For the second of two curves; differs from the accent in lightness too."""
    keyword: QColor
    """For code, like the next four; all are readable on `raised`."""
    name: QColor
    string: QColor
    number: QColor
    comment: QColor


def mix(one: QColor, other: QColor, share: float) -> QColor:
    """`share` of one colour in the other."""
    pairs = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(a * share + b * (1 - share)) for a, b in pairs))


def contrast(one: QColor, other: QColor) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: QColor, behind: QColor, least: float = READABLE) -> QColor:
    """`colour`, moved towards black or white until it can be read on `behind`."""
    black, white = QColor("black"), QColor("white")
    goal = max(black, white, key=lambda end: contrast(end, behind))
    for percent in range(100, -1, -4):
        candidate = mix(colour, goal, percent / 100)
        if contrast(candidate, behind) >= least:
            return candidate
    return goal


def _luminance(colour: QColor) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(c) for c in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def colours(palette: QPalette, dark: bool) -> Colours:
    """Derive all colours from the system's palette, or from neutrals where it does not match."""
    base, text = palette.base().color(), palette.windowText().color()
    if (base.lightnessF() < 0.5) != dark or contrast(base, text) < 2 * READABLE:
        base, text = (QColor(n) for n in (("#1e1e20", "#ffffff") if dark else ("white", "black")))
    if dark:
        base = mix(base, QColor("black"), 0.92)
    system_accent = QColor(palette.color(QPalette.ColorRole.Accent))
    white = QColor("white")
    accent = mix(system_accent, base, 1.0)
    if contrast(accent, white) < READABLE:
        accent = readable_area(accent, white)
    side = mix(text, base, 0.06 if dark else 0.035)
    raised = mix(text, base, 0.11 if dark else 0.045)
    return Colours(
        dark=dark,
        base=base,
        side=side,
        raised=raised,
        hover=mix(text, base, 0.10 if dark else 0.07),
        hairline=mix(text, base, 0.17 if dark else 0.12),
        text=mix(text, base, 0.90),
        quiet=readable(mix(text, base, 0.58), raised),
        faint=mix(text, base, 0.36),
        accent=accent,
        on_accent=white,
        accent_text=readable(system_accent, raised),
        tint=mix(system_accent, base, 0.16 if dark else 0.09),
        warning=readable(QColor("#d0342c"), raised),
        second_curve=readable(QColor("#e08a00"), base, 3.0),
        keyword=readable(QColor("#8e44d6"), raised),
        name=readable(QColor("#a8590a"), raised),
        string=readable(QColor("#1c8a46"), raised),
        number=readable(QColor("#1a6fc4"), raised),
        comment=readable(mix(text, base, 0.58), raised),
    )


def readable_area(colour: QColor, text: QColor) -> QColor:
    """`colour`, darkened until `text` can be read on it."""
    for percent in range(100, -1, -4):
        candidate = mix(colour, QColor("black"), percent / 100)
        if contrast(candidate, text) >= READABLE:
            return candidate
    return QColor("black")


def make_palette(c: Colours) -> QPalette:
    """The palette that draws native controls in these colours."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette(c.text, c.raised, c.raised, c.hairline, c.hairline, c.text, c.base)
    for which, colour in (
        (role.Window, c.base),
        (role.AlternateBase, c.side),
        (role.Button, c.raised),
        (role.ButtonText, c.text),
        (role.ToolTipBase, c.raised),
        (role.ToolTipText, c.text),
        (role.PlaceholderText, c.quiet),
        (role.Highlight, c.accent),
        (role.HighlightedText, c.on_accent),
        (role.Accent, c.accent),
        (role.Link, c.accent_text),
    ):
        palette.setColor(which, colour)
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, which, c.faint)
    return palette


class Style(QObject):
    """Keeps the application looking as the system and the person want; tells when that changes."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._appearance: Appearance = "system"
        self.colours = colours(app.palette(), dark=False)
        self.refresh()
        app.styleHints().colorSchemeChanged.connect(self.refresh)

    def set_appearance(self, appearance: Appearance) -> None:
        """Follow the system, or stay light or dark."""
        if appearance == self._appearance:
            return
        self._appearance = appearance
        hints = self._app.styleHints()
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        if appearance in schemes:
            hints.setColorScheme(schemes[appearance])
        else:
            hints.unsetColorScheme()
        self.refresh()

    def set_zoom(self, percent: int) -> None:
        """Show everything at this size; `percent` is taken as the nearest of `ZOOMS`."""
        nearest = min(ZOOMS, key=lambda each: abs(each - percent))
        if nearest != zoom():
            self._app.setProperty(_ZOOM, nearest)
            self.refresh()

    def refresh(self) -> None:
        """Derive everything again from the system's present palette and colour scheme."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        font.setPixelSize(Type.BODY)
        self._app.setFont(font)
        self._app.setPalette(QPalette())  # back to the system's own, to read it
        scheme = self._app.styleHints().colorScheme()
        dark = (
            scheme == Qt.ColorScheme.Dark
            if self._appearance == "system"
            else (self._appearance == "dark")
        )
        self.colours = colours(self._app.palette(), dark)
        self._app.setPalette(make_palette(self.colours))
        self._app.setStyleSheet(style_sheet(self.colours))
        for widget in self._app.allWidgets():
            for rule in widget.property(_RULES) or ():
                rule(widget)
        self.changed.emit()


def sized(widget: _Widget, rule: Callable[[_Widget], object]) -> _Widget:
    """Give a widget its size by a rule that reads the tokens, now and whenever the zoom changes."""
    widget.setProperty(_RULES, (*(widget.property(_RULES) or ()), rule))
    rule(widget)
    return widget


def inset(layout: QLayout, edge: int) -> None:
    """Keep the same distance from all four edges."""
    layout.setContentsMargins(edge, edge, edge, edge)


def mark(widget: QWidget, kind: str) -> None:
    """Let the style sheet's rules for `kind` (see `resources/style.qss`) apply to a widget."""
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def style_sheet(c: Colours) -> str:
    """The application's style sheet in these colours."""
    names = {
        field.name: getattr(c, field.name).name() for field in fields(c) if field.name != "dark"
    }
    sizes = {
        f"{group.__name__.lower()}_{name.lower()}": f"{getattr(group, name)}px"
        for group in (Space, Type, Size)
        for name in vars(group)
        if isinstance(getattr(group, name), int)
    }
    names["veil"] = f"rgba({c.tint.red()}, {c.tint.green()}, {c.tint.blue()}, 92%)"
    folder = resources.files("resources")
    sheet = (folder / "style.qss").read_text(encoding="utf-8")
    if sys.platform != "darwin":  # a Mac draws its controls itself, and better
        sheet += (folder / "controls.qss").read_text(encoding="utf-8")
    icons_folder = Path(str(folder / "icons")).as_posix()
    sheet = _PIXELS.sub(_zoomed, sheet)
    return Template(sheet).substitute(names | sizes | {"icons": icons_folder})


# All pixel sizes but those of hairlines and of the tokens, which are zoomed already.
_PIXELS = re.compile(r"\b([2-9]|\d{2,})px")


def _zoomed(pixels: re.Match[str]) -> str:
    return f"{round(int(pixels[1]) * zoom() / 100)}px"
