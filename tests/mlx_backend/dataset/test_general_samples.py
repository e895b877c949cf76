"""The base model's own answers to general prompts: written once, kept, taken in equal shares."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlx_backend.dataset.general_samples import (
    DRAWS,
    GENERAL_ANSWERS,
    GeneralAnswers,
    general_answers,
    general_prompts,
    upkeep,
)
from mlx_backend.dataset.samples import GENERAL


class Writer:
    """Answers every prompt with what it is the how manieth of."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer_all(self, prompts: Sequence[str]) -> list[str]:
        first = len(self.asked)
        self.asked += prompts
        return [f"answer {first + i}" for i in range(len(prompts))]


def never() -> bool:
    return False


def test_every_prompt_is_answered_as_often_and_only_once_for_all_runs(tmp_path: Path) -> None:
    writer = Writer()
    found = general_answers(tmp_path, "model", writer.answer_all, never)
    assert Counter(writer.asked) == Counter(general_prompts() * DRAWS)
    assert len(set(found.pairs)) == len(general_prompts()) * DRAWS
    assert general_answers(tmp_path, "model", writer.answer_all, never) == found
    assert len(writer.asked) == len(found.pairs)


def test_cut_short_it_goes_on_where_it_was(tmp_path: Path) -> None:
    writer = Writer()
    limit = iter([False, True])
    first = general_answers(tmp_path, "model", writer.answer_all, lambda: next(limit))
    assert 0 < len(first.pairs) < len(general_prompts())
    found = general_answers(tmp_path, "model", writer.answer_all, never)
    assert found.pairs[: len(first.pairs)] == first.pairs
    assert Counter(writer.asked) == Counter(general_prompts() * DRAWS)


def test_it_is_told_how_many_are_there(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    limit = iter([False, True])
    general_answers(
        tmp_path, "model", Writer().answer_all, lambda: next(limit), lambda *it: told.append(it)
    )
    total = len(general_prompts()) * DRAWS
    assert [whole for _, whole in told] == [total] * len(told)
    assert told[0][0] == 0 < told[-1][0] < total
    general_answers(tmp_path, "model", Writer().answer_all, never, lambda *it: told.append(it))
    assert told[-1] == (total, total)
    written = len(told)
    general_answers(tmp_path, "model", Writer().answer_all, never, lambda *it: told.append(it))
    assert len(told) == written  # nothing is left to write


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"sha256": 1}'])
def test_a_damaged_file_is_written_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / GENERAL_ANSWERS).write_bytes(content)
    found = general_answers(tmp_path, "model", Writer().answer_all, never)
    assert len(found.pairs) == len(general_prompts()) * DRAWS


def test_another_model_has_its_own(tmp_path: Path) -> None:
    general_answers(tmp_path, "model", Writer().answer_all, never)
    writer = Writer()
    general_answers(tmp_path, "other", writer.answer_all, never)
    assert len(writer.asked) == len(general_prompts()) * DRAWS


@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_as_many_as_wanted_each_as_often_as_the_others(count: int) -> None:
    answers = GeneralAnswers("model", (("a", "A"), ("b", "B"), ("c", "C"), ("d", " ")))
    samples = upkeep(answers, count, random.Random(0))
    assert len(samples) == count
    assert {sample.kind for sample in samples} <= {GENERAL}
    often = Counter(sample.prompt for sample in samples)
    assert "d" not in often  # it said nothing
    assert max(often.values(), default=0) - min((often[p] for p in "abc"), default=0) <= 1


def test_nothing_said_is_nothing_to_keep() -> None:
    assert upkeep(GeneralAnswers("model", (("a", ""),)), 5, random.Random(0)) == []
