from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mlx_backend.asking.follow_up import leans, rewritten, search_text
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.answer import Answer
from mlx_backend.models.listener import NOBODY, Listener
from mlx_backend.protocol import Sampling, Turn


def talk(*texts: str) -> list[Turn]:
    roles = ("user", "assistant")
    return [Turn(role=roles[n % 2], text=text) for n, text in enumerate(texts)]  # type: ignore[arg-type]


MILL = ("Who painted the old mill in Torvik?", "Oskar Lind painted it.")


@pytest.mark.parametrize(
    "question",
    [
        "And when?",
        "Where does he live?",
        "What about the boat shed?",
        "Why?",
        "?",
        "",
        "Who did that?",
    ],
)
def test_questions_that_lean(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who painted the old mill?",
        "Which rope costs most in the shop?",
        "Wem gehört die Bohrmaschine?",
    ],
)
def test_questions_that_stand(question: str) -> None:
    assert not leans(question)
    assert search_text(talk(*MILL, question)) == question


def test_nouns_and_names_of_the_last_turns_are_searched_for_too() -> None:
    words = search_text(talk(*MILL, "Where does he live?")).split()
    assert words[:4] == ["Where", "does", "he", "live?"]
    assert {"mill", "torvik", "lind"} <= set(words[4:])
    assert "who" not in words[4:]


def test_only_the_last_turns_count_and_few_words() -> None:
    old = ("What does rope cost in the chandlery?", "Three crowns.")
    turns = talk(*old, *MILL, "Which colour has the goat of Flint?", "Brown.", "And her age?")
    assert "chandlery" not in search_text(turns)
    assert {"goat", "flint"} <= set(search_text(turns).split())
    many = " ".join(f"Name{n}" for n in range(50_000))
    assert len(search_text(talk(f"Who knows {many}?", many, "And her?")).split()) < 20


def test_a_first_question_is_searched_for_as_it_is() -> None:
    assert search_text(talk("And when?")) == "And when?"


@pytest.mark.parametrize("text", ["ومتى؟", "それはいつ?", "Und wann?", "\u202eneht"])
def test_other_languages_break_nothing(text: str) -> None:
    assert search_text(talk("Wer hat die Mühle gestrichen?", "Oskar.", text)).startswith(text)


class Rewriting:
    """Stands in for a model that reads."""

    def __init__(self, text: str, ended: str = "stop") -> None:
        self.text, self.ended = text, ended
        self.asked: list[Sequence[Turn]] = []
        self.heard: Listener | None = None

    def answer(self, turns: Sequence[Turn], sampling: Sampling, listener: Listener) -> Answer:
        assert sampling.temperature == 0
        assert sampling.max_tokens <= 64
        self.asked.append(turns)
        self.heard = listener
        if self.text == "too long":
            raise OvernightError(ErrorKind.TOO_LONG, "Too long.", "Shorten it.")
        return Answer(self.text, self.ended, 9, 0, 9, 1.0, 1.0)  # type: ignore[arg-type]


def search(model: Rewriting, *texts: str, listener: Listener = NOBODY) -> str:
    reader: Any = model
    return rewritten(reader, talk(*texts), listener)


def test_a_reader_puts_in_what_is_meant() -> None:
    model = Rewriting("Question: Where does Oskar Lind live?\nHe lives in Torvik.")
    found = search(model, *MILL, "Where does he live?")
    assert found == "Where does he live? Where does Oskar Lind live?"
    (turns,) = model.asked
    assert list(turns[:2]) == talk(*MILL)  # so that the prompt's cache serves the answer, too
    assert model.heard is not None
    assert not model.heard.lets_think


def test_a_short_question_in_another_language_is_rewritten() -> None:
    model = Rewriting("Wann hat Oskar die Mühle gestrichen?")
    found = search(model, "Wer hat die Mühle gestrichen?", "Oskar.", "Wann denn bitte war es?")
    assert found.endswith("Wann hat Oskar die Mühle gestrichen?")


@pytest.mark.parametrize("texts", [("And when?",), (*MILL, "What does rope cost in the shop?")])
def test_nothing_is_generated_where_it_is_not_needed(texts: tuple[str, ...]) -> None:
    model = Rewriting("Where does Oskar Lind live?")
    assert search(model, *texts) == texts[-1]
    assert model.asked == []


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("", "stop"),
        ("Where does Oskar Lind", "length"),
        ("Where does Oskar Lind", "cancelled"),
        ("Certainly, dear friend: penguins inhabit Antarctica mostly!", "stop"),
        ("too long", "stop"),
    ],
)
def test_what_is_of_no_use_is_not_searched_for(text: str, ended: str) -> None:
    found = search(Rewriting(text, ended), *MILL, "Where does he live?")
    assert found == search_text(talk(*MILL, "Where does he live?"))


def test_it_can_be_cancelled() -> None:
    model = Rewriting("", "cancelled")
    search(model, *MILL, "Where does he live?", listener=Listener(cancelled=lambda: True))
    assert model.heard is not None
    assert model.heard.cancelled()
