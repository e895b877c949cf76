"""How long an answer from the notes takes in a large library, and what reading less of them saves.

Both ways of weighing run one after the other on the same candidates, in one process. They are
measured in seconds of the processor, whose ratio means something on a busy machine too; the seconds
until the first word are those of a clock, and mean something only on an idle one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

import pytest

from mlx_backend.asking.answering import answer_from_notes
from mlx_backend.asking.question_kinds import wanted
from mlx_backend.asking.quoting.candidates import candidates_of, distinct
from mlx_backend.asking.quoting.surroundings import notes_around
from mlx_backend.asking.retrieval import Retriever
from mlx_backend.exam.marking import read_questions
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.models import STARTER
from mlx_backend.library.notes import Notes
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.likelihood import likelihoods, likelihoods_after
from mlx_backend.protocol import Sampling, Turn
from tests.benchmarks.invented_notes import invented_notes

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

_T = TypeVar("_T")
_NOTES = 2_000
_HOUSE = Path(__file__).parent / "river_house"
_QUESTIONS = 4
_PASSAGES = 8


@dataclass
class _Took:
    """Seconds of each question: by the clock, of `old` and `new` of the processor."""

    finding: list[float]
    old: list[float]
    new: list[float]
    whole: list[float]


@pytest.fixture
def home(tmp_path: Path, real_starter: Path) -> Library:
    """A library with the real starter."""
    library = Library.open(tmp_path / "home")
    (library.models / STARTER).symlink_to(real_starter)
    return library


@pytest.fixture
def filled(home: Library) -> Iterator[Retriever]:
    """2,000 invented notes, and those of a house, with passages as an import makes them."""
    import_into(home, [_HOUSE / "notes"])
    with database.opened(home.database) as connection:
        Notes(connection).save(invented_notes(_NOTES))
        retriever = Retriever(connection)
        retriever.refresh()
        yield retriever


def test_an_answer_from_two_thousand_notes(filled: Retriever, home: Library) -> None:
    began = time.perf_counter()
    model = ChatModel(load_base_model(home, STARTER))
    loading = time.perf_counter() - began
    took = _Took([], [], [], [])
    first, *questions = read_questions(_HOUSE / "questions.tsv")[: _QUESTIONS + 1]
    _measure(model, filled, first.text, _Took([], [], [], []))  # loads the dictionary
    for question in questions:
        _measure(model, filled, question.text, took)
    old, new = median(took.old), median(took.new)
    print(
        f"\n{_NOTES:,} notes, {_PASSAGES} passages; the model is loaded in {loading:.1f} s."
        "\nMedians a question:"
        f"\n  finding passages       {median(took.finding):6.2f} s"
        f"\n  rows read whole        {old:6.2f} s"
        f"\n  contexts read once     {new:6.2f} s ({new / old:.2f} of it)"
        f"\n  until the first word   {median(took.whole):6.2f} s, longest {max(took.whole):.2f} s"
    )


def _measure(model: ChatModel, retriever: Retriever, question: str, took: _Took) -> None:
    turns = [Turn(role="user", text=question)]
    passages = _timed(took.finding, lambda: retriever.find(question, _PASSAGES))
    around = notes_around(retriever.connection)
    asked = wanted(question)
    candidates = distinct([c for each in passages for c in candidates_of(around(each), asked)])
    contexts = [f"Note: {passages[0].title}\nQuestion:"]
    contexts += [f"Note: {each.title}\n{each.text}\nQuestion:" for each in candidates]
    with model.as_base() as base:
        both = [question] * len(contexts)
        old = _timed(took.old, lambda: likelihoods(base, contexts, both), time.process_time)
        new = _timed(
            took.new, lambda: likelihoods_after(base, contexts, [question]), time.process_time
        )
    assert [each[0] for each in new] == pytest.approx(old, abs=1e-3)
    answer = _timed(took.whole, lambda: answer_from_notes(model, retriever, turns, Sampling()))
    assert answer.from_notes


def _timed(
    times: list[float], work: Callable[[], _T], clock: Callable[[], float] = time.perf_counter
) -> _T:
    began = clock()
    result = work()
    times.append(clock() - began)
    return result
