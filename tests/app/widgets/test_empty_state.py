from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.style import Size
from app.widgets.empty_state import EmptyState

SENTENCE = "Training comes first: no model has learned your notes yet. " * 3


@pytest.mark.parametrize("width", [Size.DIALOG - 120, Size.DIALOG + 400])
def test_the_sentence_is_whole_in_the_middle_whatever_the_width(width: int, qtbot: QtBot) -> None:
    state = EmptyState("chat", "Ask about your notes", SENTENCE, "Go to Tonight")
    qtbot.addWidget(state)
    state.resize(width, 500)
    state.show()
    QApplication.processEvents()
    text = state.sentence.geometry()
    assert state.width() == width
    assert state.rect().contains(text)
    assert text.width() <= Size.DIALOG
    assert text.height() >= state.sentence.heightForWidth(text.width())
    assert abs(text.center().x() - state.rect().center().x()) <= 1
