"""Errors in OpenAI's form, with the status codes that its clients understand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from starlette.responses import Response

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.private_data.masked_errors import report_of

_INVALID = "invalid_request_error"
_LATER_S = 30

# The status, the type and the code of each kind of error that is no fault of ours.
_KINDS: Mapping[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.MODEL_UNKNOWN: (404, _INVALID, "model_not_found"),
    ErrorKind.ADAPTER_UNKNOWN: (404, _INVALID, "model_not_found"),
    ErrorKind.BAD_INPUT: (400, _INVALID, "invalid_value"),
    ErrorKind.TOO_LONG: (400, _INVALID, "context_length_exceeded"),
    ErrorKind.BUSY: (503, "server_error", "busy"),
    ErrorKind.NO_MEMORY: (503, "server_error", "no_memory"),
    ErrorKind.WORKER_STOPPED: (503, "server_error", "ending"),
}


@dataclass(eq=False)
class Refusal(Exception):
    """Why a request is not answered, in words for people; `code` is for programs.

    param: the field of the request that is wrong. later_s: when to try again, in seconds. unread:
    whether a part of the request was not read.
    """

    status: int
    code: str
    message: str
    type: str = _INVALID
    param: str | None = None
    later_s: int = 0
    unread: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, error: OvernightError) -> Refusal:
        """The refusal for an error of the engine; what is private in it is masked."""
        status, kind, code = _KINDS.get(error.kind, (500, "server_error", error.kind.value))
        report = report_of(error)
        message = f"{report.message} {report.hint}".strip()
        return cls(status, code, message, kind, later_s=_LATER_S if status == 503 else 0)

    @property
    def body(self) -> dict[str, object]:
        """The error as JSON."""
        fields = {"message": self.message, "type": self.type, "param": self.param}
        return {"error": fields | {"code": self.code}}

    @property
    def response(self) -> Response:
        """The response; the connection ends where not all of the request was read."""
        headers = dict(self.headers)
        if self.later_s:
            headers["Retry-After"] = str(self.later_s)
        if self.unread:
            headers["Connection"] = "close"
        return json_response(self.body, self.status, headers)


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A response with JSON that no cache keeps, and that no browser takes for anything else."""
    own = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    body = msgspec.json.encode(value)
    return Response(body, status, own | dict(headers or {}), media_type="application/json")
