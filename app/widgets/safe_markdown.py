"""Shows a model's Markdown without trusting it: no HTML, no pictures, no link opens by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.style import Space, Style
from app.text.hidden_characters import revealed
from app.text.math_text import readable_maths
from app.widgets.code_box import CodeBox
from app.widgets.fitted_text import FittedText, shortened
from app.widgets.link_menu import offer_link
from app.widgets.markdown_document import fill, is_strange, rule_tables
from app.widgets.markdown_parts import Part, PartKind, parts_of


class MarkdownText(FittedText):
    """A part of a Markdown text that is not code; what is too wide, like a table, is scrolled."""

    def __init__(self, kind: PartKind, links: bool = False) -> None:
        super().__init__(scrolls=True, whole_words=kind is PartKind.TABLE)
        self._shown: str | None = None
        self._links = links
        if links:
            self.setTextInteractionFlags(
                self.textInteractionFlags()
                | Qt.TextInteractionFlag.LinksAccessibleByMouse
                | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
            )
            self.anchorClicked.connect(lambda url: offer_link(self, url))

    def show_markdown(self, text: str) -> None:
        """Show a text that anyone may have written."""
        if text != self._shown:
            self._shown = text
            self._fill(text)
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        # Headings have sizes of their own, and tables lines.
        is_other = event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange)
        if is_other and self._shown is not None:
            # What stands out stands where it did, for the words are the same.
            marks = self.extraSelections()
            places = [(mark.cursor.anchor(), mark.cursor.position()) for mark in marks]
            self._fill(self._shown)
            for mark, (start, end) in zip(marks, places, strict=True):
                mark.cursor.setPosition(start)
                mark.cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            self.setExtraSelections(marks)
        super().changeEvent(event)

    def _fill(self, text: str) -> None:
        with self.unmoved():
            fill(self.document(), text, self._links)
            rule_tables(self.document(), self.palette().mid())


PartView = FittedText | CodeBox


class SafeMarkdown(QWidget):
    """As tall as its text is at its width; code and tables in boxes that scroll sideways."""

    def __init__(self, style: Style, links: bool = False) -> None:
        super().__init__()
        self._style = style
        self._links = links
        self._parts: list[Part] = []
        self.views: list[PartView] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(Space.ONE)

    def show_markdown(self, text: str) -> None:
        """Show a text that anyone may have written. Parts that stay the same are kept."""
        parts = parts_of(shortened(revealed(text)))
        self._show([as_it_is(part) if is_strange(part) else _with_maths(part) for part in parts])

    def show_plain(self, text: str) -> None:
        """Show a text as it is."""
        self._show([Part(PartKind.PLAIN, revealed(text), 0, len(text))])

    def toPlainText(self) -> str:
        """What can be read."""
        return "\n".join(text_of(view).toPlainText() for view in self.views)

    def _show(self, parts: Sequence[Part]) -> None:
        kept = 0
        for old, new in zip(self._parts, parts, strict=False):
            if old.kind is not new.kind:
                break
            kept += 1
        for view in self.views[kept:]:
            self._column.removeWidget(view)
            view.deleteLater()
        del self.views[kept:]
        for place, part in enumerate(parts):
            if place == len(self.views):
                self.views.append(part_view(part.kind, self._style, self._links))
                self._column.addWidget(self.views[-1])
                self.views[-1].resize(self.size())
            view = self.views[place]
            show_part(view, part)
            if isinstance(view, FittedText):
                view.setAccessibleName(self.accessibleName())
        self._parts = list(parts)


def as_it_is(part: Part) -> Part:
    """A part to be shown without looking for Markdown in it."""
    return replace(part, kind=PartKind.PLAIN)


def _with_maths(part: Part) -> Part:
    if part.kind in (PartKind.TEXT, PartKind.TABLE):
        return replace(part, text=readable_maths(part.text))
    return part


def part_view(kind: PartKind, style: Style, links: bool = False) -> PartView:
    """A view for parts of this kind."""
    match kind:
        case PartKind.CODE:
            return CodeBox(style)
        case PartKind.PLAIN:
            return FittedText()
        case _:
            return MarkdownText(kind, links)


def show_part(view: PartView, part: Part) -> None:
    """Show a part in a view for its kind."""
    if isinstance(view, CodeBox):
        view.show_code(part.text, part.language)
    elif isinstance(view, MarkdownText):
        view.show_markdown(part.text)
    elif view.toPlainText() != part.text:
        view.show_plain(part.text)


def text_of(view: PartView) -> FittedText:
    """The widget that holds the text of a part."""
    return view.text if isinstance(view, CodeBox) else view
