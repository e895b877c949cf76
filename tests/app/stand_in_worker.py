"""Speaks the worker's protocol without a model. The question says how it behaves."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from typing import Literal

import msgspec

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.private_data.masked_errors import report_of

QUOTED_NOTE = "Sums & signs"

Ending = Literal["stop", "length", "cancelled"]

_ERRORS = {
    "fail": OvernightError(
        ErrorKind.ADAPTER_UNKNOWN, "There is no such adapter.", "Choose another."
    ),
    "overlong": OvernightError(
        ErrorKind.TOO_LONG, "This is too long for the model.", "Shorten it."
    ),
}

_requests: queue.Queue[protocol.WorkerRequest | None] = queue.Queue()
_cancelled: set[str] = set()


def main() -> None:
    if "dies-at-start" in sys.argv:
        sys.exit(3)
    threading.Thread(target=_listen, daemon=True).start()
    say(protocol.WorkerReady(pid=os.getpid()))
    loaded = ""
    while (request := _requests.get()) is not None:
        match request:
            case protocol.ReleaseRequest():
                loaded = ""
                say(protocol.ModelReleased(id=request.id))
            case protocol.ChatRequest() | protocol.LoadRequest():
                if loaded != request.model:
                    say(protocol.ModelLoading(id=request.id, model=request.model))
                    loaded = request.model
                    say(protocol.ModelLoaded(id=request.id, model=request.model, bytes=540_000_000))
                if isinstance(request, protocol.ChatRequest):
                    answer(request)


def _listen() -> None:
    for line in sys.stdin.buffer:
        request = protocol.decode_request(line)
        if isinstance(request, protocol.CancelRequest):
            _cancelled.add(request.id)
        elif request is not None:
            _requests.put(request)
    _requests.put(None)


def answer(request: protocol.ChatRequest) -> None:
    question = request.turns[-1].text
    who = request.adapters[0].name if request.adapters else f"base {request.model}"
    if "how" in question:
        who += " from the notes" if request.grounded else " closed book"
    if "garbage" in question:
        sys.stdout.buffer.write(b'not json\n{"reply":"part"}\n\xff\xfe\n{"v":99,"reply":"ready"}\n')
    if "huge line" in question:
        sys.stdout.buffer.write(b"x" * (9 << 20) + b"\n")
    failing = next((error for word, error in _ERRORS.items() if word in question), None)
    if failing is not None:
        say(protocol.RequestFailed(id=request.id, error=report_of(failing)))
        return
    think(request)
    spoken = ""
    if request.begun:
        say(protocol.AnswerPart(id=request.id, text=" and on"))
        done(request, " and on", "stop")
        return
    for count, piece in enumerate(pieces_of(request, who)):
        spoken += piece
        if not is_from_notes(request):
            say(protocol.AnswerPart(id=request.id, text=piece))
        if "slowly" in question:
            time.sleep(0.01)
        if "crash" in question and count == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        while "hang" in question and request.id not in _cancelled and count == 1:
            time.sleep(0.01)
        if request.id in _cancelled:
            break
    ended: Ending = "length" if "too long" in question else "stop"
    done(request, spoken, "cancelled" if request.id in _cancelled else ended)


def think(request: protocol.ChatRequest) -> None:
    """Say some thoughts, where they are wanted; to 'ponder' there is no end."""
    for piece in ("Let me see: ", "it is about boats.") if request.thinks else ():
        say(protocol.ThoughtPart(id=request.id, text=piece))
    while "ponder" in request.turns[-1].text and request.id not in _cancelled:
        time.sleep(0.01)


def pieces_of(request: protocol.ChatRequest, who: str) -> list[str]:
    question = request.turns[-1].text
    if "flood" in question:
        return ["word "] * 20_000
    if "unknown" in question and request.grounded:
        return [protocol.DECLINED[:9], protocol.DECLINED[9:]]
    if "repeat" in question:
        return [question.partition(":")[2]]
    if "slowly" in question:
        return [f"word{number} " for number in range(400)]
    if request.system:
        who = f"{who} told “{request.system}”"
    if quoted(request):
        return [f"{QUOTED_NOTE}: {quoted(request)}"]
    return [f"{who} ", "heard ", f"{len(request.turns)} turns: ", question]


def done(request: protocol.ChatRequest, text: str, ended: Ending) -> None:
    say(
        protocol.AnswerDone(
            id=request.id,
            text=text,
            ended=ended,
            prompt_tokens=10,
            cached_tokens=0,
            generated_tokens=4,
            ttft_ms=100.0,
            tokens_per_second=0 if is_from_notes(request) else 12.3,
            citations=cited(request),
            quote=quoted(request),
            from_notes=is_from_notes(request),
            looked_up=looked_up(request),
            left_out=1 if "forgets" in request.turns[-1].text and len(request.turns) > 1 else 0,
        )
    )


def is_from_notes(request: protocol.ChatRequest) -> bool:
    """Whether no model words the answer. One that reads says 'unknown' by itself to 'reader'."""
    asked = request.turns[-1].text
    is_declined = "unknown" in asked and "reader" not in asked
    return request.grounded and ("quote " in asked or is_declined)


def quoted(request: protocol.ChatRequest) -> str:
    """A question like 'quote 2*3' is answered by quoting '2*3'."""
    return request.turns[-1].text.partition("quote ")[2] if request.grounded else ""


def cited(request: protocol.ChatRequest) -> tuple[protocol.Citation, ...]:
    """A question like 'cite 3 10 20' is answered from note 3, characters 10 to 20."""
    if quoted(request):
        title = QUOTED_NOTE
        return (protocol.Citation(note=1, passage=1, title=title, path="/n/a.md", start=0, end=9),)
    question = request.turns[-1].text.partition("cite ")[2]
    if not (request.grounded and question):
        return ()
    note, start, end = (int(number) for number in question.split()[:3])
    first = protocol.Citation(
        note=note, passage=1, title="Tea & rope", path="/notes/tea.md", start=start, end=end
    )
    return (first, msgspec.structs.replace(first, passage=2, start=0))


def looked_up(request: protocol.ChatRequest) -> tuple[protocol.Citation, ...]:
    """To 'unknown 3 10 20' the closest is note 3, characters 10 to 20."""
    place = request.turns[-1].text.partition("unknown ")[2].split()
    if not request.grounded or len(place) < 3:
        return ()
    note, start, end = (int(number) for number in place[:3])
    return (
        protocol.Citation(
            note=note, passage=1, title="Tea & rope", path="/notes/tea.md", start=start, end=end
        ),
    )


def say(reply: protocol.WorkerReply) -> None:
    sys.stdout.buffer.write(protocol.encode_line(reply))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
