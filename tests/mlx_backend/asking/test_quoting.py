from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import mlx.core as mx
import pytest

from mlx_backend.asking.answering import answer_from_notes
from mlx_backend.asking.question_kinds import asked_kind, asked_noun, has_kind
from mlx_backend.asking.quoting import evidence, quote
from mlx_backend.asking.quoting.evidence import (
    Evidence,
    has_unknown_code,
    is_enough,
    unknown_things,
)
from mlx_backend.asking.retrieval import FoundPassage, Retriever
from mlx_backend.exam.grounded import take_grounded_exam
from mlx_backend.exam.marking import ExamQuestion
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import Listener
from mlx_backend.protocol import DECLINED, Sampling, Turn
from tests.mlx_backend.arrays import numpy
from tests.mlx_backend.asking.judged import by_words
from tests.mlx_backend.made import make_adapter

MILL = FoundPassage(
    id=7, note_id=3, title="Mill", path="/n/mill.md", heading="", start=0, end=90, score=2.0,
    text="The mill was painted by Oskar in 1990. Its sails are 12 metres long. The door is green.",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "likelihoods_after", by_words)


PLUM = Turn(role="user", text="Who planted the plum tree?")
Form = Literal["NFC", "NFD"]


def filled(notes: Notes) -> Retriever:
    retriever = Retriever(notes.connection)
    retriever.refresh()
    return retriever


def quoted(question: str) -> str:
    found = quote(None, question, [MILL])  # type: ignore[arg-type]
    assert found is None or found.passage is MILL
    return found.text if found else ""


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who painted the mill?", "Mill: The mill was painted by Oskar in 1990."),
        ("How long are the sails?", "Mill: Its sails are 12 metres long."),
        ("What colour is the door?", "Mill: The door is green."),
        ("How old is Oskar?", "Mill: The mill was painted by Oskar in 1990."),
        ("What is the name of the miller's dog?", ""),
        ("When was the piano of the church tuned?", ""),
    ],
)
def test_the_statement_that_answers_or_none(question: str, answer: str) -> None:
    assert quoted(question) == answer


def test_what_is_quoted_stands_in_the_note_letter_for_letter() -> None:
    text = "So 2*3*4 = 24\nis the sum. The file __init__.py holds **no**\ncode."
    note = dataclasses.replace(MILL, title="Sums", text=text)
    for question, words in (
        ("What is the sum?", "So 2*3*4 = 24\nis the sum."),
        ("Which code does the file hold?", "The file __init__.py holds **no**\ncode."),
    ):
        found = quote(None, question, [note])  # type: ignore[arg-type]
        assert found is not None
        assert found.words in text
        assert (found.words, found.text) == (words, f"Sums: {words}")


@pytest.mark.parametrize(
    ("question", "has", "has_not"),
    [
        ("What colour is it?", "It is pale green.", "It is large."),
        ("How old is Ida?", "Ida was born in 1950.", "Ida is a painter."),
        ("How tall is the tower?", "The tower has 40 m.", "The tower is old."),
        ("When is it due?", "It is due on 4 May.", "It is due."),
        ("Who came?", "Then Oskar came.", "then it came."),
        ("Where is it?", "It is behind the door.", "It is on Mondays."),
        ("What does Ida earn?", "Ida is paid 310 a week.", "Ida paints every evening."),
        (
            "What is the rent of the mill?",
            "Rent: 410 euros.",
            "We rent the mill from 1 May, 410 m.",
        ),
        ("How much does it cost?", "It was twelve pounds.", "It has 12 sails."),
        ("How much money is there?", "The fund stands at 212 euros.", "There are 212 members."),
        ("How many are there?", "There are twelve.", "There are many."),
        ("What is the phone number of Ida?", "Call 0431 5512.", "Call Ida, number 4."),
        ("What is its serial number?", "It has AB1234 on its back.", "It was bought in May 2021."),
        ("Who lit the lamp of Ida?", "It was lit by Emil.", "Lamp of Ida, lit in May."),
        ("Who lit the lamp?", "It was lit by my old aunt.", "Broken is the lamp."),
        ("who lit the lamp?", "the lamp was lit by oskar", "the lamp was lit early"),
        ("What is the name of the dog?", "The dog is called Rex.", "The dog is old."),
        ("Where did they sail?", "They sailed to Oslo.", "They sailed a lot."),
    ],
)
def test_what_a_question_asks_for_is_known_by_its_look(
    question: str, has: str, has_not: str
) -> None:
    kind = asked_kind(question)
    assert has_kind(kind, has, question)
    assert not has_kind(kind, has_not, question)


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Which subscription did we cancel?", "We cancelled the Netflix subscription."),
        ("What is the deposit scheme called?", "Our deposit scheme is called SafeKeep."),
        ("Which fare zone is the office in?", "The office is in fare zone B."),
        ("What does the solar panel charge?", "The solar panel charges the shed battery."),
        ("What did the delay cost us?", "The delay cost us the contract with Lund."),
        ("How much did lunch cost?", "Lunch at Rosa's was 12.50."),
        ("How much did lunch cost?", "Lunch at Rosa's was 12."),
        ("What does the clinic earn for a visit?", "The clinic charges 40 for a visit."),
        ("What is the fee?", "It is CHF 500."),
        ("What is the fee?", "It is kr 500."),
        ("How much paid leave do I get?", "I get 25 days of paid leave."),
    ],
)
def test_what_only_looks_like_money_is_no_hindrance(question: str, statement: str) -> None:
    kind = asked_kind(question)
    assert kind is None or not kind.is_unmistakable or has_kind(kind, statement, question)


