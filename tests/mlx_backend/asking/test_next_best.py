"""More of a note is shown where it is not clear which of its statements answers."""

from __future__ import annotations

import dataclasses

import pytest

from mlx_backend.asking.quoting import evidence, quote
from mlx_backend.asking.quoting.surroundings import Surroundings
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


def test_no_other_row_comes_with_the_row_that_answers() -> None:
    table = (
        "| room | lamp |\n|---|---|\n| kitchen | globe lamp, E27 |\n| bath | mirror lamp, G9 |\n"
        "| hall | globe lamp, E14 |\n"
    )
    answer = shown("What bulb has the globe lamp of the kitchen?", noted(table))
    assert "E27" in answer
    assert "G9" not in answer


def test_what_may_not_be_shown_is_not_shown_in_between() -> None:
    text = f"{OPENS} The code is hunter2 here. {TELLS}"
    hidden = text.index("hunter2")

    def masked(start: int, end: int) -> str:
        return (text[:hidden] + "*******" + text[hidden + 7 :])[start:end]

    def around(passage: FoundPassage) -> Surroundings:
        return Surroundings(passage, text, 0, masked)

    question = "What is the switch for the fan of the kiln?"
    found = quote(None, question, [noted(text)], around)  # type: ignore[arg-type]
    assert found is not None
    assert found.text == f"Kiln: {OPENS} The code is ******* here. {TELLS}"


def test_an_answer_to_the_note_s_own_question_brings_what_its_colon_announces() -> None:
    text = "So, where does the kiln put its ash? Let us look:\n\n```\n/var/ash\n```\n"
    answer = shown("Where does the kiln put its ash?", noted(text))
    assert answer.endswith("Let us look:\n\n```\n/var/ash\n```")
    answer = shown("Where does the kiln put its ash?", noted(text.replace("? Let", "?\n\nLet")))
    assert answer.endswith("Let us look:\n\n```\n/var/ash\n```")


def test_other_notes_are_not_mixed_in() -> None:
    other = dataclasses.replace(noted(TELLS), id=8, note_id=4, title="Fan")
    answer = shown("What is the switch for the fan of the kiln?", noted(OPENS), other)
    assert TELLS not in answer or OPENS not in answer
