"""The one table of kinds of answers."""

from __future__ import annotations

import pytest

from mlx_backend.text.answer_kinds import ANSWER_KINDS, AnswerKind, kind_named


def test_every_kind_is_found_by_its_own_name() -> None:
    assert [kind_named(kind.name) for kind in ANSWER_KINDS] == list(ANSWER_KINDS)


def test_a_sample_of_another_kind_asks_for_none_of_them() -> None:
    assert kind_named("complement") is None


@pytest.mark.parametrize("kind", ANSWER_KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_a_use(kind: AnswerKind) -> None:
    assert kind.forms or kind.asked
    assert bool(kind.asked) == bool(kind.in_statement)
    assert not kind.question_has or kind.forms


@pytest.mark.parametrize("kind", ANSWER_KINDS, ids=lambda kind: kind.name)
def test_a_question_word_names_only_a_noun_that_the_form_has(kind: AnswerKind) -> None:
    for form in kind.forms:
        has_noun = "noun" in form.pattern.groupindex
        assert form.question_words
        assert all(("{}" in word) == has_noun for word in form.question_words)
