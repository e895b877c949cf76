"""The addresses of the server, and what is done at each."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mlx_backend.errors import OvernightError, from_exception
from mlx_backend.library.home import Library
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.serving.answering import Answering
from mlx_backend.serving.asks import Ask, AskQueue
from mlx_backend.serving.limits import decoded, drain, read_body
from mlx_backend.serving.model_names import Answerer, Known
from mlx_backend.serving.refusals import Refusal, json_response
from mlx_backend.serving.replies import Reply
from mlx_backend.serving.schema import ChatCompletion, Completion
from mlx_backend.serving.wanted import wanted_of
from mlx_backend.settings import Settings, load_settings

_SOON_S = 5  # when to try again while the queue is full

_log = logging.getLogger(__name__)


def make_app(library: Library, asks: AskQueue, default: Answerer) -> Starlette:
    """The application; `default` answers requests that name no model."""
    api = _Api(library, asks, default)
    return Starlette(
        routes=[
            Route("/v1/models", api.models),
            Route("/v1/models/{name:path}", api.model),
            Route("/v1/chat/completions", api.chat, methods=["POST"]),
            Route("/v1/completions", api.complete, methods=["POST"]),
        ],
        exception_handlers={
            Refusal: _refuse,
            OvernightError: _refuse_typed,
            HTTPException: _refuse_address,
            Exception: _refuse_all,
        },
    )


class _Api:
    def __init__(self, library: Library, asks: AskQueue, default: Answerer) -> None:
        self._library = library
        self._asks = asks
        self._default = default

    async def models(self, _: Request) -> Response:
        """GET /v1/models: whoever can be asked, first the one that the server was started for."""
        known = await run_in_threadpool(Known.of, self._library)
        others = [each for each in known.all() if each != self._default]
        listed = [_model(known, each) for each in (self._default, *others)]
        return json_response({"object": "list", "data": listed})

    async def model(self, request: Request) -> Response:
        """GET /v1/models/NAME."""
        known = await run_in_threadpool(Known.of, self._library)
        name = request.path_params["name"]
        return json_response(_model(known, known.find(name)) | {"id": name})

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        return await self._answer(request, ChatCompletion)

    async def complete(self, request: Request) -> Response:
        """POST /v1/completions."""
        return await self._answer(request, Completion)

    async def _answer(
        self, request: Request, kind: type[ChatCompletion] | type[Completion]
    ) -> Response:
        asked = decoded(await read_body(request.scope, request.receive), kind)
        answerer, name, settings = await run_in_threadpool(self._look_up, asked.model)
        wanted = wanted_of(asked, answerer, settings)
        ask = Ask(wanted)
        if not self._asks.put(ask):
            message = "Too many requests wait already. Try again soon."
            kind_of_it = "rate_limit_error"
            raise Refusal(429, "queue_full", message, kind_of_it, later_s=_SOON_S)
        answering = Answering(ask, self._asks, Reply(asked, name, wanted.answerer.grounded))
        if asked.stream:
            return await answering.stream(request.receive)
        return await answering.whole(request.receive)

    def _look_up(self, name: str | None) -> tuple[Answerer, str, Settings]:
        """Who is meant, the name to answer with, and the settings now."""
        known = Known.of(self._library)
        settings = load_settings(self._library.settings)
        if name is None:
            return self._default, known.name_of(self._default), settings
        return known.find(name), name, settings


def _model(known: Known, answerer: Answerer) -> dict[str, object]:
    created = known.created(answerer)
    name = known.name_of(answerer)
    return {"id": name, "object": "model", "created": created, "owned_by": "overnight"}


async def _refuse(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refusal.response


async def _refuse_typed(request: Request, error: Exception) -> Response:
    assert isinstance(error, OvernightError)
    return Refusal.of(error).response


async def _refuse_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    await drain(request.scope, request.receive)
    message = f"There is no {request.method} at this address. The addresses begin with /v1."
    code = "unknown_address" if error.status_code == 404 else "wrong_method"
    headers = dict(error.headers or {})
    return Refusal(error.status_code, code, message, unread=True, headers=headers).response


async def _refuse_all(request: Request, error: Exception) -> Response:
    report = report_of(from_exception(error))
    _log.error("a request failed: %s\n%s", report.message, report.detail)
    return Refusal.of(from_exception(error)).response
