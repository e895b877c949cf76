"""What becomes of a request in the queue: a whole answer, or a stream, until its client goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from sse_starlette.sse import EventSourceResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mlx_backend.serving.asks import Ask, AskQueue, Done, Failed, Gone, News, Piece
from mlx_backend.serving.refusals import Refusal, json_response
from mlx_backend.serving.replies import END, Reply, encoded

_PING_S = 15
_SEND_S = 30.0  # a client that reads nothing for so long is taken for gone
_NOBODY_READS = 499  # nginx's status for a client that has gone


class Answering:
    """The answer to one request; the request leaves the queue when the client goes."""

    def __init__(self, ask: Ask, asks: AskQueue, reply: Reply) -> None:
        self._ask = ask
        self._asks = asks
        self._reply = reply

    async def whole(self, receive: Receive) -> Response:
        """The answer in one response. Raises Refusal where there is none."""
        pieces = []
        try:
            async with self._watching(receive):
                while isinstance(news := await self._ask.heard(), Piece):
                    pieces.append(news.text)
        finally:
            self._withdraw()
        if isinstance(news, Done):
            return json_response(self._reply.whole("".join(pieces), news))
        return self._without_answer(news)

    async def stream(self, receive: Receive) -> Response:
        """The answer as events. Raises Refusal where not even the first piece comes."""
        try:
            async with self._watching(receive):
                first = await self._ask.heard()
        except BaseException:
            self._withdraw()
            raise
        if isinstance(first, Piece | Done):
            return _Stream(self._events(first), self._withdraw)
        return self._without_answer(first)

    def _without_answer(self, news: News) -> Response:
        if isinstance(news, Failed):
            raise Refusal.of(news.error)
        return Response(status_code=_NOBODY_READS)

    async def _events(self, news: News) -> AsyncIterator[str]:
        for chunk in self._reply.begin():
            yield encoded(chunk)
        while isinstance(news, Piece):
            yield encoded(self._reply.piece(news))
            news = await self._ask.heard()
        if isinstance(news, Done):
            for chunk in self._reply.end(news):
                yield encoded(chunk)
            yield END
        elif isinstance(news, Failed):
            yield encoded(Refusal.of(news.error).body)

    def _withdraw(self) -> None:
        self._ask.cancel()
        self._asks.remove(self._ask)

    @contextlib.asynccontextmanager
    async def _watching(self, receive: Receive) -> AsyncIterator[None]:
        """Within the block, it becomes news that the client has gone."""
        watcher = asyncio.create_task(self._watch(receive))
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._ask.tell(Gone())


class _Stream(EventSourceResponse):
    """Server-sent events; `on_end` is called however the stream ends, even before its beginning."""

    def __init__(self, events: AsyncIterator[str], on_end: Callable[[], None]) -> None:
        super().__init__(events, ping=_PING_S, sep="\n", send_timeout=_SEND_S)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client goes."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()
