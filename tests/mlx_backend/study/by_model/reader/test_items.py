"""What a reader writes is parsed strictly, and repaired once."""

from __future__ import annotations

import pytest

from mlx_backend.study.by_model.reader.genres import ALL, DETAILS, EXAMPLES, EXAMPLES_FOR_TWO
from mlx_backend.study.by_model.reader.items import Item, beginning_of, items_in, reply_of

ITEM = Item(quote="It is “red”.", key="red", question="Which colour?", answer='Red, "of course".')
ONE = reply_of([ITEM])


def test_items_go_there_and_back() -> None:
    assert items_in(ONE) == [ITEM]
    assert items_in(reply_of([ITEM, ITEM])) == [ITEM, ITEM]
    assert items_in("[]") == []


@pytest.mark.parametrize(
    "reply",
    [
        f"```json\n{ONE}\n```",
        f"Here you are: {ONE} I hope that helps.",
        ONE[1:-1],
        ONE[:-1] + ', {"quote": "It is',
        ONE[:-2] + ",}]",
        ONE[:-1] + ', {"quote": 1, "key": [], "question": null, "answer": {}}]',
        ONE[:-1] + ', "text", 7, null]',
        '{"items": ' + ONE + "}",
    ],
)
def test_whole_items_are_kept_of_what_is_not_quite_right(reply: str) -> None:
    found = items_in(reply)
    if "},]" in reply or ",}]" in reply:
        assert found in (None, [ITEM])
    else:
        assert found == [ITEM]


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "The lamp was lit by Marta.",
        "null",
        '"text"',
        '{"question": "Who?"}',
        '[{"quote": "a", "key": "b", "question": ["c"], "answer": "d"}]',
        '[{"quote": "a", "key": "b", "question": "c"}]',
        '[{"quote": "a", "key": null, "question": "c", "answer": "d"}]',
        "[" * 5000,
        '{"a":' * 5000,
        "{" * 20_000,
        '[{"quote": "' + "the " * 5000,
        "<|im_end|>\x00\ud800",
    ],
)
def test_what_holds_no_item_is_none(reply: str) -> None:
    assert items_in(reply) is None


def test_no_more_than_a_few_items_are_taken() -> None:
    assert len(items_in(reply_of([ITEM] * 50)) or ()) == 3
    assert len(items_in(reply_of([ITEM] * 50)[:-5]) or ()) == 3


@pytest.mark.parametrize("key", ["", 'a "key"'])
def test_a_reply_begins_as_it_would_go_on(key: str) -> None:
    quote = 'He said: "no\\yes"\nand left'
    begun = beginning_of(quote, key)
    ending = '"key": "no", ' if not key else ""
    written = Item(quote=quote, key=key or "no", question="What?", answer="It.")
    assert items_in(f'{begun}What?", {ending}"answer": "It."}}]') == [written]
    if not key:
        assert reply_of([written]).startswith(begun)


def test_examples_hold_what_they_ask_for() -> None:
    shown = {
        genre.name: items
        for example in (*EXAMPLES, *EXAMPLES_FOR_TWO)
        for genre, items in example.replies
        if items
    }
    assert shown.keys() == ALL.keys() - {DETAILS.name}  # as FACTS, but for a given key
    for example in (*EXAMPLES, *EXAMPLES_FOR_TWO):
        for genre, items in example.replies:
            for item in items:
                assert item.quote in example.shown
                assert item.other in example.shown
                assert item.key in item.quote
                assert item.key not in item.question or genre.name == "compare"
