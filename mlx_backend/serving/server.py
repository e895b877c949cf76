"""The server: HTTP on a thread, the model on the main thread, and a queue between them."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mlx_backend.errors import from_exception
from mlx_backend.jobs.room import Room
from mlx_backend.library.home import Library
from mlx_backend.machine.kept_token import server_token
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.serving.access import Access, Guarded
from mlx_backend.serving.app import make_app
from mlx_backend.serving.asks import AskQueue
from mlx_backend.serving.listening import HOST, bound, listening
from mlx_backend.serving.model_names import Answerer
from mlx_backend.serving.owner import ModelOwner

WAITING = 32  # requests beside the one that is being answered

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Started:
    """Where the server is, for clients: `address` is what they call the base URL.

    token_kept: whether the token is the same at the next start. old_may_return: whether a token
    that was to be replaced may count again then.
    """

    address: str
    token: str = field(repr=False)
    token_kept: bool
    old_may_return: bool = False


def serve(
    library: Library,
    answerer: Answerer,
    port: int,
    announce: Callable[[Started], object],
    with_input: bool = False,
    new_token: bool = False,
) -> None:
    """Serve until a signal ends it or, `with_input`, until standard input does.

    On the main thread only. Loads `answerer` ahead of the first request, after `announce`. With
    `new_token`, programs that know the token of before are refused. Raises OvernightError where the
    port cannot be had.
    """
    listener = bound(port)
    taken: int = listener.getsockname()[1]
    token = server_token(new_token)
    asks = AskQueue(WAITING)
    owner = ModelOwner(library, asks, Room(library))
    app = Guarded(make_app(library, asks, answerer), Access(token.text, taken))
    with _ended_by_signals(owner.stop), listening(app, listener):
        address = f"http://{HOST}:{taken}/v1"
        announce(Started(address, token.text, token.is_kept, token.old_may_return))
        if with_input:
            threading.Thread(target=_watch_input, args=(owner.stop,), daemon=True).start()
        _work(owner, answerer)


def _work(owner: ModelOwner, answerer: Answerer) -> None:
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    try:
        owner.warm_up(answerer)
    except Exception as error:  # each request that needs the model is told
        report = report_of(from_exception(error))
        _log.error("%s %s\n%s", report.message, report.hint, report.detail)
    owner.serve()


@contextlib.contextmanager
def _ended_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within the block, Ctrl-C and SIGTERM call `stop`."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *_: stop()) for each in signals]
    try:
        yield
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)


def _watch_input(stop: Callable[[], None]) -> None:
    """Call `stop` when standard input ends. Reads the descriptor, since sys.stdin has a lock."""
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    stop()
