"""A request on its way to the model and its answer on the way back, from one thread to another."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

from mlx_backend.errors import OvernightError
from mlx_backend.protocol import Citation, Sampling, Turn
from mlx_backend.serving.model_names import Answerer

Finish = Literal["stop", "length"]


@dataclass(frozen=True)
class Wanted:
    """What a client wants: an answer to the last of `turns`, or that a `text` is gone on with.

    system: what stands before the turns. stops: the answer ends before each of these texts.
    """

    answerer: Answerer
    sampling: Sampling
    stops: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    system: str = ""
    text: str | None = None


@dataclass(frozen=True)
class Piece:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class Done:
    """The answer is whole. Counts are in tokens.

    left_out: how many of the first exchanges did not fit into the context window.
    """

    finish: Finish
    prompt_tokens: int
    generated_tokens: int
    cached_tokens: int
    citations: tuple[Citation, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Failed:
    """There is no answer, or no more of it."""

    error: OvernightError


@dataclass(frozen=True)
class Gone:
    """The client has gone, and hears no more."""


News = Piece | Done | Failed | Gone


class Ask:
    """A request in the queue. Made in an event loop, which hears the news; told by any thread."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self._cancelled = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Nobody waits for the answer any more: it ends after the token that is being computed."""
        self._cancelled.set()

    def tell(self, news: News) -> None:
        """Tell the client's side."""
        with contextlib.suppress(RuntimeError):  # that loop has ended, and its clients with it
            self._loop.call_soon_threadsafe(self._news.put_nowait, news)

    async def heard(self) -> News:
        """The next piece of news."""
        return await self._news.get()


class AskQueue:
    """Requests in the order in which they came, up to `limit` of them. For any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._asks: deque[Ask] = deque()
        self._lock = threading.Lock()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __len__(self) -> int:
        return len(self._asks)

    def put(self, ask: Ask) -> bool:
        """Append a request; False where the queue is full."""
        with self._lock:
            if len(self._asks) >= self._limit:
                return False
            self._asks.append(ask)
        self.ring()
        return True

    def remove(self, ask: Ask) -> None:
        """Take a request out, if it is still in."""
        with self._lock, contextlib.suppress(ValueError):
            self._asks.remove(ask)

    def next(self, patience: float) -> Ask | None:
        """The first request; None where none came within so many seconds, or `ring` was called."""
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=patience)
        with self._lock:
            return self._asks.popleft() if self._asks else None

    def close(self) -> list[Ask]:
        """Take no more requests, and give back those that wait."""
        with self._lock:
            self._limit = 0
            left = list(self._asks)
            self._asks.clear()
        return left

    def ring(self) -> None:
        """Wake who waits for the next request. May be called by a signal's handler."""
        self._bell.put(None)
