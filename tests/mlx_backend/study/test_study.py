from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mlx_backend.library import Library
from mlx_backend.library.drop_reasons import READS_BADLY, READS_WORSE
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import Yield
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.likelihood import Reading
from mlx_backend.study import study as study_module
from mlx_backend.study.by_model import group_writing
from mlx_backend.study.by_model.writer import Writer
from mlx_backend.study.by_rule import rule_writer
from mlx_backend.study.study import Study, StudyPlan, StudyProgress


@pytest.fixture
def passages(filled_library: Library, notes: Notes) -> list[Passage]:
    return list(notes.passages())


Run = Callable[..., Yield]


@pytest.fixture
def study(notes: Notes, passages: list[Passage], loaded: LoadedModel) -> Run:
    """Studies all passages with the tiny model, and returns the sums over their samples."""

    def run(
        stop: Callable[[], bool] = lambda: False,
        seconds: float | None = None,
        told: list[StudyProgress] | None = None,
    ) -> Yield:
        deadline = None if seconds is None else time.time() + seconds
        heard: list[StudyProgress] = [] if told is None else told
        found = Study(Samples(notes.connection), StudyPlan(deadline, 0), heard.append, stop)
        return found.run(passages, lambda: Writer(loaded))

    return run


def written_by(notes: Notes) -> dict[str, int]:
    rows = notes.connection.execute("SELECT writer, count(*) AS n FROM samples GROUP BY writer")
    return {row["writer"]: row["n"] for row in rows}


def test_rules_and_model_write_and_filters_say_why(notes: Notes, study: Run) -> None:
    found = study()
    assert set(written_by(notes)) == {"rules", "tiny"}
    assert 0 < found.used < found.written
    assert found.used + sum(found.dropped.values()) == found.written
    kept = [sample for sample, _ in Samples(notes.connection).used()]
    assert "What is the name of" not in {sample.prompt for sample in kept}
    assert all(sample.quote and sample.answer for sample in kept)


def test_passages_that_state_much_are_saved_one_by_one(
    study: Run, passages: list[Passage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_writing, "_STATEMENTS_AT_ONCE", 1)
    told: list[StudyProgress] = []
    study(told=told)
    done = [progress.done for progress in told if progress.by_model]
    assert done == list(range(1, len(passages) + 1))


def test_what_was_studied_is_not_studied_again(notes: Notes, study: Run) -> None:
    study()
    rows = notes.connection.execute("SELECT id, prompt FROM samples").fetchall()
    told: list[StudyProgress] = []
    study(told=told)
    assert told == []
    again = notes.connection.execute("SELECT id, prompt FROM samples").fetchall()
    assert [tuple(row) for row in again] == [tuple(row) for row in rows]


def test_many_notes_that_were_studied_are_no_progress(
    notes: Notes, study: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "_NOTES_AT_ONCE", 1)
    first: list[StudyProgress] = []
    study(seconds=0.0, told=first)
    assert first
    again: list[StudyProgress] = []
    study(seconds=0.0, told=again)
    assert again == []


def test_stopped_it_goes_on_where_it_was(notes: Notes, study: Run) -> None:
    study(stop=lambda: True)
    first = written_by(notes)
    assert "tiny" not in first
    ids = {row["id"] for row in notes.connection.execute("SELECT id FROM samples")}
    study()
    assert written_by(notes)["rules"] == first["rules"]
    assert ids <= {row["id"] for row in notes.connection.execute("SELECT id FROM samples")}


def test_without_time_only_the_rules_write(notes: Notes, study: Run) -> None:
    study(seconds=0.0)
    assert set(written_by(notes)) == {"rules"}


def test_progress_reaches_the_end(study: Run) -> None:
    told: list[StudyProgress] = []
    study(told=told)
    assert told[-1].by_model
    assert told[-1].done == told[-1].total


def test_of_twins_the_likelier_stays_and_what_nobody_would_ask_goes(
    notes: Notes, passages: list[Passage], loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = (
        "Who runs the shop?", "What runs the shop?", "When is the shop run?", "Who runs the?"
    )  # fmt: skip
    samples = Samples(notes.connection)
    drafts = [
        Draft(kind="name", prompt=prompt, answer="Ida.", key="Ida", quote="Ida runs the shop.")
        for prompt in prompts
    ]
    samples.save(rule_writer.WRITER, [(passages[0], drafts)])
    read = (Reading(-2, -1), Reading(-4, -1), Reading(-9, -1), Reading(-2, -5))
    likely = dict(zip(prompts, read, strict=True))
    monkeypatch.setattr(Writer, "weigh", lambda _, drafts: [likely[text] for _, text in drafts])
    Study(samples, StudyPlan(None, 0), lambda _: None, lambda: False).run(
        passages[:1], lambda: Writer(loaded)
    )
    rows = notes.connection.execute("SELECT prompt, dropped FROM samples WHERE writer = 'rules'")
    assert {row["prompt"]: row["dropped"] for row in rows} == {
        prompts[0]: "", prompts[1]: READS_WORSE, prompts[2]: READS_BADLY, prompts[3]: READS_BADLY,
    }  # fmt: skip
