"""A server on loopback that answers for the length of a block: what all Hubs of the tests share."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, Protocol, TypeVar


class Addressed(Protocol):
    """A Hub, which learns where it is asked."""

    url: str


H = TypeVar("H", bound=Addressed)


class Answering(Generic[H]):
    """Answers for a Hub with a kind of handler, whose `hub` it sets."""

    def __init__(self, hub: H, handler: type[BaseHTTPRequestHandler]) -> None:
        self.hub = hub
        of_this_hub = type("Handler", (handler,), {"hub": hub})
        self._server = _Server(("127.0.0.1", 0), of_this_hub)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> H:
        self.hub.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread.start()
        return self.hub

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class QuietHandler(BaseHTTPRequestHandler):
    """Logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        return  # those who ask are killed, on purpose
