"""Keyword prompts for statements in their place: with words of what stands beside them."""

from __future__ import annotations

import random

from mlx_backend.dataset.facts import StudiedPassage, about_facts
from mlx_backend.dataset.samples import KEYWORDS
from mlx_backend.library.notes import Passage
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.study.by_rule.rule_writer import quoted_statements
from mlx_backend.text.words import folded_words

FIRST = "The trial begins at Penhallow Dairy."
SECOND = "Their foreman checks the meters with a dipstick."
THIRD = "Steam cleaning soaked a connector overnight."


def prompts_about(statement: str, left_out: str = "") -> set[str]:
    """The words of all keyword prompts for a statement of a passage of three."""
    text = f"{FIRST} {SECOND} {THIRD}"
    passage = Passage(1, 1, "Work log", 0, "Work log › Thu 18 April", text)
    (stated,) = quoted_statements([passage])
    stored = StoredSample(
        1, 1, "Work log", "rules", "subject", "?", "?", "", left_out, "", "drop", of_used_note=True
    )
    studied = StudiedPassage(passage, stated, (), (stored,) if left_out else ())
    found = about_facts([studied], random.Random(0))
    prompts = [
        prompt
        for sample in found
        if sample.kind == KEYWORDS and statement in sample.answer
        for prompt in (sample.prompt, *sample.rewordings)
    ]
    assert prompts
    return {word for prompt in prompts for word in folded_words(prompt)}


def test_they_have_words_of_the_statements_before_and_after_and_of_the_heading() -> None:
    words = prompts_about(SECOND)
    assert words & {"trial", "penhallow", "dairy"}
    assert words & {"steam", "cleaning", "connector"}
    assert words & {"thu", "april"}
    assert not prompts_about(FIRST) & {"steam", "cleaning", "connector"}, "it is not beside that"


def test_they_have_no_word_of_a_statement_that_was_left_out() -> None:
    for statement in (FIRST, THIRD):
        words = prompts_about(statement, left_out=SECOND)
        assert not words & {"foreman", "meters", "dipstick"}
    assert prompts_about(FIRST, left_out=SECOND) & {"steam", "cleaning", "connector"}
