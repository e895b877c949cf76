"""More of a note is shown where it is not clear which of its statements answers."""

from __future__ import annotations

import dataclasses

import pytest

from mlx_backend.asking.quoting import evidence, quote
from mlx_backend.asking.retrieval import FoundPassage
from tests.mlx_backend.asking.judged import by_words

KILN = FoundPassage(
    id=7, note_id=3, title="Kiln", path="/n/kiln.md", heading="", start=0, end=0, score=2.0,
    text="",
)  # fmt: skip
OPENS = "The kiln has a switch for the fan of the kiln."
TELLS = "The switch of the fan is the red lever."
FAR = "Soup is eaten at noon."
WHEN = "The fan was built on 3 May 1990."


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "likelihoods_after", by_words)


def noted(text: str) -> FoundPassage:
    return dataclasses.replace(KILN, text=text, end=len(text))


def shown(question: str, *passages: FoundPassage) -> str:
    found = quote(None, question, passages)  # type: ignore[arg-type]
    assert found is not None
    return found.text


def test_what_is_nearly_as_good_is_shown_in_the_order_of_the_note() -> None:
    answer = shown("What is the switch for the fan of the kiln?", noted(f"{OPENS} {TELLS} {FAR}"))
    assert answer == f"Kiln: {OPENS} {TELLS}"


def test_a_little_between_two_pieces_is_shown_and_much_is_not() -> None:
    question = "What is the switch for the fan of the kiln?"
    assert FAR in shown(question, noted(f"{OPENS} {FAR} {TELLS}"))
    long = " ".join(f"Soup {number} is eaten at noon." for number in range(20))
    answer = shown(question, noted(f"{OPENS} {long} {TELLS}"))
    assert answer == f"Kiln:\n\n{OPENS}\n\n{TELLS}"


def test_no_heading_comes_with_what_is_between() -> None:
    text = f"{OPENS}\n\n## Soup\n\n{TELLS}"
    answer = shown("What is the switch for the fan of the kiln?", noted(text))
    assert answer == f"Kiln:\n\n{OPENS}\n\n{TELLS}"


def test_an_answer_with_a_sure_sign_stands_alone() -> None:
    answer = shown("When was the fan of the kiln built?", noted(f"{OPENS} {WHEN} {TELLS}"))
    assert answer == f"Kiln: {WHEN}"


def test_other_notes_are_not_mixed_in() -> None:
    other = dataclasses.replace(noted(TELLS), id=8, note_id=4, title="Fan")
    answer = shown("What is the switch for the fan of the kiln?", noted(OPENS), other)
    assert TELLS not in answer or OPENS not in answer
