"""The worker as a process: what it makes of requests, and of what is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import (
    AnswerDone,
    AnswerPart,
    CancelRequest,
    ChatRequest,
    LoadRequest,
    ReleaseRequest,
    RequestFailed,
    Sampling,
    Turn,
    WeightedAdapter,
    WorkerReply,
)
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
