"""The morning report: what it says, where it opens, and what it makes of odd results."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.notes.page import NotesPage
from app.shell.window import Window
from app.tonight import report_story
from app.tonight.page import TonightPage
from mlx_backend import protocol
from mlx_backend.exam.verdict import verdict
from mlx_backend.library import Library
from mlx_backend.protocol.report import (
    ExamItem,
    ExamScores,
    GeneralScores,
    Judgement,
    RunReport,
    TrainingReport,
    read_report,
)
from scripts.screenshots import recorded_library
from tests.app.filled import add_notes
from tests.app.recorded import RunMaker

PageMaker = Callable[[], TonightPage]


def test_the_verdict_comes_first_and_the_chat_is_a_click_away(
    make_page: PageMaker, qtbot: QtBot, library: Library
) -> None:
    recorded_library.record_night(library)
    page = make_page()
    qtbot.waitUntil(page.run.report.isVisible)
    assert page.title.text() == "Morning Report"
    assert page.run.title.text() == (
        "The model answers 4 of 6 questions about your notes that it was not trained on; before: 0."
    )
    assert page.run.sentence.text().startswith("“Notes 23 November” was ready today")
    with qtbot.waitSignal(page.chat_wanted) as wanted:
        page.run.chat.click()
    assert wanted.args == ["Notes 23 November"]


def test_all_of_the_night_is_told(make_page: PageMaker, qtbot: QtBot, library: Library) -> None:
    recorded_library.record_night(library)
    page = make_page()
    report = page.run.report
    qtbot.waitUntil(report.isVisible)
    assert (report.exam.now_text.text(), report.exam.before_text.text()) == ("4 of 6", "0 of 6")
    assert (report.exam.now.value(), report.exam.now.maximum()) == (4, 6)
    assert "There are 2,410 samples about your notes" in report.study.text()
    assert "It keeps 2,105" in report.study.text()
    assert report.coverage.text() == "It knows 1,204 of 1,310 facts by heart."
    assert report.thrown_out.text().splitlines()[1:3] == [
        "138 said something that their note does not",
        "71 were like others",
    ]
    assert report.general.now_text.text() == "78 of 120"
    assert report.kept.text() == "It forgot next to nothing of these."
    assert "better than before: it writes more like you" in report.style_told.text()
    night = report.night.accessible_text()
    for figure in ("7 h 12 min in all", "1 h 4 min of it for study", "1.7 GB", "about 84 Wh"):
        assert figure in night
    assert report.energy.text() == (
        "Energy: estimated from the processor's time, 3.5 W for a busy core."
    )
    assert "From my notes" in report.advice.text()


def test_examples_are_right_and_wrong_and_all_on_request(
    make_page: PageMaker, qtbot: QtBot, library: Library
) -> None:
    recorded_library.record_night(library)
    page = make_page()
    examples = page.run.report.examples
    qtbot.waitUntil(examples.isVisible)
    assert len(examples.views) == 5
    wrong = examples.views[-1]
    assert wrong.question.text() == "In which drawer does Comma sleep?"
    assert wrong.right.text() == "atlas drawer"
    assert wrong.right.isVisible()
    assert not examples.views[0].right.isVisible()
    examples.all.click()
    assert len(examples.views) == 6
    assert not examples.all.isVisible()


def test_no_jargon_until_details_are_opened(
    make_page: PageMaker, qtbot: QtBot, library: Library
) -> None:
    recorded_library.record_night(library)
    page = make_page()
    report = page.run.report
    qtbot.waitUntil(report.isVisible)
    assert not report.numbers.isVisible()
    assert not page.run.chart.isVisible()
    assert not page.run.figures.isVisible()
    report.details.button.click()
    assert report.numbers.isVisible()
    assert page.run.chart.isVisible()
    assert page.run.chart.points()[0] == 600


def test_the_samples_are_a_click_away(
    stand_ins: None, window: Window, qtbot: QtBot, library: Library
) -> None:
    add_notes(library)
    recorded_library.record_night(library)
    window.show_page("tonight")
    page = cast(TonightPage, window.page("tonight"))
    qtbot.waitUntil(page.run.report.isVisible)
    page.run.report.samples.click()
    assert cast(NotesPage, window.page("notes")).samples.isVisible()


@pytest.fixture
def night(library: Library) -> str:
    """A night that was over before the window opened; the id of its run."""
    return recorded_library.record_night(library).id


def test_the_morning_begins_with_it(
    stand_ins: None, night: str, window: Window, qtbot: QtBot
) -> None:
    page = cast(TonightPage, window.page("tonight"))
    qtbot.waitUntil(page.run.report.isVisible)


def test_a_run_of_an_older_version_shows_as_it_did(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker
) -> None:
    result: dict[str, object] = {"exam_asked": 9, "exam_before": 1, "exam_after": 5, "notes": 25}
    make_run(name="Old", steps=100, last=(protocol.Finished(result=result),))
    page = make_page()
    qtbot.waitUntil(page.run.isVisible)
    assert page.title.text() == "Tonight"
    assert page.run.title.text() == "Old"
    assert not page.run.report.isVisible()
    assert page.run.chart.isVisible()
    assert "it answers 5; before, it answered 1" in page.run.sentence.text()


def test_a_training_that_did_not_help_says_so_in_its_first_line(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker
) -> None:
    result: dict[str, object] = {"exam_asked": 9, "exam_before": 2, "exam_after": 1, "steps": 3}
    result |= {"verdict": verdict(read_report(result)), "planned_steps": 100}
    make_run(last=(protocol.Finished(result=result),))
    page = make_page()
    qtbot.waitUntil(page.run.report.isVisible)
    assert page.run.title.text().startswith("The training did not help: 1 of 9")
    report = page.run.report
    assert not report.study.isVisible()
    assert not report.general.isVisible()
    assert not report.advice.isVisible()


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, ""),
        ({"facts": 0, "facts_asked": 0, "facts_known": 0}, ""),
        ({"facts": 9, "facts_asked": 0, "facts_known": 0}, ""),
        ({"facts": "many", "facts_asked": 9, "facts_known": 3}, ""),
        ({"facts": 9, "facts_asked": 10, "facts_known": 3}, ""),
        ({"facts": 9, "facts_asked": 5, "facts_known": 7}, ""),
        ({"facts": 9, "facts_asked": 5, "facts_known": -1}, ""),
        ({"facts": 9, "facts_asked": 9, "facts_known": 0}, "It knows 0 of 9 facts by heart."),
        (
            {"facts": 1310, "facts_asked": 1250, "facts_known": 1204},
            "It learned 1,310 facts. It was asked for 1,250 of them afterwards, and knows 1,204 of"
            " these by heart.",
        ),
    ],
)
def test_what_is_known_by_heart_is_told_where_it_was_found_out(
    make_page: PageMaker,
    qtbot: QtBot,
    make_run: RunMaker,
    facts: dict[str, object],
    told: str,
) -> None:
    result = {"exam_asked": 9, "exam_after": 1, "verdict": "It helped."} | facts
    make_run(last=(protocol.Finished(result=result),))
    page = make_page()
    qtbot.waitUntil(page.run.report.isVisible)
    assert page.run.report.coverage.text() == told
    assert page.run.report.coverage.isVisible() == bool(told)


@pytest.mark.parametrize(
    ("words", "told_last"),
    [
        ("adapter", "(the base model: 4)."),
        ("base", "because it reads better."),
        ("base where the adapter declines", "the base model answers."),
    ],
)
def test_how_it_answers_from_the_notes_is_told_where_that_was_asked(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker, words: str, told_last: str
) -> None:
    result = {
        "exam_asked": 9, "exam_after": 1, "verdict": "It helped.", "open_book_told": 17,
        "open_book_untold": 17, "open_book_right_before": 12, "open_book_right_after": 14,
        "open_book_declined_before": 4, "open_book_declined_after": 15, "open_book_words": words,
    }  # fmt: skip
    make_run(last=(protocol.Finished(result=result),))
    page = make_page()
    qtbot.waitUntil(page.run.report.isVisible)
    told = page.run.report.open_book.text()
    assert told.startswith("With your notes in view it answers 14 of 17 right (the base model: 12)")
    assert "it says so in 15 of 17 cases (the base model: 4)." in told
    assert told.endswith(told_last)


def test_another_run_replaces_it_and_it_can_be_looked_at_again(
    make_page: PageMaker, qtbot: QtBot, library: Library, make_run: RunMaker
) -> None:
    run = recorded_library.record_night(library)
    make_run(name="Stopped", last=(protocol.Stopped(step=20),), job_id="20990101-000000-aaaa")
    page = make_page()
    qtbot.waitUntil(lambda: page.run.title.text() == "Stopped")
    assert not page.run.report.isVisible()
    assert page.run.chart.isVisible()
    qtbot.waitUntil(lambda: page.history.view.model().rowCount() == 2)
    page.history.view.selectRow(1)
    qtbot.waitUntil(page.run.report.isVisible)
    assert page.run.run_id == run.id


def test_what_makes_no_sense_is_left_out() -> None:
    odd: dict[str, object] = {
        "verdict": "It helped.",
        "notes": "many",
        "exam": [{"question": 3}],
        "perplexity_before": None,
        "steps": 12,
        "unheard of": [1],
    }
    assert read_report(odd) == RunReport(
        judgement=Judgement(verdict="It helped."), training=TrainingReport(steps=12)
    )


@pytest.mark.parametrize(
    ("after", "perplexity", "says"),
    [
        (80, 20.0, "It lost nothing of these."),
        (78, 20.0, "It forgot next to nothing of these."),
        (70, 20.0, "It forgot some of these"),
        (80, 33.0, "it predicts text about other things less well"),
    ],
)
def test_forgetting_in_plain_words(after: int, perplexity: float, says: str) -> None:
    scores = GeneralScores(
        asked=120, before=79, after=after, perplexity_before=20.0, perplexity_after=perplexity
    )
    assert says in report_story.general(RunReport(general=scores))


def test_a_small_loss_may_be_chance() -> None:
    counted = GeneralScores(asked=80, before=60, after=55, gained=5, lost=10)
    told = report_story.general(RunReport(general=counted))
    assert told == "It answers fewer of these, but so small a difference may be chance alone."
    certain = msgspec.structs.replace(counted, after=50, gained=0)
    assert "It forgot some of these" in report_story.general(RunReport(general=certain))
    tie = msgspec.structs.replace(counted, after=60, gained=10)
    assert "as many are right as before" in report_story.general(RunReport(general=tie))


def test_how_the_exam_was_worded_and_how_much_of_it_was_asked() -> None:
    items = tuple(
        ExamItem(question=f"{i}?", right_after=i < 3, by_other=i % 2 == 0) for i in range(8)
    )
    told = report_story.exam(RunReport(exam=ExamScores(asked=8, items=items, set_aside=40)))
    assert "of these, it answers 2 of 4." in told
    assert told.endswith("There was time to ask 8 of 40.")
    plain = report_story.exam(RunReport(exam=ExamScores(asked=8, after=3)))
    assert plain.endswith("The model answers from memory.")


def test_both_counts_are_shown_where_answers_were_marked_by_their_meaning(
    make_page: PageMaker, qtbot: QtBot, make_run: RunMaker
) -> None:
    result: dict[str, object] = {"verdict": "Yes.", "exam_asked": 9, "exam_after": 5}
    make_run(last=(protocol.Finished(result=result),))
    page = make_page()
    qtbot.waitUntil(page.run.report.isVisible)
    assert not page.run.report.marks.isVisible()
    both: dict[str, object] = {"exam_by_words_after": 4, "exam_by_meaning_after": 6}
    make_run(last=(protocol.Finished(result=result | both),), job_id="20990101-000000-aaaa")
    qtbot.waitUntil(page.run.report.marks.isVisible)
    assert "Right by words: 4" in page.run.report.marks.text()
    assert "Right by meaning: 6" in page.run.report.marks.text()


def test_hostile_answers_stay_text(make_page: PageMaker, qtbot: QtBot, make_run: RunMaker) -> None:
    item = {"question": "<b>Who?</b>", "answers": ["<i>x</i>"], "after": "<img src=x>" * 40}
    result: dict[str, object] = {"verdict": "<h1>Yes</h1>", "exam_asked": 1, "exam": [item]}
    make_run(last=(protocol.Finished(result=result),))
    page = make_page()
    qtbot.waitUntil(page.run.report.isVisible)
    (view,) = page.run.report.examples.views
    assert page.run.title.text() == "<h1>Yes</h1>"
    assert view.question.text() == "<b>Who?</b>"
    assert view.now.text().endswith("…")
