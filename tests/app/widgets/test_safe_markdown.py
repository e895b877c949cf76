from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import (
    QGuiApplication,
    QImage,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from app.services import Services
from app.style import READABLE, Style, contrast
from app.widgets.code_box import CodeBox, ink_colour
from app.widgets.code_inks import Ink
from app.widgets.fitted_text import FittedText
from app.widgets.safe_markdown import SafeMarkdown

LONG_LINE = "total = " + " + ".join(f"number_{n}" for n in range(60)) + "  # the end"


@pytest.fixture
def style(services: Services) -> Style:
    return services.style


@pytest.fixture
def view(style: Style, qtbot: QtBot) -> SafeMarkdown:
    """Answers stand in a page that scrolls."""
    page = QScrollArea()
    page.setWidgetResizable(True)
    qtbot.addWidget(page)
    view = SafeMarkdown(style)
    page.setWidget(view)
    page.resize(500, 400)
    page.show()
    view.page = page  # type: ignore[attr-defined]  # which would else be gone
    return view


def texts(view: SafeMarkdown) -> list[FittedText]:
    return view.findChildren(FittedText)


def boxes(view: SafeMarkdown) -> list[CodeBox]:
    return [part for part in view.views if isinstance(part, CodeBox)]


def wheel(text: FittedText, pixels: int) -> None:
    """Turn the wheel sideways over a text."""
    middle = QPointF(text.viewport().rect().center())
    nothing = Qt.MouseButton.NoButton
    event = QWheelEvent(
        middle,
        text.viewport().mapToGlobal(middle),
        QPoint(),
        QPoint(-pixels, 0),
        nothing,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(text.viewport(), event)


def test_markdown_is_shown(view: SafeMarkdown) -> None:
    view.show_markdown("# Title\n\n**bold** and `code`\n\n1. one\n2. two")
    assert view.toPlainText() == "Title\nbold and code\none\ntwo"


def test_html_and_pictures_are_words(view: SafeMarkdown, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    QImage(40, 4000, QImage.Format.Format_RGB32).save(str(picture))
    url = QUrl.fromLocalFile(str(picture)).toString()
    view.show_markdown(f"![alt]({url}) <img src='{url}'> <b>bold</b>")
    assert "<img" not in texts(view)[0].document().toHtml()
    assert f"[picture: {url}]" in view.toPlainText()
    assert "<b>bold</b>" in view.toPlainText()
    QApplication.processEvents()
    assert 0 < view.sizeHint().height() < 100


def test_links_are_words_with_their_target(view: SafeMarkdown) -> None:
    view.show_markdown("[harmless](https://example.org/x) and <https://example.org>")
    assert view.toPlainText() == "harmless (https://example.org/x) and https://example.org"
    (text,) = texts(view)
    assert "href" not in text.document().toHtml()
    assert not text.openLinks()


def test_mail_addresses_are_shown_as_they_are_written(view: SafeMarkdown) -> None:
    view.show_markdown("<mail@example.org>, tove@example.org, [Ida](mailto:ida@example.org)")
    assert view.toPlainText() == ("mail@example.org, tove@example.org, Ida (ida@example.org)")


def test_nothing_is_fetched(view: SafeMarkdown) -> None:
    """Where nothing is given in place of a file, Qt opens it."""
    view.show_markdown("text")
    for kind in QTextDocument.ResourceType:
        given = texts(view)[0].loadResource(kind.value, QUrl("file:///etc/passwd"))
        assert isinstance(given, QImage)
        assert given.size() == QSize(1, 1)


def test_it_is_as_tall_as_its_text(view: SafeMarkdown, qtbot: QtBot) -> None:
    view.show_markdown("word " * 200)
    qtbot.waitUntil(lambda: view.sizeHint().height() > 0)
    tall = view.sizeHint().height()
    view.window().resize(1000, 400)
    qtbot.waitUntil(lambda: view.sizeHint().height() < tall)


def test_code_is_in_a_box_that_is_scrolled_and_copied(view: SafeMarkdown, qtbot: QtBot) -> None:
    code = f"def f():\n    {LONG_LINE}\n"
    view.show_markdown(f"Before\n\n```python\n{code}```\nafter *it*")
    qtbot.waitUntil(lambda: bool(boxes(view)[0].text.horizontalScrollBar().maximum()))
    (box,) = boxes(view)
    assert box.language.text() == "python"
    assert view.width() <= 500  # the page is no wider for it
    bar = box.text.horizontalScrollBar()
    while bar.value() < bar.maximum():
        before = bar.value()
        wheel(box.text, 10_000)
        assert bar.value() > before
    assert bar.value() == bar.maximum()
    last = box.text.document().size().width()
    assert bar.maximum() + box.text.viewport().width() >= last - 1  # the end can be reached
    assert box.text.height() < box.text.document().size().height() + 40
    QTest.mouseClick(box.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == code.rstrip("\n")
    assert box.copy.text() == "Copied"
    assert view.toPlainText().endswith("after it")


def test_words_of_code_have_colours_that_can_be_read(view: SafeMarkdown, style: Style) -> None:
    view.show_markdown("```python\nreturn 'text \U0001f9f6', 12  # why\n```")
    (box,) = boxes(view)

    def colours() -> dict[str, str]:
        block = box.text.document().begin()
        return {
            block.text()
            .encode("utf-16-le")[2 * r.start : 2 * (r.start + r.length)]
            .decode("utf-16-le"): r.format.foreground().color().name()
            for r in block.layout().formats()
        }

    seen = []
    for appearance in ("light", "dark"):
        style.set_appearance(appearance)
        known = style.colours
        shown = colours()
        assert shown["return"] == known.keyword.name()
        assert shown["12"] == known.number.name()
        assert shown["# why"] == known.comment.name()
        assert {"'", "'text \U0001f9f6'"} & set(shown)
        for ink in Ink:
            assert contrast(ink_colour(known, ink), known.raised) >= READABLE
        assert contrast(known.text, known.raised) >= READABLE
        seen.append(shown["return"])
    assert seen[0] != seen[1]


def test_code_that_is_still_being_written_is_in_its_box(view: SafeMarkdown) -> None:
    whole = (
        "So:\n\n```js\nlet a = 1;\nlet b = 2;\n```\n\nDone. See\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    first = None
    for end in range(1, len(whole) + 1):
        view.show_markdown(whole[:end])
        if "let b" in whole[:end]:
            first = first or boxes(view)[0]
            assert boxes(view) == [first]  # the same box grows: what is scrolled stays so
    assert [box.text.toPlainText() for box in boxes(view)] == ["let a = 1;\nlet b = 2;"]
    assert "```" not in view.toPlainText()
    assert len(view.views) == 4


def test_code_of_unknown_languages_and_none_is_plain(view: SafeMarkdown) -> None:
    view.show_markdown("```klingon\nx <b>1</b>\n```\n\n~~~\n``` no end\n~~~\n\n    by indent")
    shown = [box.text.toPlainText() for box in boxes(view)]
    assert shown == ["x <b>1</b>", "``` no end", "by indent"]
    assert not any(box.text.document().begin().layout().formats() for box in boxes(view))


def test_code_in_a_list_and_quotes_of_signs_stay_what_they_are(view: SafeMarkdown) -> None:
    view.show_markdown("1. Do:\n\n   ```sh\n   ls\n     -l\n   ```\n\n2. Then\n\n       more\n")
    assert [box.text.toPlainText() for box in boxes(view)] == ["ls\n  -l"]


def test_a_wide_table_is_scrolled_and_long_words_are_broken(
    view: SafeMarkdown, qtbot: QtBot
) -> None:
    heads = "|".join(f"a_long_heading_{n}" for n in range(20))
    rule = "|".join("---" for _ in range(20))
    view.show_markdown(f"https://example.org/{'x' * 300}\n\n|{heads}|\n|{rule}|\n|{heads}|")
    words, table = texts(view)
    qtbot.waitUntil(lambda: bool(table.horizontalScrollBar().maximum()))
    assert words.document().size().width() <= words.viewport().width()
    assert words.height() > 2 * words.fontMetrics().height()
    assert view.width() <= 500


_ROW = "|".join(f"a_long_heading_{n}" for n in range(20))
_TABLE = f"|{_ROW}|\n|{'|'.join('---' for _ in range(20))}|\n|{_ROW}|"


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.split("\n"))


def listed(text: str) -> str:
    return f"- Do:\n\n{indented(text)}"


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))


WIDE = {
    "text": LONG_LINE,
    "word": "x" * 300,
    "fence": f"```python\n{LONG_LINE}\n```",
    "fence without an end": f"~~~\n{LONG_LINE}",
    "indented": f"    {LONG_LINE}",
    "inline code": f"`{LONG_LINE}`",
    "heading": f"# `{LONG_LINE}`",
    "table": _TABLE,
    "link": f"[{'words ' * 50}](https://example.org/{'x' * 300})",
    "picture": f"![{'words ' * 50}](https://example.org/{'x' * 300})",
    "deep list": "\n".join(f"{'  ' * depth}- {LONG_LINE}" for depth in range(15)),
    "deep quote": f"{'>' * 15} {LONG_LINE}",
    "no breaks": "\N{NO-BREAK SPACE}".join(["word"] * 90),
}


@pytest.mark.parametrize("around", [str, quoted, listed, lambda text: quoted(listed(text))])
@pytest.mark.parametrize("name", WIDE)
def test_whatever_is_wide_can_be_reached_to_its_end(
    view: SafeMarkdown, name: str, around: Callable[[str], str]
) -> None:
    view.show_markdown(f"Before\n\n{around(WIDE[name])}\n\nAfter")
    for _ in range(4):
        QApplication.processEvents()
    assert view.width() <= 500
    for text in texts(view):
        bar = text.horizontalScrollBar()
        assert bar.maximum() + text.viewport().width() >= text.document().size().width() - 1
        assert bar.isVisible() == bool(bar.maximum())
        text.moveCursor(QTextCursor.MoveOperation.End)
        bar.setValue(bar.maximum())
        document = text.document()
        ends = [line_end(document.findBlockByNumber(n)) for n in range(document.blockCount())]
        assert max(ends) <= bar.maximum() + text.viewport().width() + 1


def test_code_begins_at_its_left_also_in_a_window_from_the_right(
    style: Style, qtbot: QtBot, qapp: QApplication
) -> None:
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    try:
        page = QScrollArea()
        page.setWidgetResizable(True)
        qtbot.addWidget(page)
        view = SafeMarkdown(style)
        page.setWidget(view)
        page.resize(500, 400)
        page.show()
        view.show_markdown(f"```\n{LONG_LINE}\n```\n\n{_TABLE}\n\n\u05e9\u05dc\u05d5\u05dd?")
        code, table, hebrew = texts(view)
        for wide in (code, table):
            qtbot.waitUntil(wide.horizontalScrollBar().isVisible)
            first_letter = wide.cursorRect(QTextCursor(wide.document()))
            assert first_letter.x() >= 0
        line = hebrew.document().begin().layout().lineAt(0)
        assert line.naturalTextRect().right() > hebrew.viewport().width() - 2
    finally:
        qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def line_end(block: QTextBlock) -> float:
    """The right end of the widest line of a block, in its document."""
    layout = block.layout()
    left = block.document().documentLayout().blockBoundingRect(block).left()
    lines = (layout.lineAt(number) for number in range(layout.lineCount()))
    return max((left + line.naturalTextRect().right() for line in lines), default=0.0)


def test_each_paragraph_runs_as_its_letters_do(view: SafeMarkdown) -> None:
    view.show_markdown("\u05e9\u05dc\u05d5\u05dd?\n\nHello?")
    block = texts(view)[0].document().begin()
    assert block.textDirection() is Qt.LayoutDirection.RightToLeft
    assert block.next().textDirection() is Qt.LayoutDirection.LeftToRight
    view.show_markdown("```\n\u05e9\u05dc\u05d5\u05dd = 1;\n```")
    assert boxes(view)[0].text.document().begin().textDirection() is Qt.LayoutDirection.LeftToRight


def test_plain_text_is_word_for_word(view: SafeMarkdown) -> None:
    text = "2*3*4 = 24\n  __init__.py <b>x</b> &amp; [a](b)\n\n\n```\nno code"
    view.show_markdown("# once *other*\n\n```\nx\n```")
    view.show_plain(text)
    assert view.toPlainText() == text


STRANGE: list[Callable[[], str]] = [
    lambda: "x" * 100_000,
    lambda: ">" * 5000,
    lambda: "- " * 5000,
    lambda: "\n".join("  " * depth + "- a" for depth in range(500)),
    lambda: "![a](b) " * 4000,
    lambda: "[a](b) " * 4000,
    lambda: "*_" * 20_000,
    lambda: "[" * 20_000,
    lambda: "\n" * 50_000,
    lambda: "a\n\n" * 50_000,
    lambda: "a|" * 3000 + "\n" + "-|" * 3000 + "\n",
    lambda: "NUL \0 and \u202e marks",
]


@pytest.mark.parametrize("make", STRANGE)
@pytest.mark.timeout(60)  # quadratic work takes minutes
def test_strange_text_is_shown_somehow(view: SafeMarkdown, make: Callable[[], str]) -> None:
    view.show_markdown(make())
    assert "\0" not in view.toPlainText()
    QApplication.processEvents()
    assert view.sizeHint().height() < 60_000