def test_what_is_asked_for_stands_before_a_clause() -> None:
    assert asked_kind("What broke when it rained?") is None
    assert asked_kind("Which boat sank where Ida swam?") is None
    kind = asked_kind("When did the boat sink that Ida had, where she swam?")
    assert kind is not None
    assert kind.name == "point in time"
    money = asked_kind("When I moved to Oslo, how much rent did I pay?")
    assert money is not None
    assert money.name == "money"
    assert asked_kind("Who was Ada Lovelace?") is None


@pytest.mark.parametrize(
    "statement",
    [
        "Łukasz lit it.",
        "Это починил Иван.",
        "房东是李明。",
        "The dish is called apple crumble.",
        "It was lit by her sister.",
        "the lamp was lit by oskar",
        "It was lit by Rose.",
    ],
)
def test_somebody_is_known_in_any_script(statement: str) -> None:
    assert has_kind(asked_kind("Who lit the lamp?"), statement, "Who lit the lamp?")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who fixed the boiler?", "Mark fixed the boiler."),
        ("Who pays the rent of the flat?", "The students pay the rent of the flat."),
        ("Who was Ada Lovelace?", "Ada Lovelace was a mathematician and wrote a program."),
        ("What is the name of the config file?", "The name of the config file is `set.toml`."),
        ("How do I install Python3?", "Install Python with brew."),
        ("How many euros is the rent of the flat?", "The rent of the flat is € 900."),
        ("How do I convert mp4 videos?", "Convert videos with the converter."),
    ],
)
def test_what_the_words_say_is_not_declined(question: str, text: str) -> None:
    note = dataclasses.replace(MILL, title="House", text=text, end=len(text))
    assert quote(None, question, [note]) is not None  # type: ignore[arg-type]


def test_a_name_of_letters_and_digits_must_be_there() -> None:
    note = "Thawed strain K-41; the meter M 7 runs firmware v2.9 and reads YL77."
    for question in (
        "How is K-41?",
        "What is the M7?",
        "Is v2.9 out?",
        "Is YL-77 fast?",
        "At 5pm?",
    ):
        assert not has_unknown_code(question, note)
    for strange in ("K-58", "K-4", "the M1"):
        assert has_unknown_code(f"What is the doubling time of {strange}?", note)


@pytest.mark.parametrize(
    ("question", "noun"),
    [
        ("Which fruit goes in the soup?", "fruit"),
        ("In which drawer is it?", "drawer"),
        ("Which courier company picks up our parcels?", "company"),
        ("What is it called?", ""),
        ("What should we bring?", ""),
        ("What kind of thing is it?", ""),
    ],
)
def test_the_noun_that_an_answer_is_one_of(question: str, noun: str) -> None:
    assert asked_noun(question) == noun


def test_a_question_of_any_kind_takes_any_statement() -> None:
    assert has_kind(asked_kind("What about the mill?"), "It turns.", "What about the mill?")


