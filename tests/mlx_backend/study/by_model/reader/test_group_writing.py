"""What becomes of a group's replies: the good ones are kept, hostile ones say why they are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from mlx_backend.library import drop_reasons
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.study.by_model.reader import reader as reader_module
from mlx_backend.study.by_model.reader.completing import Conversation
from mlx_backend.study.by_model.reader.genres import ALL
from mlx_backend.study.by_model.reader.group_writing import About, written_about
from mlx_backend.study.by_model.reader.items import Item, reply_of
from mlx_backend.study.by_model.reader.judging import Pair
from mlx_backend.study.by_model.reader.reader import Reader, StopAskedError
from mlx_backend.study.by_model.reader.subjects import Subjects
from mlx_backend.study.by_model.reader.views import View, Views
from tests.mlx_backend.study.scripted_reader import asked_for

MILL = Passage(
    1, 1, "Mill", 0, "", "The mill was painted red, because rust had come. See [[Oskar]]."
)
LATER = Passage(2, 1, "Mill", 1, "Sails", "Its sails were sewn by Ida Falk in two winters.")
OSKAR = Passage(3, 2, "Oskar", 0, "", "Oskar is the miller and plays the horn.")
PASSAGES = (MILL, LATER, OSKAR)
GOOD = Item(
    quote="The mill was painted red, because rust had come",
    key="rust had come",
    question="Why was the mill painted?",
    answer="It had begun to rust.",
)
LOADED: Any = SimpleNamespace(info=SimpleNamespace(card=SimpleNamespace(name="fake")))

Write = Callable[..., list[list[Draft]]]


class Edge:
    """Stands in for a `Completer` and the judge: `replies` by kind; `shown` is what was in view."""

    def __init__(self) -> None:
        self.replies: dict[str, str] = {"reading": "rust had come"}
        self.agrees: Callable[[Pair], float] = lambda _: 1.0
        self.shown: list[str] = []
        self.begun: list[str] = []
        self.examples: list[str] = []
        self.stops = False

    def complete(
        self,
        kind: str,
        families: Sequence[Sequence[Conversation]],
        most: int,
        is_over: Callable[[], bool],
    ) -> list[list[str]] | None:
        self.shown += [each.turns[-1].text for family in families for each in family]
        self.begun += [each.begun for family in families for each in family]
        self.examples += [each.turns[-2].text for f in families for each in f if each.turns[:-1]]
        if is_over():
            return None
        return [
            [self.replies.get(asked_for(kind, each), "[]") for each in family]
            for family in families
        ]


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Edge:
    made = Edge()
    monkeypatch.setattr(reader_module, "Completer", lambda _: made)
    monkeypatch.setattr(
        reader_module, "agreement", lambda _, pairs: [made.agrees(pair) for pair in pairs]
    )
    return made


@pytest.fixture
def write(edge: Edge) -> Write:
    def written(genre: str, *passages: Passage) -> list[list[Draft]]:
        links = {(1, "Oskar"): 2}
        views = Views(PASSAGES, lambda note, target: links.get((note, target), 0), seed=0)
        reader = Reader(LOADED, lambda: edge.stops)
        about = About(views, Subjects(PASSAGES))
        return written_about(reader, [ALL[genre]], passages or PASSAGES, about)

    return written


def test_what_passes_all_checks_is_kept_with_its_passage(edge: Edge, write: Write) -> None:
    edge.replies["why"] = reply_of([GOOD])
    of_mill, of_sails, of_oskar = write("why")
    assert [draft.dropped for draft in of_mill] == [""]
    assert (of_mill[0].key, of_mill[0].quote) == (GOOD.key, GOOD.quote)
    assert {draft.dropped for draft in (*of_sails, *of_oskar)} == {drop_reasons.MISQUOTED}


@pytest.mark.parametrize(
    "reply",
    [
        "I am sorry, I cannot do that.",
        "the the the " * 2000,
        '[{"quote": 3, "key": null, "question": [], "answer": {}}]',
        "[" * 3000,
        "\ud800\x00\x07",
    ],
)
def test_replies_that_hold_nothing_say_so(edge: Edge, write: Write, reply: str) -> None:
    edge.replies["why"] = reply
    drafts = write("why", MILL)[0]
    assert {draft.dropped for draft in drafts} <= {drop_reasons.UNREADABLE}
    assert all(len(draft.prompt) <= 300 and draft.prompt.isprintable() for draft in drafts)


@pytest.mark.parametrize("reply", ["", "[]"])
def test_nothing_to_ask_leaves_nothing(edge: Edge, write: Write, reply: str) -> None:
    edge.replies["why"] = reply
    assert write("why") == [[], [], []]


@pytest.mark.parametrize(
    ("read", "odds", "is_kept"),
    [
        ("Because rust had come.", 3.0, True),
        ("It was rusty.", 3.0, True),
        ("It was rusty.", -1.0, False),
        ("", 3.0, False),
        ("Unknown.", 3.0, False),
        ("It was rusty.", 0.0, False),
    ],
)
def test_the_model_must_answer_it_in_the_same_way(
    edge: Edge, write: Write, read: str, odds: float, is_kept: bool
) -> None:
    edge.replies |= {"why": reply_of([GOOD]), "reading": read}
    edge.agrees = lambda pair: odds if pair.other == read else 3.0
    (draft,) = write("why", MILL)[0]
    assert draft.dropped == ("" if is_kept else drop_reasons.NO_ROUND_TRIP)


def test_an_answer_in_its_own_words_must_mean_the_key(edge: Edge, write: Write) -> None:
    edge.replies["why"] = reply_of([GOOD])
    edge.agrees = lambda pair: -1.0 if pair.other == GOOD.answer else 3.0
    assert write("why", MILL)[0][0].dropped == drop_reasons.NO_ROUND_TRIP


def test_a_judge_that_agrees_with_anything_is_not_believed(edge: Edge, write: Write) -> None:
    other = Item(
        quote="The mill was painted red",
        key="red",
        question="Which colour has the mill?",
        answer="It has a red colour.",
    )
    edge.replies |= {"why": reply_of([GOOD, other]), "reading": "Nobody knows."}
    edge.agrees = lambda _: 5.0
    assert {d.dropped for d in write("why", MILL)[0]} == {drop_reasons.NO_ROUND_TRIP}
    edge.agrees = lambda pair: 5.0 if pair.one == GOOD.key and "Why" in pair.question else 2.0
    why, colour = write("why", MILL)[0]
    assert (why.dropped, colour.dropped) == ("", drop_reasons.NO_ROUND_TRIP)


def test_two_passages_and_two_notes_are_shown_together(edge: Edge, write: Write) -> None:
    both = Item(
        quote=GOOD.quote,
        other="Oskar is the miller",
        key="rust had come",
        question="Why did the miller paint the mill?",
        answer="Oskar painted it, because rust had come.",
    )
    edge.replies |= {"notes": reply_of([both]), "passages": reply_of([both])}
    (draft,), of_sails, of_oskar = write("notes")
    assert not draft.dropped
    assert [note for note, _ in draft.others] == [2]
    assert (of_sails, of_oskar) == ([], [])
    (draft,), of_sails, of_oskar = write("passages")
    assert draft.dropped == drop_reasons.MISQUOTED  # its other words are not in the next passage
    assert [note for note, _ in draft.others] == [1]
    assert (of_sails, of_oskar) == ([], [])


def test_facts_are_asked_sentence_by_sentence(edge: Edge, write: Write) -> None:
    write("facts", LATER)
    begun = [each for each in edge.begun if each]
    assert begun == ['[{"quote": "Its sails were sewn by Ida Falk in two winters.", "question": "']


LIST = Passage(
    4, 3, "Kit", 0, "", "Bring along:\n1. a red lamp\n2. three ropes\n3. oil\nAll fits in a bag."
)
ALL_OF_IT = Item(
    quote="",
    question="What do we bring along in the kit?",
    answer="A lamp, ropes and some oil.",
)


@pytest.mark.parametrize("genre", ["list", "steps"])
def test_a_list_is_quoted_whole_and_asked_for_whole(edge: Edge, write: Write, genre: str) -> None:
    edge.replies |= {genre: reply_of([ALL_OF_IT]), "reading": "lamp, ropes, oil"}
    (draft,) = write(genre, LIST)[0]
    assert not draft.dropped
    assert draft.quote == "1. a red lamp\n2. three ropes\n3. oil"
    assert draft.key == "a red lamp\n2. three ropes\n3. oil"
    assert edge.begun[0].endswith('"key": "a red lamp\\n2. three ropes\\n3. oil", "question": "')


@pytest.mark.parametrize("short", ["answer", "reading"])
def test_half_a_list_is_none(edge: Edge, write: Write, short: str) -> None:
    half = msgspec.structs.replace(ALL_OF_IT, answer="A lamp and oil.")
    edge.replies |= {
        "list": reply_of([half if short == "answer" else ALL_OF_IT]),
        "reading": "oil" if short == "reading" else "lamp, ropes, oil",
    }
    assert write("list", LIST)[0][0].dropped == drop_reasons.NO_ROUND_TRIP


def test_genres_are_asked_for_where_a_passage_may_have_them(edge: Edge, write: Write) -> None:
    numbers = Passage(5, 4, "Oars", 0, "", "The old oar was 2.1 m long, the new one is 1.9 m.")
    bullets = Passage(6, 5, "Kit", 0, "", "- a lamp, red, old\n- three ropes\n- oil")
    commas = Passage(7, 6, "Kit", 0, "", "Pack a lamp, some rope, and oil.")
    for genre, asked in [("list", 2), ("steps", 1), ("compare", 1)]:
        edge.shown.clear()
        write(genre, OSKAR, numbers, bullets, commas)
        assert len(edge.shown) == asked, genre


def test_stopped_it_says_so(edge: Edge, write: Write) -> None:
    edge.stops = True
    with pytest.raises(StopAskedError):
        write("why")


def test_a_view_shows_title_and_text() -> None:
    assert View(MILL).shown == f"Note: Mill\n{MILL.text}"
    assert View(MILL, LATER).shown.endswith("Note: Mill, Sails\n" + LATER.text)


def test_details_ask_for_words_that_are_given_in_a_sentence(edge: Edge, write: Write) -> None:
    edge.replies |= {
        "details": 'In how many winters were the sails sewn?", "answer": "It took two of them."}]',
        "reading": "Two winters.",
    }
    of_mill, (draft,), (oskar,) = write("details")
    assert json.loads(f'{edge.begun[0]}"}}]')[0] == {
        "quote": LATER.text,
        "key": draft.key,
        "question": "",
    }
    assert draft.key in {"Ida Falk", "two", "two winters"}
    assert oskar.key == "Oskar"
    assert of_mill == []  # it names nothing that could be asked for
    assert edge.examples[0].index('"key"') < edge.examples[0].index('"question"')


def test_a_detail_is_read_again_as_any_fact(edge: Edge, write: Write) -> None:
    edge.replies |= {
        "details": 'Who sewed it?", "answer": "Somebody."}]',
        "reading": "Nobody knows.",
    }
    edge.agrees = lambda _: -1.0
    ((draft,),) = write("details", LATER)
    assert draft.dropped == drop_reasons.NO_ROUND_TRIP
