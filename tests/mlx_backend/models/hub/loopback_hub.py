"""A Hub of our own on loopback, with every way in which a download can go wrong."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.mlx_backend.models.hub.answering import Answering, QuietHandler

REPO = "someone/Tiny-1B"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
_PIECE = 64 << 10


@dataclass
class Repo:
    """A repository: its files, and what its listing says otherwise than is true."""

    files: dict[str, bytes]
    licence: str = "apache-2.0"
    gated: bool = False
    tokens: set[str] = field(default_factory=set)
    says: dict[str, dict[str, Any]] = field(default_factory=dict)
    kind: str = "models"

    @classmethod
    def of_folder(cls, folder: Path, **fields: Any) -> Repo:
        return cls({path.name: path.read_bytes() for path in folder.iterdir()}, **fields)


@dataclass(frozen=True)
class Request:
    """A request for a file: from which byte on, with which token, and how much was sent."""

    path: str
    begin: int
    authorization: str
    sent: list[int]


@dataclass
class Hub:
    """What it serves, how it misbehaves, and what it was asked.

    statuses: answered to the next requests for weights, with these headers. cuts: the next answers
    break off after so many bytes.
    """

    repos: dict[str, Repo] = field(default_factory=dict)
    statuses: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    cuts: deque[int] = field(default_factory=deque)
    knows_ranges: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    redirect_to: str = ""
    bytes_per_second: float = 0.0
    requests: list[Request] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def sent(self) -> int:
        return sum(sum(request.sent) for request in self.requests)

    def sent_of(self, path: str) -> int:
        return sum(sum(request.sent) for request in self.requests if request.path == path)


class Serving(Answering[Hub]):
    """A hub that answers for the length of a block."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub, _Handler)


class _Handler(QuietHandler):
    hub: Hub

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.authorizations.append(self.headers.get("Authorization", ""))
        try:
            if path.startswith("api/"):
                self._answer_listing(path.split("/"))
            else:
                self._answer_file(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer_listing(self, parts: list[str]) -> None:
        kind, name = parts[1], "/".join(parts[2:4])
        revision = "/".join(parts[5:]) or "main"
        repo = self.hub.repos.get(name)
        if repo is None or repo.kind != kind:
            return self._refuse(404, "RepoNotFound")
        if repo.tokens and not repo.gated and self._token() not in repo.tokens:
            return self._refuse(401, "RepoNotFound")
        if revision not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound")
        said = {
            "id": name,
            "sha": COMMIT,
            "gated": "auto" if repo.gated else False,
            "cardData": {"license": repo.licence} if repo.licence else {},
            "siblings": [_sibling(repo, path) for path in (*repo.files, *repo.says)],
        }
        return self._send_json(said)

    def _answer_file(self, path: str) -> None:
        owner, name, _, _, file = path.split("/", 4)
        repo = self.hub.repos[f"{owner}/{name}"]
        if repo.gated and self._token() not in repo.tokens:
            return self._refuse(403 if self._token() else 401, "GatedRepo")
        if file.endswith(".safetensors") and self.hub.statuses:
            status, headers = self.hub.statuses.popleft()
            return self._refuse(status, "", headers)
        if file.endswith(".safetensors") and self.hub.redirect_to:
            return self._refuse(302, "", {"Location": f"{self.hub.redirect_to}/{path}"})
        if file not in repo.files:
            return self._refuse(404, "EntryNotFound")
        return self._send_file(file, repo.files[file])

    def _send_file(self, file: str, data: bytes) -> None:
        asked = self.headers.get("Range", "bytes=0-")
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if self.hub.knows_ranges else 0
        sent: list[int] = []
        authorization = self.headers.get("Authorization", "")
        self.hub.requests.append(Request(file, begin, authorization, sent))
        if begin >= len(data) > 0:
            self._refuse(416, "")
            return
        self.send_response(206 if self.hub.knows_ranges else 200)
        headers = {"Content-Length": str(len(data) - begin), "ETag": '"x"'}
        if self.hub.knows_ranges:
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        for key, value in (headers | self.hub.headers).items():
            self.send_header(key, value)
        self.end_headers()
        is_weights = file.endswith(".safetensors")
        cut = self.hub.cuts.popleft() if is_weights and self.hub.cuts else len(data)
        self._send(memoryview(data)[begin : begin + cut], sent)
        if cut < len(data) - begin:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, data: memoryview, sent: list[int]) -> None:
        # Else megabytes count as sent that nobody has taken yet.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PIECE)
        while data:
            piece, data = data[:_PIECE], data[_PIECE:]
            self.wfile.write(piece)
            sent.append(len(piece))
            if self.hub.bytes_per_second:
                time.sleep(len(piece) / self.hub.bytes_per_second)

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _refuse(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        # A server may repeat what it was sent.
        body = f"refused: {self.headers.get('Authorization', '')}".encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", body.decode())
        for key, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def _send_json(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _sibling(repo: Repo, path: str) -> dict[str, Any]:
    data = repo.files.get(path, b"")
    said: dict[str, Any] = {"rfilename": path, "size": len(data)}
    said["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    if path.endswith(".safetensors"):
        sha256 = hashlib.sha256(data).hexdigest()
        said["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 130}
    return said | repo.says.get(path, {})
