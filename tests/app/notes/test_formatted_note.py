"""A Markdown note in the preview: formatted or as its source, with its places marked in both."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSlider
from pytestqt.qtbot import QtBot

from app.notes.formatted_note import FormattedNote
from app.notes.page import NotesPage
from app.notes.text_marks import marks_of, shown_text
from app.notes.word_places import WordPlaces
from app.services import Services
from app.shell.window import Window
from app.text.qt_positions import QtPlaces
from app.widgets.code_box import CodeBox
from app.widgets.markdown_parts import PartKind, parts_of
from mlx_backend.library import Library
from mlx_backend.library.curation_findings import Reason
from mlx_backend.library.database import opened
from mlx_backend.library.notes import NewNote, Notes
from tests.app.filled import add_notes

NOTE = """# Rye 🌊 bread

The **starter** is called _Gladys_. See [the mill](https://example.org/mill).

| flour | grams |
|---|---|
| rye | 500 |

```python
print("bread")
```

1. Mix
2. Bake ![loaf](file:///etc/loaf.png)

---

The password is hunter22. The same footer.
"""


def add_markdown(library: Library, title: str, text: str, kind: str = "markdown") -> int:
    with opened(library.database) as db:
        Notes(db).save([NewNote(f"/n/{title}", "/n", title, text, title, 9, 9, (), kind=kind)])
        return next(note.id for note in Notes(db).summaries() if note.title == title)


def cited_marks(text: str, words: str) -> tuple[int, int]:
    start = text.index(words)
    return start, start + len(words)


@pytest.fixture
def notes(window: Window, qtbot: QtBot) -> NotesPage:
    page = window.page("notes")
    assert isinstance(page, NotesPage)
    return page


@pytest.fixture
def formatted(services: Services, qtbot: QtBot) -> FormattedNote:
    view = FormattedNote(services.style)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    return view


def show(page: NotesPage, note: int, title: str, qtbot: QtBot) -> None:
    page.refresh()
    qtbot.waitUntil(lambda: bool(page.table.rows_of((note,))))
    page.show_place(note, 0, 0)
    qtbot.waitUntil(lambda: page.preview.title.text() == title)


def plain(view: FormattedNote) -> str:
    return "\n".join(shown.text.toPlainText() for shown in view._shown)


def test_a_markdown_note_is_formatted_and_its_source_one_click_away(
    notes: NotesPage, qtbot: QtBot, library: Library, window: Window
) -> None:
    note, other = add_markdown(library, "Bread", NOTE), add_markdown(library, "Salt", "*Salt*")
    show(notes, note, "Bread", qtbot)
    preview = notes.preview
    assert preview.look.isVisible()
    assert preview.formatted.isVisible()
    assert not preview.text.isVisible()
    qtbot.waitUntil(lambda: plain(preview.formatted).endswith("footer."))
    text = plain(preview.formatted)
    assert "The starter is called Gladys. See the mill (https://example.org/mill)." in text
    assert "[picture: file:///etc/loaf.png]" in text
    assert "**" not in text
    assert "```" not in text
    (box,) = preview.formatted.findChildren(CodeBox)
    assert box.text.toPlainText() == 'print("bread")'
    QTest.mouseClick(preview.look.buttons[1], Qt.MouseButton.LeftButton)
    assert preview.text.isVisible()
    assert preview.text.toPlainText() == NOTE
    show(notes, other, "Salt", qtbot)  # and so it stays, for other notes and other days
    assert preview.text.isVisible()
    assert preview.look.buttons[1].isChecked()
    QTest.keyClick(preview.look.buttons[1], Qt.Key.Key_Left)
    assert preview.formatted.isVisible()
    assert preview.look.buttons[0].hasFocus()
    assert plain(preview.formatted) == "Salt"


def test_how_notes_are_read_is_remembered(
    services: Services, qtbot: QtBot, library: Library
) -> None:
    note = add_markdown(library, "Bread", NOTE)
    for look, is_formatted in ((1, True), (0, False), (None, True)):
        page = NotesPage(services)
        qtbot.addWidget(page)
        page.show()
        show(page, note, "Bread", qtbot)
        assert page.preview.formatted.isVisible() is is_formatted
        if look is not None:
            QTest.mouseClick(page.preview.look.buttons[look], Qt.MouseButton.LeftButton)


def test_plain_text_stays_plain(notes: NotesPage, qtbot: QtBot, library: Library) -> None:
    markdown = add_markdown(library, "Bread", NOTE)
    add_notes(library, {"Sums": "2*3*4 = 24\n# no *heading*"})
    with opened(library.database) as db:
        note = next(each.id for each in Notes(db).summaries() if each.title == "Sums")
    show(notes, markdown, "Bread", qtbot)
    show(notes, note, "Sums", qtbot)
    assert not notes.preview.look.isVisible()
    assert notes.preview.text.isVisible()
    assert notes.preview.text.toPlainText() == "2*3*4 = 24\n# no *heading*"


def test_a_source_is_marked_where_it_is_formatted(
    notes: NotesPage, qtbot: QtBot, library: Library, window: Window
) -> None:
    filler = "Nothing *here*. \U0001f9f6\n\n" * 600
    quote = "The **tide** is\n_high_ at six."
    text = f"{filler}{quote}\n\n{filler}"
    note = add_markdown(library, "Tides", text)
    window.show_page("notes")
    notes.refresh()
    qtbot.waitUntil(lambda: bool(notes.table.rows_of((note,))))
    notes.show_place(note, *cited_marks(text, quote))
    view = notes.preview.formatted
    qtbot.waitUntil(lambda: view.highlights() == ["The tide is high at six."])
    shown = next(s for s in view._shown if s.text.extraSelections())

    def is_seen() -> bool:
        cursor = shown.text.document().find("tide")
        centre = shown.text.cursorRect(cursor).center()
        place = shown.text.viewport().mapTo(view.viewport(), centre)
        return view.viewport().rect().contains(place)

    qtbot.waitUntil(lambda: is_seen() and view.verticalScrollBar().value() > 0)
    qtbot.waitUntil(lambda: not view._waiting)
    qtbot.wait(20)
    assert is_seen()
    assert notes.preview.told.text() == "The answer is from here."
    bar = view.verticalScrollBar()
    bar.triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
    notes.refresh()  # looking again leaves the person where they are
    qtbot.wait(50)
    assert bar.value() == 0


def test_a_place_that_has_no_words_is_shown_in_the_source(
    notes: NotesPage, qtbot: QtBot, library: Library, window: Window
) -> None:
    note = add_markdown(library, "Bread", NOTE)
    window.show_page("notes")
    notes.refresh()
    qtbot.waitUntil(lambda: bool(notes.table.rows_of((note,))))
    notes.show_place(note, *cited_marks(NOTE, "\n---\n"))
    qtbot.waitUntil(notes.preview.text.isVisible)
    assert notes.preview.look.buttons[1].isChecked()
    other = add_markdown(library, "Salt", "*Salt*")
    show(notes, other, "Salt", qtbot)  # this once: the person chose nothing
    assert notes.preview.formatted.isVisible()


def test_what_is_not_taught_is_marked_too(
    services: Services, formatted: FormattedNote, qtbot: QtBot
) -> None:
    secret, footer = cited_marks(NOTE, "hunter22"), cited_marks(NOTE, "The same footer.")
    reasons = [
        Reason("secrets", "", False, False, None, None, "password", (secret,)),
        Reason("boilerplate", "Stands in many notes.", False, False, None, None, "", (footer,)),
    ]
    marks = marks_of(NOTE, (), reasons, used=True, cited=cited_marks(NOTE, "rye | 500"))
    formatted.show_text(shown_text(NOTE), marks)
    qtbot.waitUntil(lambda: not formatted._waiting)
    assert formatted.highlights() == ["rye500", "hunter22", "The same footer."]
    last = formatted._shown[-1].text
    told: list[str] = []
    formatted.told.connect(told.append)
    cursor = last.document().find("hunter22")
    place = last.cursorRect(cursor).center() - QPoint(20, 0)
    QTest.mouseClick(last.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert told[-1] == "Masked before training: password."
    services.style.set_appearance("dark")
    assert formatted.highlights() == ["rye500", "hunter22", "The same footer."]
    formatted.show_text(shown_text(NOTE), ())
    assert formatted.highlights() == []


def test_a_long_note_is_there_to_its_end(formatted: FormattedNote, qtbot: QtBot) -> None:
    text = "\n".join(f"- item {n}" for n in range(3000)) + "\n\n```\nx\n```\n" * 400 + "\nThe end"
    formatted.show_text(text, ())
    qtbot.waitUntil(lambda: plain(formatted).endswith("The end"), timeout=60_000)
    assert "item 2999" in plain(formatted)
    assert formatted._page.width() <= 400


@pytest.mark.parametrize("width", [250, 700])
def test_nothing_is_wider_than_the_pane(formatted: FormattedNote, qtbot: QtBot, width: int) -> None:
    heads = "|".join(f"heading_{n}" for n in range(30))
    rule = "|".join("-" for _ in range(30))
    formatted.show_text(f"{'x' * 900}\n\n|{heads}|\n|{rule}|\n|{heads}|\n\n    {'y' * 500}", ())
    formatted.resize(width, 300)
    qtbot.waitUntil(lambda: not formatted._waiting)
    qtbot.waitUntil(lambda: formatted.viewport().width() <= width)
    qtbot.wait(10)
    for shown in formatted._shown:
        document, bar = shown.text.document(), shown.text.horizontalScrollBar()
        assert bar.maximum() + shown.text.viewport().width() >= document.size().width() - 1
        assert shown.view.geometry().right() <= formatted.viewport().width()


def test_parts_cover_the_text_in_order() -> None:
    parts = parts_of(NOTE)
    assert [part.kind for part in parts] == [
        PartKind.TEXT, PartKind.TABLE, PartKind.CODE, PartKind.TEXT,
    ]  # fmt: skip
    assert all(a.end <= b.start for a, b in itertools.pairwise(parts))
    for part in parts:
        if part.kind is not PartKind.CODE:
            assert NOTE[part.start : part.end] == part.text


def test_places_of_words_and_back() -> None:
    words = WordPlaces("a 🌊 **b** [c](d) e b", "a 🌊 b c (d) e b")
    assert words.shown(5, 8) == (5, 6)
    assert words.shown(19, 20) == (15, 16)
    assert words.shown(2, 3) is None
    text = "a🌊b🌊🌊c"
    places = QtPlaces(text)
    for place in range(len(text) + 1):
        assert places.in_python(places.in_qt(place)) == place
