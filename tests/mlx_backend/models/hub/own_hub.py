"""A Hub of our own on loopback that takes uploads, and remembers everything that it receives."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.mlx_backend.models.hub.answering import Answering, QuietHandler

TOKEN = "hf_" + "w0rkingToken" + "OfMarta123456"
ME, CREW = "marta", "lighthouse"
_PIECE = 64 << 10


def account(role: str = "write", **more: Any) -> dict[str, Any]:
    """What the Hub says of a token of Marta's."""
    token = {"displayName": "test", "role": role} | more
    orgs = [{"name": CREW, "roleInOrg": "write"}, {"name": "readers", "roleInOrg": "read"}]
    return {"type": "user", "name": ME, "orgs": orgs, "auth": {"accessToken": token}}


@dataclass(frozen=True)
class Commit:
    """A commit as it was asked for."""

    message: str
    added: tuple[str, ...]
    deleted: tuple[str, ...]


@dataclass
class OwnRepo:
    """A repository with its files at the newest commit, and what the next upload would ignore."""

    files: dict[str, bytes] = field(default_factory=dict)
    is_private: bool = True
    commits: list[Commit] = field(default_factory=list)
    head: str = "0" * 40


@dataclass(frozen=True)
class Seen:
    """A request, and what came with it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class OwnHub:
    """What it holds, how it misbehaves, and what it got.

    statuses: by what is asked (whoami, listing, create, preupload, batch, put, verify, commit), the
    answers to the next requests: a status, headers and the words; odd: what is said instead of an
    answer. cuts: the next files break off after so many bytes. lost_answers: how many commits are
    made without a word. part_size: bytes of the parts in which files are wanted, 0 as a whole.
    """

    accounts: dict[str, dict[str, Any]] = field(default_factory=lambda: {TOKEN: account()})
    repos: dict[str, OwnRepo] = field(default_factory=dict)
    store: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, deque[tuple[int, dict[str, str], str]]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    odd: dict[str, bytes] = field(default_factory=dict)
    cuts: deque[int] = field(default_factory=deque)
    lost_answers: int = 0
    part_size: int = 0
    makes_public: bool = False
    store_url: str = ""
    bytes_per_second: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    put_bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    url: str = ""

    def asked(self, kind: str) -> list[Seen]:
        """The requests whose address has this text in it."""
        return [each for each in self.seen if kind in each.path]

    def refuse(
        self, kind: str, status: int, words: str = "", times: int = 1, **headers: str
    ) -> None:
        """Answer the next requests of a kind with a refusal."""
        self.statuses[kind].extend([(status, headers, words)] * times)


class Taking(Answering[OwnHub]):
    """An own Hub that answers for the length of a block."""

    def __init__(self, hub: OwnHub) -> None:
        super().__init__(hub, _Handler)


class _Cut(Exception):
    pass


class _Handler(QuietHandler):
    hub: OwnHub

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def do_PUT(self) -> None:
        try:
            self._answer(self._received())
        except _Cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _received(self) -> bytes:
        size = int(self.headers["Content-Length"])
        cut = self.hub.cuts.popleft() if self.hub.cuts else size
        oid = self._path().split("/")[1]
        body = bytearray()
        while len(body) < min(size, cut):
            piece = self.rfile.read(min(_PIECE, min(size, cut) - len(body)))
            if not piece:
                raise _Cut
            body += piece
            self.hub.put_bytes[oid] += len(piece)
            if self.hub.bytes_per_second:
                time.sleep(len(piece) / self.hub.bytes_per_second)
        if cut < size:
            raise _Cut
        return bytes(body)

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    def _answer(self, body: bytes) -> None:
        path = self._path()
        self.hub.seen.append(Seen(self.command, path, dict(self.headers.items()), body))
        kind = _kind_of(self.command, path)
        try:
            if self.hub.statuses[kind]:
                status, headers, words = self.hub.statuses[kind].popleft()
                return self._refuse(status, words, headers)
            if kind in self.hub.odd:
                return self._send(200, self.hub.odd[kind], {})
            return getattr(self, f"_{kind}")(path, body)  # type: ignore[no-any-return]
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _whoami(self, path: str, body: bytes) -> None:
        told = self.hub.accounts.get(self._token())
        if told is None:
            return self._refuse(401, "Invalid credentials in Authorization header")
        return self._send_json(told)

    def _listing(self, path: str, body: bytes) -> None:
        name = "/".join(path.split("/")[2:4])
        repo = self.hub.repos.get(name)
        if repo is None or (repo.is_private and not self._may_write(name)):
            return self._refuse(404, "Repository not found", {"X-Error-Code": "RepoNotFound"})
        siblings = [_sibling(path, data) for path, data in repo.files.items()]
        told = {"id": name, "sha": repo.head, "private": repo.is_private, "siblings": siblings}
        return self._send_json(told)

    def _create(self, path: str, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        if not self._may_write(name):
            return self._refuse(403, "You don't have the rights to create a model")
        if name in self.hub.repos:
            return self._refuse(409, "You already created this model repo")
        is_private = asked["visibility"] == "private" and not self.hub.makes_public
        self.hub.repos[name] = OwnRepo(
            {".gitattributes": b"*.safetensors"}, is_private, head="1" * 40
        )
        return self._send_json({"url": f"{self.hub.url}/{name}", "name": name})

    def _preupload(self, path: str, body: bytes) -> None:
        files = [
            {
                "path": each["path"],
                "uploadMode": "lfs" if _is_large(each["path"], each["size"]) else "regular",
                "shouldIgnore": False,
            }
            for each in json.loads(body)["files"]
        ]
        return self._send_json({"files": files})

    def _batch(self, path: str, body: bytes) -> None:
        if not self._may_write(path.split(".git/", maxsplit=1)[0]):
            return self._refuse(403, "Forbidden")
        objects = []
        for each in json.loads(body)["objects"]:
            told: dict[str, Any] = {"oid": each["oid"], "size": each["size"]}
            if each["oid"] not in self.hub.store:
                told["actions"] = self._actions(each["oid"], each["size"])
            objects.append(told)
        return self._send_json({"transfer": "basic", "objects": objects})

    def _actions(self, oid: str, size: int) -> dict[str, Any]:
        store, part = self.hub.store_url or self.hub.url, self.hub.part_size
        verify = {"href": f"{self.hub.url}/verify/{oid}"}
        if not part:
            upload = {"href": f"{store}/store/{oid}?X-Amz-Signature=signed{oid[:8]}"}
            return {"upload": upload, "verify": verify}
        header = {"chunk_size": str(part)}
        for number in range(1, -(-size // part) + 1):
            header[f"{number:05d}"] = f"{store}/store/{oid}/{number}?X-Amz-Signature=signed"
        return {"upload": {"href": f"{self.hub.url}/join/{oid}", "header": header}}

    def _put(self, path: str, body: bytes) -> None:
        _, oid, *number = path.split("/")
        if number:
            self.hub.store[f"{oid}/{number[0]}"] = body
        elif hashlib.sha256(body).hexdigest() == oid:
            self.hub.store[oid] = body
        else:
            return self._refuse(400, "BadDigest")
        return self._send_json({}, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def _join(self, path: str, body: bytes) -> None:
        oid, told = path.split("/")[1], json.loads(body)
        parts = [self.hub.store.pop(f"{oid}/{each['partNumber']}") for each in told["parts"]]
        tags = [f'"{hashlib.md5(part).hexdigest()}"' for part in parts]
        data = b"".join(parts)
        is_right = hashlib.sha256(data).hexdigest() == oid == told["oid"]
        if tags != [each["etag"] for each in told["parts"]] or not is_right:
            return self._refuse(400, "the parts do not fit")
        self.hub.store[oid] = data
        return self._send_json({})

    def _verify(self, path: str, body: bytes) -> None:
        told = json.loads(body)
        is_there = len(self.hub.store.get(told["oid"], b"")) == told["size"]
        return self._send_json({}) if is_there else self._refuse(404, "no such object")

    def _commit(self, path: str, body: bytes) -> None:
        name = "/".join(path.split("/")[2:4])
        if not self._may_write(name):
            return self._refuse(403, "Forbidden")
        repo, lines = self.hub.repos[name], [json.loads(line) for line in body.splitlines()]
        header = lines[0]["value"]
        if header["parentCommit"] != repo.head:
            return self._refuse(412, "A commit has happened since. Please refresh and try again.")
        added, deleted = [], []
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "deletedFile":
                del repo.files[value["path"]]
                deleted.append(value["path"])
                continue
            is_named = line["key"] == "lfsFile"
            data = self.hub.store[value["oid"]] if is_named else base64.b64decode(value["content"])
            repo.files[value["path"]] = data
            added.append(value["path"])
        repo.commits.append(Commit(header["summary"], tuple(added), tuple(deleted)))
        repo.head = hashlib.sha1(body).hexdigest()
        if self.hub.lost_answers:
            self.hub.lost_answers -= 1
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        url = f"{self.hub.url}/{name}/commit/{repo.head}"
        return self._send_json({"commitOid": repo.head, "commitUrl": url, "success": True})

    def _yaml(self, path: str, body: bytes) -> None:
        return self._send_json({"warnings": [], "errors": []})

    def _file(self, path: str, body: bytes) -> None:
        owner, name, _, _, file = path.split("/", 4)
        repo = self.hub.repos[f"{owner}/{name}"]
        if file not in repo.files:
            return self._refuse(404, "Entry not found")
        return self._send(200, repo.files[file], {})

    def _may_write(self, name: str) -> bool:
        told = self.hub.accounts.get(self._token())
        if told is None or told["auth"]["accessToken"]["role"] == "read":
            return False
        owners = [told["name"], *(o["name"] for o in told["orgs"] if o["roleInOrg"] != "read")]
        return name.split("/", maxsplit=1)[0] in owners

    def _token(self) -> str:
        return str(self.headers.get("Authorization", "")).removeprefix("Bearer ")

    def _refuse(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        # A server may repeat what it was sent.
        said = f"{words} {self.headers.get('Authorization', '')} {self.path}"
        self._send(status, json.dumps({"error": said}).encode(), headers or {})

    def _send_json(self, said: object, headers: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(said).encode(), headers or {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def _kind_of(method: str, path: str) -> str:
    if method == "PUT":
        return "put"
    if path == "api/whoami-v2":
        return "whoami"
    if path == "api/repos/create":
        return "create"
    if path == "api/validate-yaml":
        return "yaml"
    for part, kind in (
        ("/preupload/", "preupload"),
        ("/commit/", "commit"),
        ("/objects/batch", "batch"),
        ("/resolve/", "file"),
    ):
        if part in path:
            return kind
    return path.split("/", maxsplit=1)[0] if path.startswith(("verify/", "join/")) else "listing"


def _is_large(path: str, size: int) -> bool:
    return path.endswith((".safetensors", ".gguf")) or size > 100_000


def _sibling(path: str, data: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"rfilename": path, "size": len(data)}
    told["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    if _is_large(path, len(data)):
        told["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return told
