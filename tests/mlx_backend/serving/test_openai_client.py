"""The official client of OpenAI gets what it expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from mlx_backend.library import Library
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import Sampling, Turn
from tests.mlx_backend.serving.conftest import ADAPTER
from tests.mlx_backend.serving.served import Served

QUESTION: Any = [{"role": "user", "content": "Who lit the lamp of Amber Cove?"}]
TURNS = (Turn(role="user", text="Who lit the lamp of Amber Cove?"),)
GREEDY: Any = {"temperature": 0.0, "max_tokens": 12}


@pytest.fixture
def client(served: Served) -> OpenAI:
    return served.client()


@pytest.fixture(scope="session")
def chat(served_library: Library) -> ChatModel:
    """The same model in this process, without a server."""
    return ChatModel(load_base_model(served_library, "tiny"))


def said(client: OpenAI, model: str, **more: Any) -> str:
    found = client.chat.completions.create(model=model, messages=QUESTION, **(GREEDY | more))
    return found.choices[0].message.content or ""


def test_it_lists_base_models_and_adapters(client: OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert ids[0] == "tiny"
    assert {"starter", "tiny", "tiny:grounded", f"tiny+{ADAPTER}", "tiny+Shop"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert client.models.retrieve(f"tiny+{ADAPTER}:0.5+Shop").created == 2


def test_the_answer_is_the_app_s_own(client: OpenAI, chat: ChatModel) -> None:
    found = client.chat.completions.create(model="tiny", messages=QUESTION, **GREEDY)
    own = chat.answer(TURNS, Sampling(temperature=0.0, max_tokens=12))
    assert (found.choices[0].message.content or "").strip() == own.text
    assert found.choices[0].finish_reason == own.ended
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (
        own.prompt_tokens,
        own.generated_tokens,
    )


def test_a_stream_brings_tokens_then_finish_then_usage(client: OpenAI) -> None:
    wild: Any = {"temperature": 1.0, "max_tokens": 40, "seed": 4}
    whole = said(client, "tiny", **wild)
    stream: Any = client.chat.completions.create(
        model="tiny",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
        **wild,
    )
    chunks = list(stream)
    pieces = [
        c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content
    ]
    assert "".join(pieces) == whole
    assert len(pieces) > 5
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert finishes[:-1] == [None] * (len(finishes) - 1)
    assert finishes[-1] in ("stop", "length")
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens >= len(pieces)
    assert [c.usage for c in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_adapters_answer_by_their_names_and_the_base_is_the_base_again(client: OpenAI) -> None:
    base = said(client, "tiny")
    garden, half = said(client, f"tiny+{ADAPTER}"), said(client, f"tiny+{ADAPTER}:0.5")
    both = said(client, f"tiny+{ADAPTER}+Shop:0.7")
    assert len({base, garden, half, both}) == 4
    assert said(client, "tiny") == base
    assert said(client, f"tiny+{ADAPTER}:0") == base
    assert said(client, f"tiny+{ADAPTER}") == garden


def test_a_system_message_and_a_seed_count(client: OpenAI) -> None:
    base = said(client, "tiny")
    system: Any = [{"role": "system", "content": "In the harbour there are four piers."}]
    found = client.chat.completions.create(model="tiny", messages=system + QUESTION, **GREEDY)
    assert found.choices[0].message.content != base
    wild = {"temperature": 1.5, "top_p": 1.0}
    assert said(client, "tiny", seed=-3, **wild) == said(client, "tiny", seed=-3, **wild)
    assert said(client, "tiny", seed=1, **wild) != said(client, "tiny", seed=2, **wild)


@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_ends_before_a_stop_text(client: OpenAI, streams: bool) -> None:
    whole = said(client, "tiny")
    stop = whole[4:7]
    expected = whole[: whole.index(stop)]
    if streams:
        chunks = list(
            client.chat.completions.create(
                model="tiny", messages=QUESTION, stop=["never said", stop], stream=True, **GREEDY
            )
        )
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == expected
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        found = client.chat.completions.create(model="tiny", messages=QUESTION, stop=stop, **GREEDY)
        assert found.choices[0].message.content == expected
        assert found.choices[0].finish_reason == "stop"


def test_a_text_is_gone_on_with(client: OpenAI, chat: ChatModel) -> None:
    own = chat.go_on("The lamp of the", Sampling(temperature=0.0, max_tokens=12))
    found = client.completions.create(model="tiny", prompt="The lamp of the", **GREEDY)
    assert found.choices[0].text.strip() == own.text
    stream = client.completions.create(
        model="tiny", prompt=["The lamp of the"], stream=True, **GREEDY
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks) == found.choices[0].text
    assert chunks[-1].choices[0].finish_reason == found.choices[0].finish_reason


@pytest.mark.parametrize("model", ["tiny", f"tiny+{ADAPTER}"])
def test_grounded_answers_have_citations(client: OpenAI, model: str) -> None:
    found = client.chat.completions.create(
        model=model, messages=QUESTION, extra_body={"grounded": True}
    )
    message = found.choices[0].message
    (citation, *_) = (message.model_extra or {})["citations"]
    assert "Marta" in (message.content or "")
    assert citation["note"] == "Lighthouse"
    assert citation["path"].endswith("lighthouse.md")
    assert citation["passage"] > 0


def test_a_grounded_stream_ends_with_the_citations(client: OpenAI) -> None:
    stream = client.chat.completions.create(model="tiny:grounded", messages=QUESTION, stream=True)
    chunks = list(stream)
    assert "Marta" in "".join(c.choices[0].delta.content or "" for c in chunks)
    assert (chunks[-1].choices[0].delta.model_extra or {})["citations"][0]["note"] == "Lighthouse"
    other: Any = [{"role": "user", "content": "Xylophone?"}]
    declined = client.chat.completions.create(model="tiny:grounded", messages=other)
    assert declined.choices[0].message.content == "The notes do not say."
    assert (declined.choices[0].message.model_extra or {})["citations"] == []


def test_an_answer_of_its_own_can_be_sent_back(client: OpenAI) -> None:
    first = client.chat.completions.create(model="tiny:grounded", messages=QUESTION)
    history: Any = [*QUESTION, first.choices[0].message, {"role": "user", "content": "And when?"}]
    assert client.chat.completions.create(model="tiny", messages=history, **GREEDY).choices


def errors() -> Iterator[tuple[dict[str, Any], type[openai.APIStatusError], str]]:
    yield {"model": "nobody"}, openai.NotFoundError, "model_not_found"
    yield {"model": "tiny+nobody"}, openai.NotFoundError, "model_not_found"
    yield {"model": "starter+Shop:11"}, openai.BadRequestError, "invalid_value"
    yield {"temperature": 3}, openai.BadRequestError, "invalid_value"
    yield {"max_tokens": 0}, openai.BadRequestError, "invalid_value"
    yield {"n": 2}, openai.BadRequestError, "invalid_value"
    yield {"logprobs": True}, openai.BadRequestError, "invalid_value"
    yield {"extra_body": {"top_k": 5}}, openai.BadRequestError, "invalid_value"
    yield {"messages": []}, openai.BadRequestError, "invalid_value"
    yield (
        {"messages": [{"role": "system", "content": "x"}]},
        openai.BadRequestError,
        "invalid_value",
    )
    yield (
        {"messages": [*QUESTION, {"role": "system", "content": "x"}, *QUESTION]},
        (openai.BadRequestError),
        "invalid_value",
    )
    long = [{"role": "user", "content": "many words " * 20_000}]
    yield {"messages": long}, openai.BadRequestError, "context_length_exceeded"


@pytest.mark.parametrize(("wrong", "kind", "code"), list(errors()))
def test_errors_are_those_that_the_client_knows(
    client: OpenAI, wrong: dict[str, Any], kind: type[openai.APIStatusError], code: str
) -> None:
    good = {"model": "tiny", "messages": QUESTION, **GREEDY}
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**(good | wrong))
    assert caught.value.code == code
    assert said(client, "tiny")


def test_an_error_names_the_field(client: OpenAI) -> None:
    for wrong, param in (({"seed": "x"}, "seed"), ({"extra_body": {"top_k": 5}}, "top_k")):
        with pytest.raises(openai.BadRequestError) as caught:
            said(client, "tiny", **wrong)
        assert caught.value.param == param


@pytest.mark.parametrize("token", ["wrong", "overnight-", "ü"])
def test_a_wrong_token_is_refused(served: Served, token: str) -> None:
    if token.isascii():
        with pytest.raises(openai.AuthenticationError):
            served.client(token).models.list()
    assert served.raw("GET", "/v1/models", Authorization=f"Bearer {token}").status == 401
