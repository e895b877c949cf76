"""A run's report: its fields on disk are a contract, and those of any version are read."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import RunReport, TrainingEnd, read_report
from mlx_backend.protocol.report import (
    AdaptationReport,
    Coverage,
    EnergyReport,
    ExamItem,
    ExamScores,
    FiledAdapter,
    GeneralScores,
    HeldOutNote,
    LeftOut,
    NotLearned,
    StyleLosses,
    TrainingReport,
)
from tests.data.unpacking import unpack
from tests.mlx_backend.protocol.contract import ADAPTED, ALWAYS, FACTS, GENERAL, LATER, MEASURED

WHOLE = RunReport(
    filed=FiledAdapter(run="r", path="/a/n", adapter="n", report="/r/report.json"),
    training=TrainingReport(
        valid_loss=1.5, ended=TrainingEnd.NO_GAIN, held_out=(HeldOutNote(note=3, after=1.5),)
    ),
    adaptation=AdaptationReport(rank=16, learning_rate=1e-3, divergence=0.05),
    left_out=LeftOut(notes_read=4, cut=(NotLearned(note=3, prompt="Who?"),)),
    exam=ExamScores(asked=1, after=1, items=(ExamItem(question="Who?", answers=("Ida",)),)),
    style=StyleLosses(before=2.0),
    general=GeneralScores(asked=30, before=20, after=19),
    energy=EnergyReport(watt_hours=0.0, how="measured"),
    coverage=Coverage(facts=9, asked=8, known=7, both_ways=3),
)


def test_all_that_was_measured_stands_side_by_side() -> None:
    fields = WHOLE.fields()
    assert fields.keys() == ALWAYS | ADAPTED | FACTS | GENERAL | MEASURED | {"report"}
    assert fields["exam_asked"] == 1
    assert fields["valid_loss"] == 1.5
    assert fields["ended"] == "no gain"
    assert fields["general_after"] == 19
    assert fields["style_after"] is None
    assert (fields["facts"], fields["facts_asked"], fields["facts_known"]) == (9, 8, 7)


def test_what_was_not_measured_has_no_fields() -> None:
    assert RunReport().fields().keys() == ALWAYS


@pytest.mark.parametrize("report", [WHOLE, RunReport()])
def test_a_report_comes_back_from_its_file(report: RunReport) -> None:
    assert read_report(msgspec.json.decode(msgspec.json.encode(report.fields()))) == report


def test_items_and_samples_have_the_fields_that_they_had_before() -> None:
    fields = json.loads(msgspec.json.encode(WHOLE.fields()))
    assert fields["exam"] == [
        {
            "question": "Who?",
            "answers": ["Ida"],
            "before": "",
            "after": "",
            "right_before": False,
            "right_after": False,
        }
    ]
    assert fields["cut"] == [{"note": 3, "prompt": "Who?"}]
    assert fields["held_out"] == [{"note": 3, "before": None, "after": 1.5}]


_NAMES = sorted(ALWAYS | ADAPTED | FACTS | GENERAL | MEASURED | {"report"})


@pytest.mark.parametrize("key", _NAMES)
@pytest.mark.parametrize("value", [None, {}, [[]], "odd", -1.5, {"steps": 3}])
def test_what_makes_no_sense_is_left_out_and_the_rest_is_kept(key: str, value: object) -> None:
    report = read_report(WHOLE.fields() | {key: value})
    other = "adapter" if key == "steps" else "steps"
    assert report.fields()[other] == WHOLE.fields()[other]


def test_what_later_versions_measure_has_fields_where_it_was_measured() -> None:
    item = ExamItem(question="Who?", by_meaning_before=False, by_meaning_after=True, by_other=True)
    exam = ExamScores(
        asked=1, items=(item,), set_aside=3, by_words_before=0, by_words_after=2,
        by_meaning_before=0, by_meaning_after=1,
    )  # fmt: skip
    report = RunReport(exam=exam, general=GeneralScores(asked=30, gained=0, lost=2))
    fields = report.fields()
    assert fields.keys() == ALWAYS | GENERAL | LATER
    assert read_report(msgspec.json.decode(msgspec.json.encode(fields))) == report


@pytest.mark.parametrize("key", sorted(LATER))
@pytest.mark.parametrize("value", [{}, [[]], "odd", -1.5])
def test_what_makes_no_sense_of_these_is_left_out_too(key: str, value: object) -> None:
    assert read_report(WHOLE.fields() | {key: value}) == WHOLE


def test_names_of_parts_are_no_fields() -> None:
    assert read_report({"training": {"steps": 3}, "study": {"used": 1}}) == RunReport()


def test_a_later_reason_to_end_is_left_out() -> None:
    assert read_report({"ended": "full moon", "steps": 3}).training == TrainingReport(steps=3)


def test_reports_of_version_0_1_are_read_whole(tmp_path: Path) -> None:
    library = Library.open(unpack(tmp_path))
    reports = list(library.runs.glob("*/report.json"))
    assert len(reports) == 2
    for path in reports:
        written = json.loads(path.read_bytes())
        read = read_report(written).fields()
        assert json.loads(msgspec.json.encode(read)) == written
        result = JobFolder(path.parent).status().result
        assert json.loads(msgspec.json.encode(read_report(result).fields())) == result
