"""The reading exam: its questions, its marks, and when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from mlx_backend.adoption.trial.reading_exam import (
    NEEDED,
    questions,
    result_of,
    take_reading_exam,
)
from mlx_backend.asking.grounding import cited
from mlx_backend.protocol import DECLINED
from mlx_backend.text.answer_matching import is_right


def test_thirty_questions_in_six_languages_a_third_without_an_answer() -> None:
    languages = Counter(each.language for each in questions())
    assert languages == {"en": 10, "de": 4, "fr": 4, "es": 4, "it": 4, "pt": 4}
    assert sum(not each.answers for each in questions()) == 10
    assert {each.language for each in questions() if not each.answers} == set(languages)
    assert len({each.title for each in questions()}) == 30


def test_answers_stand_in_their_passage_and_not_in_the_question() -> None:
    for each in questions():
        if each.answers:
            assert is_right(each.text, each.answers), each.title
            assert not is_right(f"{each.title} {each.question}", each.answers), each.title


def test_the_first_questions_have_answers_in_five_languages() -> None:
    first = questions()[:5]
    assert all(each.answers for each in first)
    assert len({each.language for each in first}) == 5


def test_whoever_reads_has_all_right() -> None:
    told: list[tuple[int, int]] = []
    marked = take_reading_exam(perfect, lambda *step: told.append(step))
    result = result_of(marked)
    assert (result.asked, result.right) == (30, 30)
    assert result.is_passed
    assert told[-1] == (30, 30)


def test_whoever_always_declines_fails() -> None:
    for answer in (DECLINED, "", "I do not know."):
        result = result_of(take_reading_exam(partial(always, answer)))
        assert not result.is_passed
        assert result.asked == 5
    assert sum(not each.answers for each in questions()) < NEEDED


def test_whoever_has_one_of_the_first_is_asked_the_rest() -> None:
    first = questions()[0]

    def only_the_first(prompts: Sequence[str], most: int) -> list[str]:
        return [first.answers[0] if prompt == first.prompt else "?" for prompt in prompts]

    result = result_of(take_reading_exam(only_the_first))
    assert (result.asked, result.right) == (30, 1)
    assert not result.is_passed


def test_declining_is_wrong_where_the_passage_tells() -> None:
    question = questions()[0]
    assert question.is_right(cited(f"It is the {question.answers[0]} one.", 1))
    assert not question.is_right(f"{DECLINED} Perhaps {question.answers[0]}.")


def always(answer: str, prompts: Sequence[str], most: int) -> list[str]:
    return [answer] * len(prompts)


def perfect(prompts: Sequence[str], max_tokens: int) -> list[str]:
    by_prompt = {each.prompt: each for each in questions()}
    return [(by_prompt[prompt].answers or (DECLINED,))[0] for prompt in prompts]
