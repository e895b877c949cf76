"""Who may ask: programs on this machine that know the token, and no page in a browser.

A page can have the browser send requests to this machine, even under a name of its own that it
points here (DNS rebinding). The first come with their page's Origin, the second with its name as
Host; both are refused before anything else is looked at.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from mlx_backend.serving.limits import drain
from mlx_backend.serving.refusals import Refusal

_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Access:
    """The token, the port that is listened on, and the pages that may ask (none by default)."""

    token: str
    port: int
    origins: frozenset[str] = frozenset()

    def check(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Raise the Refusal of a request with these headers (names in lower case), if any."""
        hosts = {f"{name}:{self.port}".encode() for name in _NAMES}
        if [host.lower() for host in _values(headers, b"host")] not in [[each] for each in hosts]:
            raise Refusal(421, "wrong_host", "Ask for 127.0.0.1 or localhost, and the right port.")
        if not {origin.decode("latin-1") for origin in _values(headers, b"origin")} <= self.origins:
            raise Refusal(403, "foreign_origin", "Pages in a browser may not ask this server.")
        if b"transfer-encoding" in dict(headers) and b"content-length" in dict(headers):
            raise Refusal(400, "two_lengths", "The request says its length in two ways.")
        if not self._has_token(_values(headers, b"authorization")):
            raise Refusal(
                401,
                "invalid_api_key",
                "The token is missing or wrong. Use the one that the server printed as it started.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _has_token(self, values: Sequence[bytes]) -> bool:
        scheme, _, token = (values[0] if len(values) == 1 else b"").partition(b" ")
        is_right = hmac.compare_digest(token.strip(), self.token.encode())
        return is_right and scheme.lower() == b"bearer"


class Guarded:
    """Passes on to an app only what `access` allows."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._access.check(scope["headers"])
        except Refusal as refusal:
            await drain(scope, receive)
            refusal.unread = True
            await refusal.response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _values(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]
