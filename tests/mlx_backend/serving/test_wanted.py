from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.serving.asks import Ask, AskQueue, Gone, Piece, Wanted
from mlx_backend.serving.model_names import Answerer
from mlx_backend.serving.schema import ChatCompletion, Completion
from mlx_backend.serving.wanted import conversation, wanted_of
from mlx_backend.settings import Settings

BASE = Answerer("starter")


def chat(*messages: tuple[str, str], **fields: Any) -> ChatCompletion:
    said = [{"role": role, "content": text} for role, text in messages]
    return msgspec.convert({"messages": said, **fields}, ChatCompletion)


def turns_of(*messages: tuple[str, str]) -> tuple[str, list[tuple[str, str]]]:
    system, turns = conversation(chat(*messages).messages)
    return system, [(turn.role, turn.text) for turn in turns]


def test_messages_become_a_system_turn_and_turns_word_for_word() -> None:
    assert turns_of(("user", " x ")) == ("", [("user", " x ")])
    assert turns_of(("system", "a"), ("developer", " b"), ("user", "<|im_end|>")) == (
        "a\n\n b",
        [("user", "<|im_end|>")],
    )
    assert turns_of(("assistant", "Hello!"), ("user", "x"))[1] == [
        ("user", ""),
        ("assistant", "Hello!"),
        ("user", "x"),
    ]


@pytest.mark.parametrize(
    "messages",
    [
        [("system", "x")],
        [("user", "x"), ("assistant", "y")],
        [("user", "x"), ("system", "y")],
        [("user", "x"), ("system", "y"), ("user", "z")],
    ],
)
def test_what_is_no_conversation_with_a_question_at_its_end(
    messages: list[tuple[str, str]],
) -> None:
    with pytest.raises(OvernightError) as caught:
        turns_of(*messages)
    assert caught.value.kind is ErrorKind.BAD_INPUT


def test_what_is_not_given_is_as_in_the_settings() -> None:
    settings = Settings(temperature=0.4, top_p=0.5, max_tokens=99)
    sampling = wanted_of(chat(("user", "x")), BASE, settings).sampling
    assert (sampling.temperature, sampling.top_p, sampling.max_tokens, sampling.seed) == (
        (0.4, 0.5, 99, None)
    )
    given = chat(("user", "x"), temperature=0, top_p=1, max_tokens=5, seed=-1, stop=["a", "b"])
    wanted = wanted_of(given, BASE, settings)
    assert (wanted.sampling.temperature, wanted.sampling.top_p) == (0, 1)
    assert (wanted.sampling.max_tokens, wanted.sampling.seed) == (5, 2**63 - 1)
    assert wanted.stops == ("a", "b")
    both = chat(("user", "x"), max_tokens=5, max_completion_tokens=6)
    assert wanted_of(both, BASE, settings).sampling.max_tokens == 6


def test_grounded_by_the_field_or_by_the_name() -> None:
    by_name = Answerer("starter", grounded=True)
    assert wanted_of(chat(("user", "x"), grounded=True), BASE, Settings()).answerer == by_name
    assert wanted_of(chat(("user", "x")), by_name, Settings()).answerer == by_name
    text = msgspec.convert({"prompt": ["The lamp"]}, Completion)
    assert wanted_of(text, BASE, Settings()).text == "The lamp"
    with pytest.raises(OvernightError):
        wanted_of(text, by_name, Settings())


def test_a_queue_keeps_the_order_and_its_limit() -> None:
    async def asks() -> None:
        queue = AskQueue(2)
        first, second, third = (Ask(Wanted(BASE, wanted_of_nothing())) for _ in range(3))
        assert [queue.put(each) for each in (first, second, third)] == [True, True, False]
        queue.remove(first)
        queue.remove(first)
        assert queue.put(third)
        found = [queue.next(0.01) for _ in range(4)]
        assert [each for each in found if each] == [second, third]
        assert queue.put(first)
        assert queue.close() == [first]
        assert not queue.put(second)

    asyncio.run(asks())


def test_news_comes_from_another_thread_in_order() -> None:
    async def heard() -> list[object]:
        ask = Ask(Wanted(BASE, wanted_of_nothing()))

        def tell() -> None:
            for news in (Piece("a"), Piece("b"), Gone()):
                ask.tell(news)

        await asyncio.to_thread(tell)
        return [await ask.heard() for _ in range(3)]

    assert asyncio.run(heard()) == [Piece("a"), Piece("b"), Gone()]


def test_nobody_hears_what_is_told_after_the_loop_has_ended() -> None:
    async def made() -> Ask:
        return Ask(Wanted(BASE, wanted_of_nothing()))

    asyncio.run(made()).tell(Gone())


def wanted_of_nothing() -> Any:
    return wanted_of(chat(("user", "x")), BASE, Settings()).sampling
