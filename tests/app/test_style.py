from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

import app
from app.style import READABLE, Colours, Style, colours, contrast
from app.widgets import icons
from mlx_backend.settings import Appearance

_APP = Path(app.__file__).parent
_ICONS = _APP.parent / "resources" / "icons"


def palette_with(accent: str) -> QPalette:
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Accent, QColor(accent))
    return palette


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("accent", ["#0a84ff", "#ffcc00", "#ff3b30", "#34c759", "#8e8e93", "black"])
def test_all_text_can_be_read(accent: str, dark: bool) -> None:
    c: Colours = colours(palette_with(accent), dark)
    assert (c.base.lightnessF() < 0.5) == dark
    for behind in (c.base, c.side, c.raised):
        for text in (c.text, c.quiet, c.accent_text, c.warning):
            assert contrast(text, behind) >= READABLE, (text.name(), behind.name())
    assert contrast(c.on_accent, c.accent) >= READABLE
    assert contrast(c.text, c.tint) >= READABLE
    assert contrast(c.second_curve, c.base) >= 3


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


def test_the_person_can_choose_light_or_dark(qapp: QApplication) -> None:
    style = Style(qapp)
    heard: list[bool] = []
    style.changed.connect(lambda: heard.append(style.colours.dark))
    style.set_appearance("dark")
    assert qapp.palette().window().color() == style.colours.base
    style.set_appearance("light")
    style.set_appearance("light")
    assert heard == [True, False]
    style.set_appearance("system")
    assert not style.colours.dark


def test_colours_and_sizes_are_in_the_style_alone() -> None:
    literal = re.compile(
        r"""#[0-9a-fA-F]{6}\b|QColor\(["'0-9]|\d+px\b|GlobalColor\.(?!transparent)\w+"""
        r"""|(?:Margins|Spacing|FixedWidth|FixedHeight|FixedSize|PixelSize|PointSize)"""
        r"""\([^)]*?(?<!// )\b[2-9]\d*"""
    )
    found = [
        f"{path.relative_to(_APP)}:{number}: {line.strip()}"
        for path in sorted(_APP.rglob("*.py"))
        if path.name != "style.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if literal.search(line)
    ]
    assert found == []


def test_icons_are_one_family() -> None:
    files = sorted(_ICONS.glob("*.svg"))
    assert files
    for file in files:
        drawing = file.read_text()
        if not file.name.startswith("control-"):
            assert 'stroke="currentColor"' in drawing, file.name
            assert 'viewBox="0 0 24 24"' in drawing, file.name


def test_icons_take_the_palettes_colour(qapp: QApplication) -> None:
    style = Style(qapp)
    appearances: tuple[Appearance, ...] = ("light", "dark")
    for appearance in appearances:
        style.set_appearance(appearance)
        image = icons.icon("stop").pixmap(64, 64).toImage()
        drawn = {
            image.pixelColor(x, y).name()
            for x in range(64)
            for y in range(64)
            if image.pixelColor(x, y).alpha() == 255
        }
        assert drawn == {qapp.palette().windowText().color().name()}
    style.set_appearance("system")
