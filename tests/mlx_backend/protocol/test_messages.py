from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Message

_REPORT = protocol.ErrorReport(kind="busy", message="m", hint="h", detail="d\nd")
_TURNS = (
    protocol.Turn(role="user", text='q "quoted"\n\u2028 ☂'),
    protocol.Turn(role="assistant", text=""),
)
_ADAPTERS = (protocol.WeightedAdapter(name="Garden", weight=-0.5),)

SPECS: list[protocol.JobSpec] = [
    protocol.ImportSpec(paths=("/a", "/b c")),
    protocol.TrainSpec(name="n", model="starter", steps=3, hours=0.5, start_from="x"),
    protocol.TrainSpec(name="n", model="m", canaries=True),
    protocol.TrainSpec(name="n", model="m", hosts=(protocol.Host(ssh="a", ips=("127.0.0.1",)),)),
    protocol.ExportSpec(name="n", format="mlx", to="/out"),
    protocol.DownloadSpec(repo="a/b", revision="main", name="c"),
    protocol.AdoptSpec(path="/models/x", name="c", bits=4),
    protocol.ReceiveSpec(source="/tmp/garden.overnight", name="Garden", model="tiny"),
    protocol.MergeSpec(
        name="Both",
        parts=(protocol.WeightedAdapter(name="A", weight=0.7), protocol.WeightedAdapter(name="B")),
        rank=8,
    ),
    protocol.PublishSpec(name="n", repo="me/x", private=False, description="d", licence="mit"),
]
EVENTS: list[protocol.JobEvent] = [
    protocol.Launched(),
    protocol.Started(pid=5, resumed_from=7),
    protocol.StageBegan(stage="training"),
    protocol.Progress(done=1, total=0, unit="files", text="é"),
    protocol.Planned(notes=1, samples=2, held_out=3, steps=4),
    protocol.StepDone(
        step=1,
        steps=2,
        loss=3.5,
        learning_rate=1e-3,
        tokens_per_second=10.0,
        peak_bytes=1 << 40,
        elapsed_s=1.0,
        remaining_s=2.0,
    ),
    protocol.Waiting(reason="battery", text="On battery.", until=5.5),
    protocol.WaitOver(),
    protocol.AttemptEnded(ending="out of memory", step=3, text="t"),
    protocol.EnergyUsed(watt_hours=2.5, how="estimated"),
    protocol.StepSkipped(step=4),
    protocol.RolledBack(step=2, rate=0.5),
    protocol.Evaluated(step=0, loss=4.25, best=True),
    protocol.CheckpointSaved(step=50),
    protocol.Spoke(step=50, prompt="p", text="t"),
    protocol.Examined(answers=(protocol.ExamAnswer(question="q", text="t", right=True),)),
    protocol.Notice(text="t"),
    protocol.Finished(result={"adapter": "n", "files": ["a"], "deep": {"x": None}}),
    protocol.Stopped(step=3),
    protocol.Failed(error=_REPORT),
]
REQUESTS: list[protocol.WorkerRequest] = [
    protocol.ChatRequest(
        id="1", turns=_TURNS, adapters=_ADAPTERS, sampling=protocol.Sampling(seed=3)
    ),
    protocol.CancelRequest(id="1"),
    protocol.LoadRequest(id="2", model="m", adapters=_ADAPTERS),
    protocol.ReleaseRequest(id="3"),
    protocol.PrefillRequest(id="4", turns=_TURNS, adapters=_ADAPTERS, conversation=5),
    protocol.ForgetRequest(id="5", conversation=5),
]
REPLIES: list[protocol.WorkerReply] = [
    protocol.WorkerReady(pid=1),
    protocol.ModelLoading(id="1", model="m"),
    protocol.ModelLoaded(id="1", model="m", bytes=9),
    protocol.ModelReleased(id="1"),
    protocol.ModelReleased(id="", reason="idle"),
    protocol.PrefillDone(id="1", tokens=3, ended="dropped"),
    protocol.AnswerPart(id="1", text="\n"),
    protocol.ThoughtPart(id="1", text="Hm."),
    protocol.AnswerDone(
        id="1",
        text="t",
        ended="stop",
        prompt_tokens=1,
        cached_tokens=0,
        generated_tokens=2,
        ttft_ms=3.0,
        tokens_per_second=4.0,
    ),
    protocol.RequestFailed(id="", error=_REPORT),
]
Decode = Callable[[bytes], Message | None]
DECODERS: list[Decode] = [protocol.decode_event, protocol.decode_request, protocol.decode_reply]
ROUND_TRIPS: list[tuple[Decode, Message]] = [
    *((protocol.decode_spec, message) for message in SPECS),
    *((protocol.decode_event, message) for message in EVENTS),
    *((protocol.decode_request, message) for message in REQUESTS),
    *((protocol.decode_reply, message) for message in REPLIES),
]


