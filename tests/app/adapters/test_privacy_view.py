from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.adapters.privacy_view import PrivacyView
from mlx_backend.protocol.privacy import Hit, Planted, PrivacyPage, Tested
from tests.app.adapters.sharing import CLEAR, FOUND, NAME


@pytest.fixture
def view(qtbot: QtBot) -> PrivacyView:
    view = PrivacyView()
    qtbot.addWidget(view)
    view.resize(640, 800)
    view.show()
    return view


def told(view: QWidget) -> list[str]:
    return [label.text() for label in view.findChildren(QLabel) if label.isVisible()]


def test_the_verdict_comes_first_and_then_what_was_looked_at(view: PrivacyView) -> None:
    view.show_page(CLEAR)
    said = told(view)
    assert view.verdict.text().startswith("I found nothing private.")
    assert "7 files (13 MB), for 1,540 of your places, names and secrets." in said
    assert (
        "I tested whether it remembers any of the 31 secrets in the 412 notes that it learned."
        in (said)
    )
    assert "In the files: nothing of yours." in said
    assert view.leave_out.isHidden()
    assert view.publish.isHidden()


def test_what_was_found_is_told_with_its_place_and_rank(view: PrivacyView) -> None:
    view.show_page(FOUND, "Publish Anyway")
    said = told(view)
    assert view.verdict.text() == "Better not share it like this."
    assert said.index("README.md, line 12") + 1 == said.index("The folder of your library.")
    rank = (
        "A secret of the kind password: the adapter finds it the 3rd likeliest of 1,000 like it;"
        " the base model the 412th."
    )
    assert said.index(f"“{NAME}”") + 1 == said.index(rank)
    assert view.leave_out.isVisible()
    assert view.publish.isVisible()


def test_a_note_whose_secret_is_repeated_can_be_left_out(view: PrivacyView, qtbot: QtBot) -> None:
    (example,) = CLEAR.continuations
    telling = msgspec.structs.replace(example, secrets=("password", "name"))
    view.show_page(msgspec.structs.replace(CLEAR, continuations=(telling,)))
    assert any(text.endswith("what is private: password and name.") for text in told(view))
    view.take_focus()
    assert view.leave_out.hasFocus()
    with qtbot.waitSignal(view.leave_out_wanted) as wanted:
        QTest.keyClick(view.leave_out, Qt.Key.Key_Space)
    assert wanted.args == [(3,)]


def test_examples_are_folded_and_show_base_beside_adapter(view: PrivacyView) -> None:
    view.show_page(CLEAR)
    assert "Gull Pantry" not in told(view)
    view.fold.button.setFocus()
    QTest.keyClick(view.fold.button, Qt.Key.Key_Space)
    said = told(view)
    assert "We counted <i>352</i> burrows on …" in said
    assert said[said.index("Base model") + 1 :][:3] == ["the beach", "Adapter", "Gull Pantry"]
    assert "2 words in a row as in the note; of the base model 1." in said
    view.show_page(PrivacyPage(adapter="Other"))
    assert view.fold.isHidden()


def test_what_invented_codes_showed_or_that_there_were_none(view: PrivacyView) -> None:
    view.show_page(CLEAR)
    said = told(view)
    (none,) = said[said.index("How much it memorises") + 1 :][:1]
    assert none.startswith("No invented codes were trained along")
    code = Planted(
        title="Tovaneth locker",
        rank=1,
        base_rank=412,
        of=1000,
        seen=44,
        is_usual=True,
        is_given_away=True,
    )
    view.show_page(msgspec.structs.replace(CLEAR, planted=(code,)))
    said = told(view)
    assert said[said.index("How much it memorises") + 1].startswith("Of 1 invented code")
    assert (
        "“Tovaneth locker”, shown 44 times: the adapter finds it the likeliest of 1,000 like it;"
        " the base model the 412th."
    ) in said
    view.show_page(PrivacyPage(adapter="Theirs"))
    assert "How much it memorises" not in told(view)


def test_text_of_notes_is_never_markup(view: PrivacyView) -> None:
    view.show_page(FOUND, "Publish Anyway")
    labels = view.findChildren(QLabel)
    assert any(NAME in label.text() for label in labels)
    assert {label.textFormat() for label in labels} == {Qt.TextFormat.PlainText}


def test_of_many_findings_some_are_shown_and_the_rest_counted(view: PrivacyView) -> None:
    hits = tuple(Hit(file=f"{n}.json", what="your name") for n in range(2000))
    view.show_page(PrivacyPage(adapter="A", hits=hits, tested=Tested(files=1)), "Publish Anyway")
    said = told(view)
    assert said.count("Your name.") == 20
    assert "And 1,980 more." in said
    assert view.leave_out.isHidden()


def test_a_stopped_page_says_that_it_is_not_whole(view: PrivacyView) -> None:
    view.show_page(PrivacyPage(adapter="A", stopped=True))
    assert "stopped" in view.verdict.text()
    assert view.steps.text() == "Start it again to see the whole page."
    assert "In the files: nothing of yours." not in told(view)


def test_escape_leads_back(view: PrivacyView, qtbot: QtBot) -> None:
    view.show_page(CLEAR)
    view.take_focus()
    assert view.back.hasFocus()
    with qtbot.waitSignal(view.left):
        QTest.keyClick(view.back, Qt.Key.Key_Escape)
