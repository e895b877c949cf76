"""What a reader writes: items in JSON, parsed strictly and repaired once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import msgspec

_MOST = 3
_KEY_FIRST = ("quote", "other", "key", "question", "answer")
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question that the model wrote, before any check.

    quote: words of the passage. other: words of the second passage, where there are two.
    """

    quote: str
    other: str = ""
    question: str
    key: str = ""
    answer: str


def reply_of(items: Sequence[Item], *, key_first: bool = False) -> str:
    """A reply with these items, on one line with blanks, as models write JSON.

    key_first: whether the key stands before the question, as in `beginning_of` with a key.
    """
    objects = [msgspec.to_builtins(item) for item in items]
    if key_first:
        objects = [{name: each[name] for name in _KEY_FIRST if name in each} for each in objects]
    return json.dumps(objects, ensure_ascii=False)


def beginning_of(quote: str, key: str = "") -> str:
    """The beginning of a reply about a quote, up to where the model goes on with the question.

    Where a `key` is given, it is in it.
    """
    asked = f'"key": {json.dumps(key, ensure_ascii=False)}, ' if key else ""
    return f'[{{"quote": {json.dumps(quote, ensure_ascii=False)}, {asked}"question": "'


def items_in(reply: str) -> list[Item] | None:
    """The items of a reply: a JSON list of objects with the fields of `Item`, all of them texts.

    What is not exactly that is repaired once: the whole objects in it count, the rest does not.
    None where nothing could be read; an empty list says that there is nothing to ask.
    """
    try:
        return msgspec.json.decode(reply.strip(), type=list[Item])[:_MOST]
    except _UNREADABLE:
        return list(_repaired(reply))[:_MOST] or None


def _repaired(reply: str) -> Iterator[Item]:
    decoder = json.JSONDecoder(strict=False)
    place = reply.find("{")
    while place >= 0:
        try:
            found, end = decoder.raw_decode(reply, place)
            yield msgspec.convert(found, Item)
        except _UNREADABLE:
            end = max(place + 1, reply.find("{", place + 1))
        place = reply.find("{", end)