def test_things_that_no_passage_names() -> None:
    assert unknown_things("What is the name of the miller's dog?", "The miller sleeps.") == ["dog"]
    assert unknown_things("Which fruit is in the soup?", "The soup has an orange.") == []
    assert unknown_things("What kind of fruit is in the soup?", "The soup has an orange.") == []
    assert unknown_things("Who are the auditors?", "The audit is done by Ida.") == []
    assert unknown_things("Who painted it?", "Oskar paints.") == []


def test_thin_evidence_is_enough_only_for_what_the_passages_know() -> None:
    thin = Evidence(likelihood=0.1, words=0.1, titled_words=0.2, has_kind=True)
    assert is_enough(thin, [], "")
    assert not is_enough(thin, ["dog"], "")
    assert not is_enough(Evidence(5.0, 0.6, 0.6, has_kind=False), [], "")
    assert is_enough(Evidence(5.0, 0.9, 0.95, has_kind=False), [], "")
    assert not is_enough(
        Evidence(5.0, 0.9, 0.95, has_kind=False, kind_is_unmistakable=True), [], ""
    )
    likely = Evidence(5.0, 0.1, 0.1, has_kind=True)
    assert is_enough(likely, ["dog"], "What did the dog eat?")
    assert not is_enough(likely, ["dog"], "What is the name of Ida's old dog?")
    assert is_enough(likely, ["name"], "What is the name of Ida's dog?")
    assert not is_enough(likely, ["dog"], "How long is Ida's dog run?")
    assert is_enough(likely, ["budget"], "What's budget talk?")


def test_a_small_model_quotes_as_its_base_and_keeps_its_adapter(
    filled_library: Library,
    notes: Notes,
    loaded: LoadedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def logits(model: LoadedModel) -> list[float]:
        return numpy(model.model(mx.array([[1, 2, 3]]))[0, -1]).tolist()  # type: ignore[no-any-return]

    def judged(model: LoadedModel, *texts: Sequence[str]) -> list[list[float]]:
        seen.append(logits(model))
        return by_words(model, *texts)

    seen: list[list[float]] = []
    monkeypatch.setattr(evidence, "likelihoods_after", judged)
    chat, base = ChatModel(loaded), logits(loaded)
    chat.use([(make_adapter(tmp_path, loaded, "first"), 1.0)])
    adapted = logits(loaded)
    assert adapted != base
    answer_from_notes(chat, filled(notes), [PLUM], Sampling())
    take_grounded_exam([ExamQuestion(PLUM.text, ("Emil",))], chat, filled(notes), lambda _: [])
    assert seen == [base, base]
    assert logits(loaded) == adapted


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_of_a_question_may_be_typed_either_way(
    tiny_library: Library,
    notes: Notes,
    loaded: LoadedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: Form,
) -> None:
    def judged(
        model: LoadedModel, contexts: Sequence[str], texts: Sequence[str]
    ) -> list[list[float]]:
        asked.update(texts)
        return by_words(model, contexts, texts)

    asked: set[str] = set()
    monkeypatch.setattr(evidence, "likelihoods_after", judged)
    (tmp_path / "a.md").write_text("# Café\n\nThe Zoë was built by Ida.\n", encoding="utf-8")
    import_into(tiny_library, [tmp_path / "a.md"])
    turn = Turn(role="user", text=unicodedata.normalize(form, "Who built the Zoë?"))
    found = answer_from_notes(ChatModel(loaded), filled(notes), [turn], Sampling())
    assert "built by Ida" in found.answer.text
    assert asked == {"Who built the Zoë?"}


def test_a_quoted_answer_is_told_and_cited(
    filled_library: Library, notes: Notes, loaded: LoadedModel
) -> None:
    retriever = filled(notes)
    told: list[str] = []
    found = answer_from_notes(
        ChatModel(loaded), retriever, [PLUM], Sampling(), Listener(told.append)
    )
    assert found.from_notes
    assert not told  # it is no word of a model, and is there at once
    assert "The plum tree was planted by grandfather Emil in 1952" in found.answer.text
    assert [citation.title for citation in found.citations] == ["Garden plan"]
    turns = [Turn(role="user", text="What is the colour of the plum tree?")]
    declined = answer_from_notes(ChatModel(loaded), retriever, turns, Sampling())
    assert declined.answer.text == DECLINED
    assert declined.looked_up[0].title == "Garden plan"  # what comes closest
    (cited,) = found.citations
    assert all(
        each.note != cited.note or each.start >= cited.end or each.end <= cited.start
        for each in found.looked_up
    )
