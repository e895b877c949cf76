"""A server as a process of its own, as a person starts it, and the ends that a test holds."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
from openai import OpenAI

from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.machine.cores import FIXED_CORES

COMMAND = (sys.executable, "-m", "mlx_backend.cli", "serve", "--json", "--port", "0")
PATIENCE_S = 60.0
Json = dict[str, Any]


@dataclass
class Served:
    """A server that has told where it is."""

    process: subprocess.Popen[bytes]
    address: str
    token: str
    model: str
    errors: Path
    told: Json = field(default_factory=dict)
    clients: list[OpenAI] = field(default_factory=list)

    @classmethod
    def start(
        cls, library: Library, folder: Path, *words: str, stdin: int = subprocess.DEVNULL
    ) -> Served:
        errors = folder / "stderr.txt"
        own = {HOME_VARIABLE: str(library.home), FIXED_CORES: "1"}
        with errors.open("wb") as file:
            process = subprocess.Popen(
                [*COMMAND, *words],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
                env=os.environ | own,
            )
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        return cls(process, told["address"], told["token"], told["model"], errors, told)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2].partition("/")[0])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def client(self, token: str | None = None, retries: int = 0) -> OpenAI:
        client = OpenAI(
            base_url=self.address,
            api_key=self.token if token is None else token,
            max_retries=retries,
            http_client=httpx.Client(trust_env=False, timeout=PATIENCE_S),
        )
        self.clients.append(client)
        return client

    def raw(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request with headers just as given, beside those of a good one."""
        own = {"Host": self.host, "Authorization": f"Bearer {self.token}"}
        if body is not None:
            own["Content-Type"] = "application/json"
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in own.items():
                if value:
                    connection.putheader(name, value)
            if body is not None and "Content-Length" not in own:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            own = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, own, response.read())
        finally:
            connection.close()

    def chat(self, body: Json | bytes, **headers: str) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.raw("POST", "/v1/chat/completions", data, **headers)

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def head(self, length: int | None, *lines: str, path: str = "/v1/chat/completions") -> bytes:
        """The head of a good POST; `lines` are headers beside."""
        own = [
            f"POST {path} HTTP/1.1",
            f"Host: {self.host}",
            f"Authorization: Bearer {self.token}",
            "Content-Type: application/json",
            *([] if length is None else [f"Content-Length: {length}"]),
            *lines,
        ]
        return "\r\n".join([*own, "", ""]).encode()

    def end(self, how: int = signal.SIGTERM) -> int:
        """End it with a signal; returns the exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, how)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(PATIENCE_S)
        for pipe in (self.process.stdout, self.process.stdin):
            if pipe is not None:
                pipe.close()
        for client in self.clients:
            client.close()
        return code


@dataclass(frozen=True)
class Reply:
    """A response, read to its end; its headers have names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.body)
        return found

    @property
    def code(self) -> str:
        """The code of an error; the body must be one in OpenAI's form."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        return str(error["code"])


def answer_in(raw: bytes) -> Reply:
    """The first response in what a socket brought."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    return Reply(int(first.split(" ")[1]), headers, body)


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
