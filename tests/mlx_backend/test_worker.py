"""The worker as a process: what it makes of requests, and of what is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.importing import import_into
from mlx_backend.jobs.room import Room, Stay
from mlx_backend.library import Library, database
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations
from mlx_backend.library.kept_prompts import kept_prompts
from mlx_backend.locks import held
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import (
    AnswerDone,
    AnswerPart,
    CancelRequest,
    ChatRequest,
    LoadRequest,
    PrefillDone,
    PrefillRequest,
    ReleaseRequest,
    RequestFailed,
    Sampling,
    Turn,
    WeightedAdapter,
    WorkerReply,
)
from mlx_backend.worker import Worker
from tests.mlx_backend.made import make_adapter

GREEDY = Sampling(temperature=0.0, max_tokens=8)
TURNS = (Turn(role="user", text="Who lit the lamp?"),)


class Process:
    """A worker and the two ends of it that a window holds."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlx_backend.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def send(self, *messages: protocol.Message | bytes) -> None:
        assert self.process.stdin is not None
        for message in messages:
            line = message if isinstance(message, bytes) else protocol.encode_line(message)
            self.process.stdin.write(line)
        self.process.stdin.flush()

    def read(self) -> WorkerReply:
        """The next reply; anything else on stdout fails the test."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        reply = protocol.decode_reply(line)
        assert reply is not None, line
        return reply

    def until(self, done: Callable[[WorkerReply], bool]) -> list[WorkerReply]:
        replies = [self.read()]
        while not done(replies[-1]):
            replies.append(self.read())
        return replies

    def answer(self, request: ChatRequest) -> tuple[str, AnswerDone]:
        """The pieces of an answer put together, and its end."""
        self.send(request)
        replies = self.until(lambda r: isinstance(r, AnswerDone | RequestFailed))
        pieces = "".join(r.text for r in replies if isinstance(r, AnswerPart))
        assert isinstance(replies[-1], AnswerDone), replies[-1]
        assert replies[-1].id == request.id
        return pieces, replies[-1]

    def failure(self, request: protocol.WorkerRequest) -> protocol.ErrorReport:
        self.send(request)
        (*_, last) = self.until(lambda r: isinstance(r, AnswerDone | RequestFailed))
        assert isinstance(last, RequestFailed)
        assert last.id == request.id
        return last.error


@pytest.fixture
def worker(tiny_library: Library) -> Iterator[Process]:
    worker = Process()
    assert isinstance(worker.read(), protocol.WorkerReady)
    yield worker
    worker.process.kill()
    worker.process.wait()
    for pipe in (worker.process.stdin, worker.process.stdout):
        assert pipe is not None
        pipe.close()


def ask(number: str, *adapters: str, sampling: Sampling = GREEDY) -> ChatRequest:
    chosen = tuple(WeightedAdapter(name=name) for name in adapters)
    return ChatRequest(id=number, turns=TURNS, model="tiny", adapters=chosen, sampling=sampling)


BAD_LINES = [
    b"\n",
    b"not json\n",
    b"\xff\xfe\x00\n",
    b"{}\n",
    b'{"request": "dance", "id": "1"}\n',
    b'{"request": "chat", "id": "1"}\n',
    b'{"request": "chat", "id": "1", "v": 99, "turns": []}\n',
    b'{"request": "chat", "id": 5, "turns": []}\n',
    b'{"request": "chat", "id": "1", "turns": ' + b"[" * 100_000 + b"\n",
    b'{"request": "chat", "id": "1", "turns": "' + b"x" * 9_000_000 + b'"}\n',
]


def test_a_conversation_among_bad_lines(
    worker: Process, tiny_library: Library, loaded: LoadedModel
) -> None:
    """One process for all of it, since a process costs seconds."""
    worker.send(*BAD_LINES)
    pieces, base = worker.answer(ask("1"))
    assert pieces.strip() == base.text
    assert base.generated_tokens > 0

    again, done = worker.answer(ask("2"))
    assert (again.strip(), done.cached_tokens) == (base.text, base.prompt_tokens - 1)

    assert worker.failure(ask("3", "nobody")).kind == ErrorKind.ADAPTER_UNKNOWN
    assert (
        worker.failure(msgspec.structs.replace(ask("4"), model="x")).kind == ErrorKind.MODEL_UNKNOWN
    )
    make_adapter(tiny_library.adapters, loaded, "Garden")
    assert worker.answer(ask("5", "Garden"))[1].text != base.text
    damaged = make_adapter(tiny_library.adapters, loaded, "Damaged", seed=2)
    (damaged.path / "adapters.safetensors").write_bytes(b"x")
    assert worker.failure(ask("6", "Damaged")).kind == ErrorKind.ADAPTER_DAMAGED
    assert worker.answer(ask("7"))[1].text == base.text

    worker.send(ReleaseRequest(id="8"))
    assert worker.read() == protocol.ModelReleased(id="8")
    worker.send(LoadRequest(id="9", model="tiny"))
    assert worker.read() == protocol.ModelLoading(id="9", model="tiny")
    assert isinstance(worker.read(), protocol.ModelLoaded)
    assert worker.answer(ask("10"))[1].text == base.text
    assert worker.answer(msgspec.structs.replace(ask("11"), turns=()))[1].generated_tokens > 0

    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(timeout=20) == 0


def test_an_answer_can_be_cancelled_and_the_next_one_is_whole(worker: Process) -> None:
    long = Sampling(temperature=1.0, top_p=1.0, max_tokens=4000, seed=1)
    worker.send(ask("1", sampling=long))
    worker.until(lambda reply: isinstance(reply, AnswerPart))
    worker.send(CancelRequest(id="1"), CancelRequest(id="unheard of"))
    (*_, last) = worker.until(lambda reply: isinstance(reply, AnswerDone))
    assert isinstance(last, AnswerDone)
    assert last.ended in ("cancelled", "stop")
    assert last.generated_tokens < 4000
    assert worker.answer(ask("2"))[1].generated_tokens > 0


def test_an_adapter_that_was_renamed_meanwhile_goes_on_answering(
    worker: Process, tiny_library: Library, loaded: LoadedModel, notes_folder: Path
) -> None:
    import_into(tiny_library, [notes_folder])
    make_adapter(tiny_library.adapters, loaded, "Notes", seed=1)
    before = worker.answer(ask("1", "Notes"))[1].text
    rename_adapter(tiny_library, database.connect(tiny_library.database), "Notes", "Nights")
    assert worker.answer(ask("2", "Nights"))[1].text == before
    assert worker.answer(ask("3"))[1].text != before
    assert worker.answer(ask("4", "Nights"))[1].text == before
    rename_adapter(tiny_library, database.connect(tiny_library.database), "Nights", "Amber")
    # What is looked up is weighed by the base model, after which the adapter is put on again.
    turns = (Turn(role="user", text="Who lit the lamp of Amber Cove?"),)
    grounded = msgspec.structs.replace(ask("5", "Amber"), turns=turns, grounded=True)
    assert worker.answer(grounded)[1].citations


def test_a_model_or_adapter_that_took_the_name_of_another_one_is_loaded(
    worker: Process, tiny_library: Library, loaded: LoadedModel
) -> None:
    bin_ = Bin(tiny_library, database.connect(tiny_library.database))
    make_adapter(tiny_library.adapters, loaded, "Notes", seed=1)
    first, _ = worker.answer(ask("1", "Notes"))
    bin_.delete_adapter("Notes")
    assert worker.failure(ask("2", "Notes")).kind == ErrorKind.ADAPTER_UNKNOWN
    make_adapter(tiny_library.adapters, loaded, "Notes", seed=2)
    second, _ = worker.answer(ask("3", "Notes"))
    assert second != first
    bin_.delete_model("tiny")
    assert worker.failure(ask("4")).kind == ErrorKind.MODEL_UNKNOWN


LONG = (Turn(role="user", text="Who lit the lamp, and who keeps the red notebook? " * 6),)


def prefill(number: str, *turns: Turn, **more: object) -> PrefillRequest:
    return msgspec.structs.replace(PrefillRequest(id=number, turns=turns, model="tiny"), **more)


def ended(worker: Process, request: PrefillRequest) -> PrefillDone:
    """How reading ahead ended; no failure is ever told."""
    worker.send(request)
    (*_, last) = worker.until(lambda reply: isinstance(reply, PrefillDone | RequestFailed))
    assert isinstance(last, PrefillDone)
    assert last.id == request.id
    return last


def test_what_is_typed_is_read_ahead_and_dropped_for_whatever_comes(
    worker: Process, tiny_library: Library
) -> None:
    fresh = worker.answer(msgspec.structs.replace(ask("1"), turns=LONG))[1]
    worker.send(ReleaseRequest(id="2"))
    worker.until(lambda reply: isinstance(reply, protocol.ModelReleased))

    assert ended(worker, prefill("3", *LONG)).ended == "done"  # loads the model as well
    answer = worker.answer(msgspec.structs.replace(ask("4"), turns=LONG))[1]
    assert (answer.text, answer.cached_tokens > 50) == (fresh.text, True)

    other = Turn(role="user", text="Something else. " * 400)
    worker.send(*(prefill(f"5{n}", other) for n in range(4)), ask("6"), CancelRequest(id="7"))
    replies = worker.until(lambda reply: isinstance(reply, AnswerDone))
    dropped = [reply for reply in replies if isinstance(reply, PrefillDone)]
    assert [reply.ended for reply in dropped] == ["dropped"] * 4
    worker.send(prefill("8", other), CancelRequest(id="8"))
    assert isinstance(worker.read(), PrefillDone)

    for number, wrong in enumerate(
        [
            prefill("0", *LONG, model="none"),
            prefill("0", *LONG, adapters=(WeightedAdapter(name="nobody"),)),
        ]
    ):
        request = msgspec.structs.replace(wrong, id=f"wrong {number}")
        assert (ended(worker, request).tokens, ended(worker, request).ended) == (0, "dropped")
    assert ended(worker, prefill("9", *LONG, grounded=True)).tokens == 0  # there is nothing to read
    assert ended(worker, prefill("nothing")).tokens == 0
    with held(tiny_library.lane):
        assert ended(worker, prefill("10", *LONG)).ended == "dropped"
        assert worker.answer(ask("11"))[1].text  # a run does not keep the chat from answering
    assert worker.answer(msgspec.structs.replace(ask("12"), turns=LONG))[1].text == fresh.text


def test_a_run_that_begins_meanwhile_ends_the_reading_ahead(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies: list[WorkerReply] = []
    worker = Worker(tiny_library, replies.append)
    looks = iter([False, False, False])
    monkeypatch.setattr(Room, "is_training", property(lambda _: next(looks, True)))
    worker.serve(prefill("1", Turn(role="user", text="Many words. " * 300)))
    assert isinstance(replies[-1], PrefillDone)
    assert replies[-1].ended == "dropped"
    assert 0 < replies[-1].tokens < 200


def test_an_adapter_that_vanished_fails_its_question_and_no_other(
    tiny_library: Library, loaded: LoadedModel
) -> None:
    replies: list[WorkerReply] = []
    worker = Worker(tiny_library, replies.append)
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden")
    worker.serve(ask("1", "Garden"))
    garden = replies[-1]
    assert isinstance(garden, AnswerDone)
    aside = tiny_library.home / "aside"
    adapter.path.rename(aside)
    worker.serve(prefill("2", *TURNS, adapters=(WeightedAdapter(name="Garden"),)))
    assert isinstance(replies[-1], PrefillDone)
    assert (replies[-1].tokens, replies[-1].ended) == (0, "dropped")
    worker.serve(ask("3", "Garden"))
    assert isinstance(replies[-1], RequestFailed)
    worker.serve(ask("4"))
    assert isinstance(replies[-1], AnswerDone)
    assert replies[-1].text != garden.text
    aside.rename(adapter.path)
    worker.serve(ask("5", "Garden"))
    assert isinstance(replies[-1], AnswerDone)
    assert (replies[-1].text, replies[-1].cached_tokens) == (garden.text, garden.prompt_tokens - 1)


def test_an_answer_is_gone_on_with_after_a_system_prompt(tiny_library: Library) -> None:
    replies: list[WorkerReply] = []
    worker = Worker(tiny_library, replies.append)

    def said(request: ChatRequest) -> AnswerDone:
        worker.serve(request)
        assert isinstance(replies[-1], AnswerDone), replies[-1]
        return replies[-1]

    told = msgspec.structs.replace(ask("1"), system="Speak of the harbour alone.")
    assert said(told).text != said(ask("2")).text
    whole = said(msgspec.structs.replace(told, sampling=Sampling(temperature=0.0, max_tokens=16)))
    more = said(msgspec.structs.replace(told, begun=said(told).text))
    assert whole.text.startswith(said(told).text)
    assert more.cached_tokens >= more.prompt_tokens - 1


def test_a_worker_that_was_ended_goes_on_where_it_was(
    worker: Process, tiny_library: Library
) -> None:
    conversation = Conversations(database.connect(tiny_library.database)).start("The lamp")
    question = msgspec.structs.replace(ask("1"), turns=LONG, conversation=conversation)
    first = worker.answer(question)[1]
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait(timeout=20) == 0
    (kept,) = kept_prompts(tiny_library)
    assert kept.card.conversation == conversation
    replies: list[WorkerReply] = []
    again = Worker(tiny_library, replies.append)
    again.serve(question)
    assert isinstance(replies[-1], AnswerDone)
    assert replies[-1].text == first.text
    assert replies[-1].cached_tokens == first.prompt_tokens - 1


def test_the_model_is_let_go_when_idle_or_when_a_run_waits_and_it_is_said(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies: list[WorkerReply] = []
    worker = Worker(tiny_library, replies.append)
    for reason in ("idle", "run"):
        worker.serve(ask("1"))
        worker.rest()
        assert isinstance(replies[-1], AnswerDone)
        with monkeypatch.context() as patch:
            patch.setattr(Stay, "is_over", lambda _, held_bytes, why=reason: why)
            worker.rest()
        last = replies[-1]
        assert isinstance(last, protocol.ModelReleased)
        assert (last.id, last.reason) == ("", reason)
    monkeypatch.setattr(Room, "check", _no_room)
    worker.serve(ask("2"))
    assert isinstance(replies[-1], RequestFailed)
    assert replies[-1].error.kind == ErrorKind.BUSY
    worker.serve(prefill("3", *TURNS))
    assert isinstance(replies[-1], PrefillDone)
    assert replies[-1].ended == "dropped"


def _no_room(_: Room, base: str) -> None:
    raise OvernightError(ErrorKind.BUSY, f"A run needs the memory of {base}.")
