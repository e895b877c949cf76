"""Listening on this machine alone, in a thread of its own."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.serving.connections import BoundedConnection

HOST = "127.0.0.1"

_LONGEST_HEAD = 32_768  # bytes
_ENDING_S = 3  # for answers that are under way
_PATIENCE_S = 10.0
_TICK_S = 0.01


def bound(port: int) -> socket.socket:
    """A socket at this port of the loopback interface; at any free one for 0.

    Raises OvernightError where another program has the port, or it may not be taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken by another program" if taken else f"cannot be used ({error.strerror})"
        raise OvernightError(
            ErrorKind.BUSY if taken else ErrorKind.REFUSED,
            f"Port {port} {reason}.",
            "Choose another port; 0 takes any that is free.",
        ) from error
    return listener


@contextlib.contextmanager
def listening(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Within the block, an app answers at a socket, from a thread; answers under way are ended."""
    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_graceful_shutdown=_ENDING_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="http", daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE_S
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(_TICK_S)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_S)
