"""Measuring before and after the training: within its time, with its progress told."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.exam.sizing import Costs, Measuring
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.run import assessment
from mlx_backend.run.assessment import (
    Assessment,
    assess_again,
    assess_once,
    expected_measuring,
    judged_meanings,
)
from mlx_backend.run.exam_telling import Watch
from mlx_backend.run.reporting import exam_scores, general_scores
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.training.recorder import Recorder

ASKED = tuple(
    Sample(f"Who keeps lamp {i}?", f"Lamp: Ida {i} does.", 1, 1, "name", f"Ida {i}")
    for i in range(20)
)


@pytest.fixture
def held_out() -> Dataset:
    return Dataset(train=(), held_out=ASKED, versions={})


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that takes a second for an answer; a full probe takes four minutes."""
    monkeypatch.setattr(assessment, "measured_costs", lambda *_: Costs(1.0, 0.0, 1.0, 240.0))


def test_it_is_measured_how_much_fits(loaded: LoadedModel, held_out: Dataset) -> None:
    whole = expected_measuring(loaded, held_out, 1e6, is_base=True)
    assert (whole.exam, whole.choosing) == (20, 0)
    assert whole.seconds > 0
    none = expected_measuring(loaded, held_out, 0.0, is_base=True)
    assert none.exam == none.every == 0


@pytest.mark.usefixtures("slow")
def test_before_and_after_ask_the_same_questions_and_not_all(
    loaded: LoadedModel, held_out: Dataset, tmp_path: Path
) -> None:
    before = assess_once(tmp_path / "before.json", loaded, held_out, 25.0, True)
    assert 8 <= len(before.exam.items) < 20
    assert before.probe is None, "there is no time for general questions"
    after = assess_again(loaded, held_out, before)
    assert [i.question for i in after.exam.items] == [i.question for i in before.exam.items]
    scores = exam_scores(before, after, held_out)
    assert (scores.asked, scores.set_aside) == (len(before.exam.items), 20)
    assert scores.not_asked == 20 - len(before.exam.items)
    assert scores.by_meaning_after is None
    assert general_scores(before, after).fields() == {}


@pytest.mark.usefixtures("slow")
def test_a_resumed_run_reads_what_was_measured(
    loaded: LoadedModel, held_out: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "before.json"
    before = assess_once(path, loaded, held_out, 25.0, True)
    assert assess_once(path, loaded, held_out, 1e6, True) == before


def test_the_exam_is_told_as_it_goes_on(
    loaded: LoadedModel, held_out: Dataset, tmp_path: Path
) -> None:
    events = Recorder()
    found = assess_once(tmp_path / "b.json", loaded, held_out, 1e6, True, Watch(events))
    told = [answer for event in events.of(protocol.Examined) for answer in event.answers]
    assert [each.question for each in told] == [sample.prompt for sample in ASKED]
    assert sum(each.right for each in told) == found.exam.right
    done = [e.done for e in events.of(protocol.Progress) if e.total]
    assert done[0] == 0
    assert done[-1] == 20
    assert done == sorted(done)
    assert {e.unit for e in events.of(protocol.Progress)} == {"questions"}
    assert all((e.remaining_s or 0.0) >= 0 for e in events.of(protocol.Progress))


def test_it_can_be_ended_between_batches_and_leaves_nothing(
    loaded: LoadedModel, held_out: Dataset, tmp_path: Path
) -> None:
    def stop() -> None:
        raise StoppedEarly

    with pytest.raises(StoppedEarly):
        assess_once(tmp_path / "b.json", loaded, held_out, 1e6, True, Watch(check=stop))
    assert not (tmp_path / "b.json").exists()


def test_what_version_0_1_measured_before_is_measured_again_as_it_was(
    loaded: LoadedModel, held_out: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "before.json"
    items = [
        {"question": s.prompt, "answers": [s.key], "text": "?", "right": False, "citations": []}
        for s in ASKED[:3]
    ]
    probe = {"asked": 3, "right": 1, "perplexity": 20.0, "seconds": 9.0}
    old = {"exam": {"items": items, "seconds": 2.0}, "probe": probe, "style": None, "seconds": 4.0}
    path.write_bytes(msgspec.json.encode(old))
    before = assess_once(path, loaded, held_out, 1e6, True)
    assert before.measuring is None
    assert before.choosing == 0
    assert before.again_s == 11.0
    after = assess_again(loaded, held_out, before)
    assert len(after.exam.items) == after.probe.asked == 3  # type: ignore[union-attr]
    scores = general_scores(before, after)
    assert (scores.gained, scores.lost) == (None, None)


def test_a_model_that_quotes_is_no_judge(loaded: LoadedModel, held_out: Dataset) -> None:
    assert not loaded.info.reads
    assert judged_meanings(loaded, held_out, Assessment(), Assessment()) is None


def test_how_long_it_takes_again_counts_what_was_expected() -> None:
    known = Assessment(seconds=3.0, measuring=Measuring(after_s=40.0, choosing=8, choosing_s=9.0))
    assert (known.again_s, known.choosing, known.choosing_s) == (40.0, 8, 9.0)