def name_of(value: object) -> str:
    return type(value).__name__ if isinstance(value, Message) else ""


@pytest.mark.parametrize(("decode", "message"), ROUND_TRIPS, ids=name_of)
def test_every_message_comes_back_from_one_line(decode: Decode, message: Message) -> None:
    line = protocol.encode_line(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == message


def test_no_message_is_left_out() -> None:
    for union, messages in (
        (protocol.JobSpec, SPECS),
        (protocol.JobEvent, EVENTS),
        (protocol.WorkerRequest, REQUESTS),
        (protocol.WorkerReply, REPLIES),
    ):
        assert {type(message) for message in messages} == set(get_args(union))


GARBAGE = [
    b"",
    b"\n",
    b"null",
    b"[]",
    b"{}",
    b"{",
    b'{"event": "no such"}',
    b'{"event": 5}',
    b'{"event": "step"}',
    b'{"event": "stage", "stage": 5}',
    b'{"event": "stage", "stage": "\xff\xfe"}',
    b'{"event": "stage", "stage": "a", "v": "1"}',
    b'{"event": "stage", "stage": "a"} trailing',
    b'{"event": "finished", "result": ' + b'{"a":' * 5000,
    b'{"event": "finished", "result": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    b'{"request": "chat", "id": "1", "turns": ' + b"[" * 100_000,
    b'{"request": "chat", "id": "1", "turns": [{"role": "system", "text": "x"}]}',
    b'{"request": "chat", "id": "1", "turns": [{"role": "user", "text": null}]}',
    b'{"reply": "answer", "id": "1"}',
    b"\x00" * 1000,
    "﻿{}".encode(),
    "☂".encode("utf-16"),
]


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("line", GARBAGE, ids=lambda line: repr(line[:40]))
def test_garbage_is_dropped(decode: Decode, line: bytes) -> None:
    assert decode(line) is None


@pytest.mark.parametrize("decode", DECODERS)
@given(line=st.binary())
def test_any_bytes_are_dropped(decode: Decode, line: bytes) -> None:
    assert decode(line) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    tag=st.sampled_from(["event", "request", "reply"]),
    kind=st.sampled_from(["chat", "step", "failed", "stage", "answer", "load", "finished"]),
    fields=st.dictionaries(st.sampled_from(["id", "turns", "step", "error", "v", "at"]), _JSON),
)
def test_messages_with_wrong_fields_never_raise(
    tag: str, kind: str, fields: dict[str, object]
) -> None:
    line = msgspec.json.encode(fields | {tag: kind})
    for decode in DECODERS:
        decode(line)


def test_unknown_fields_of_this_version_are_passed_over() -> None:
    line = b'{"request": "cancel", "id": "1", "why": "I said so"}'
    assert protocol.decode_request(line) == protocol.CancelRequest(id="1")


@pytest.mark.parametrize("line", GARBAGE, ids=lambda line: repr(line[:40]))
def test_a_spec_that_cannot_be_read_is_a_typed_error(line: bytes) -> None:
    with pytest.raises(OvernightError) as caught:
        protocol.decode_spec(line)
    assert caught.value.kind is ErrorKind.RUN_UNKNOWN
    assert caught.value.hint
