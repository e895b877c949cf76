"""The worker process: holds one base model with its adapters and answers requests as JSON lines.

A thread reads stdin and only enqueues requests; all MLX work is done on the main thread. The
process ends when stdin closes, that is, together with its parent process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Literal

from mlx_backend import protocol
from mlx_backend.errors import from_exception
from mlx_backend.jobs.room import LOOK_S, Room, Stay
from mlx_backend.library import database
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.home import Library
from mlx_backend.models.held_model import HeldModel
from mlx_backend.models.listener import Listener
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.private_data.redacting import log_to_stderr
from mlx_backend.protocol import (
    CancelRequest,
    ChatRequest,
    ForgetRequest,
    LoadRequest,
    PrefillRequest,
    ReleaseRequest,
    WorkerReply,
    WorkerRequest,
)

if TYPE_CHECKING:
    from mlx_backend.asking.answering import GroundedAnswer
    from mlx_backend.models.inference import ChatModel

LONGEST_LINE = 64_000_000  # bytes; enough for protocol.LONGEST_QUESTION with all of it escaped

_log = logging.getLogger(__name__)


class Worker:
    """Serves requests one after the other; `reply` sends a message back.

    `is_called` tells whether another request waits.
    """

    def __init__(
        self,
        library: Library,
        reply: Callable[[WorkerReply], None],
        is_called: Callable[[], bool] = lambda: False,
    ) -> None:
        self._library = library
        self._reply = reply
        self._is_called = is_called
        self._held = HeldModel(library)
        self._room = Room(library)
        self._stay = Stay(self._room)
        self._cancelled: set[str] = set()
        self._search_is_prepared = False

    def cancel(self, request_id: str) -> None:
        """Mark a request as cancelled; may be called from the reading thread."""
        self._cancelled.add(request_id)

    def serve(self, request: WorkerRequest) -> None:
        """Answer one request. An error becomes a reply, and the worker continues."""
        try:
            self._serve(request)
        except Exception as error:
            typed = from_exception(error)
            _log.error("request failed: %s\n%s", typed.message, typed.detail)
            self._reply(protocol.RequestFailed(id=request.id, error=report_of(typed)))
        finally:
            self._cancelled.discard(request.id)

    def _serve(self, request: WorkerRequest) -> None:
        match request:
            case ChatRequest():
                self._answer(request)
                self._stay.asked()
                if request.grounded:
                    self._prepare_search()
            case LoadRequest():
                self._load(request)
            case ReleaseRequest():
                self._held.release()
                self._reply(protocol.ModelReleased(id=request.id))
            case PrefillRequest():
                self._prefill(request)
            case ForgetRequest():
                self._held.forget(request.conversation)
            case CancelRequest():
                pass  # handled by the reading thread

    def rest(self) -> None:
        """Nobody asks at the moment: save what was read, let go of a model that may not stay."""
        self._held.save()
        reason = self._stay.is_over(self._held.bytes)
        if reason is not None:
            self._held.release()
            self._reply(protocol.ModelReleased(id="", reason=reason))

    def end(self) -> None:
        """There are no more requests: save what was read."""
        self._held.save()

    def _prefill(self, request: PrefillRequest) -> None:
        """Read ahead until something else is wanted, or a run trains."""

        def is_called() -> bool:
            wanted = self._is_called() or request.id in self._cancelled
            return wanted or self._room.is_training

        tokens, is_done = 0, False
        try:
            if not is_called():
                from mlx_backend.asking.reading_ahead import read_ahead

                tokens, is_done = read_ahead(self._load(request), request, is_called)
                self._stay.asked()
        except Exception as error:  # the question, when it is asked, fails in the same way
            _log.info("nothing was read ahead: %s", from_exception(error).message)
        ended: Literal["done", "dropped"] = "done" if is_done else "dropped"
        self._reply(protocol.PrefillDone(id=request.id, tokens=tokens, ended=ended))

    def _answer(self, request: ChatRequest) -> None:
        model = self._load(request)
        found = self._answered(model, request)
        answer = found.answer
        self._reply(
            protocol.AnswerDone(
                id=request.id,
                text=answer.text,
                ended=answer.ended,
                prompt_tokens=answer.prompt_tokens,
                cached_tokens=answer.cached_tokens,
                generated_tokens=answer.generated_tokens,
                ttft_ms=answer.ttft_ms,
                tokens_per_second=answer.tokens_per_second,
                citations=found.citations,
                quote=found.quote,
                from_notes=found.from_notes,
                left_out=answer.left_out,
                thoughts=answer.thoughts,
                drafted_tokens=answer.drafted_tokens,
                looked_up=found.looked_up,
            )
        )

    def _answered(self, model: ChatModel, request: ChatRequest) -> GroundedAnswer:
        from mlx_backend.asking.answering import GroundedAnswer, answer_from_notes
        from mlx_backend.asking.retrieval import retriever_of

        listener = self._listener(request)
        if not request.grounded:
            answer = model.answer(
                request.turns, request.sampling, listener, request.system, request.begun
            )
            return GroundedAnswer(answer, ())
        with database.opened(self._library.database) as connection:
            retriever = retriever_of(self._library, connection)
            return answer_from_notes(
                model, retriever, request.turns, request.sampling, listener, request.system
            )

    def _prepare_search(self) -> None:
        """Have the vectors computed that are missing, for example in an older library; once."""
        if self._search_is_prepared:
            return
        self._search_is_prepared = True
        from mlx_backend.importers.meaning import start_if_due

        try:
            start_if_due(self._library)
        except Exception:  # questions are answered all the same
            _log.exception("search by meaning could not be prepared")

    def _listener(self, request: ChatRequest) -> Listener:
        def on_text(text: str) -> None:
            self._reply(protocol.AnswerPart(id=request.id, text=text))

        def on_thought(text: str) -> None:
            self._reply(protocol.ThoughtPart(id=request.id, text=text))

        def cancelled() -> bool:
            return request.id in self._cancelled

        return Listener(on_text, cancelled, on_thought if request.thinks else None)

    def _load(self, request: ChatRequest | LoadRequest | PrefillRequest) -> ChatModel:
        """The model with the request's adapters, loaded now unless it is already."""
        from mlx_backend.models.base_model import base_for

        chosen = [
            (read_adapter(self._library.adapters, a.name), a.weight) for a in request.adapters
        ]
        base = base_for(self._library, [adapter for adapter, _ in chosen], request.model)
        is_new = not self._held.has(base)
        if is_new:
            self._room.check(base)
            self._reply(protocol.ModelLoading(id=request.id, model=base))
            self._held.load(base)
            self._announce(request.id, base)
        conversation = None if isinstance(request, LoadRequest) else request.conversation
        is_plain = not (isinstance(request, ChatRequest) and request.grounded)
        model = self._held.with_adapters(chosen, conversation, is_plain)
        if isinstance(request, LoadRequest) and not is_new:
            self._announce(request.id, base)
        return model

    def _announce(self, request_id: str, base: str) -> None:
        self._reply(protocol.ModelLoaded(id=request_id, model=base, bytes=self._held.bytes))


def read_requests(
    lines: BinaryIO, worker: Worker, inbox: queue.SimpleQueue[WorkerRequest | None]
) -> None:
    """Read requests from `lines` into `inbox` until the end of file, then put None.

    Lines that are too long or no request are logged and dropped.
    """
    while line := lines.readline(LONGEST_LINE):
        if not line.endswith(b"\n") and len(line) >= LONGEST_LINE:
            _log.warning("dropped a line that was too long")
            while line and not line.endswith(b"\n"):
                line = lines.readline(LONGEST_LINE)
            continue
        if not line.strip():
            continue
        request = protocol.decode_request(line)
        if isinstance(request, CancelRequest):
            worker.cancel(request.id)
        elif request is not None:
            inbox.put(request)
    inbox.put(None)


def main() -> int:
    """Serve until stdin closes; returns the exit code."""
    log_to_stderr()
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries print; the protocol must not mix

    def reply(message: WorkerReply) -> None:
        output.write(protocol.encode_line(message))

    inbox: queue.SimpleQueue[WorkerRequest | None] = queue.SimpleQueue()
    worker = Worker(Library.open(), reply, lambda: not inbox.empty())
    reader = threading.Thread(
        target=read_requests, args=(sys.stdin.buffer, worker, inbox), daemon=True
    )
    reader.start()
    reply(protocol.WorkerReady(pid=os.getpid()))
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    with contextlib.suppress(BrokenPipeError):  # the parent process is gone
        _serve_all(worker, inbox)
    return 0


def _serve_all(worker: Worker, inbox: queue.SimpleQueue[WorkerRequest | None]) -> None:
    """Serve requests until there are no more."""
    while True:
        try:
            request = inbox.get(timeout=LOOK_S)
        except queue.Empty:
            worker.rest()
            continue
        if request is None:
            worker.end()
            return
        worker.serve(request)


if __name__ == "__main__":
    # Not sys.exit, which would wait for stdin's lock: the reading thread may hold it.
    status = main()
    sys.stderr.flush()
    os._exit(status)
