"""Sending one large file to the Hub's store, unless the store has it already.

Git LFS' batch API (github.com/git-lfs/git-lfs, docs/api/batch.md), with the Hub's own `multipart`
where it wants a file in parts. A file is known there by its SHA-256, so one that an interrupted
upload has sent is not sent again. Xet, which `hf_xet` speaks, tells too little of its progress and
cannot be stopped; the Hub takes both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from mlx_backend.catalogue.hub_pages import HUB
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.repository import RemoteFile
from mlx_backend.models.hub.retrying import Patience, Retry
from mlx_backend.models.hub.transfer import Watch
from mlx_backend.models.hub.upload_refusals import refused_upload
from mlx_backend.models.hub.upload_requests import Answer, UploadRequests

_LFS = "application/vnd.git-lfs+json"
_PIECE = 256 << 10
_MOST_PARTS = 10_000
_NUMBER = re.compile(r"\d{1,6}", re.ASCII)


class _Action(msgspec.Struct):
    href: str
    header: dict[str, str | int] = {}


class _Actions(msgspec.Struct):
    upload: _Action | None = None
    verify: _Action | None = None


class _Refusal(msgspec.Struct):
    code: int
    message: str = ""


class _Object(msgspec.Struct):
    oid: str
    actions: _Actions | None = None
    error: _Refusal | None = None


class _Batch(msgspec.Struct):
    objects: list[_Object]


class Sending:
    """Sends the files of `folder` to the store of one repository, `name`."""

    def __init__(
        self, requests: UploadRequests, access: Access, name: str, folder: Path, watch: Watch
    ) -> None:
        self._requests = requests
        self._access = access
        self._name = name
        self._folder = folder
        self._watch = watch

    def send(self, file: RemoteFile) -> bool:
        """Send a file; False where the store had it. Tries again while the connection breaks.

        Raises Stopped; OvernightError: offline, refused, full, busy.
        """
        patience = Patience()
        while True:
            self._watch.stop_if_asked()
            try:
                was_sent = self._try(file)
            except Retry as retry:
                self._watch.on_bytes(file, 0)
                wait = patience.wait_after(retry, brought_something=False)
                self._watch.wait(wait, retry.error)
            else:
                self._watch.on_bytes(file, file.size)
                return was_sent

    def _try(self, file: RemoteFile) -> bool:
        actions = self._asked(file)
        if actions is None or actions.upload is None:
            return False
        if "chunk_size" in actions.upload.header:
            self._send_in_parts(file, actions.upload)
        else:
            self._put(file, actions.upload.href, 0, file.size)
        if actions.verify is not None:
            told = {"oid": file.sha256, "size": file.size}
            self._post(actions.verify.href, told, "application/json")
        return True

    def _asked(self, file: RemoteFile) -> _Actions | None:
        """Where the Hub wants a file to be sent; None where its store has it."""
        wanted = {
            "operation": "upload",
            "transfers": ["basic", "multipart"],
            "objects": [{"oid": file.sha256, "size": file.size}],
            "hash_algo": "sha256",
            "ref": {"name": "main"},
        }
        path = f"{self._name}.git/info/lfs/objects/batch"
        batch = self._requests.read(self._requests.post(path, wanted, _LFS), _Batch)
        found = [each for each in batch.objects if each.oid == file.sha256]
        if len(found) != 1:
            raise self._requests.odd(f"an answer about {len(found)} objects")
        if (error := found[0].error) is not None:
            raise refused_upload(self._access, self._name, error.code, error.message)
        return found[0].actions

    def _send_in_parts(self, file: RemoteFile, upload: _Action) -> None:
        """One request a part, to the addresses that the Hub numbers, and one that joins them."""
        size = self._part_size(file, upload)
        addresses = {int(key): url for key, url in upload.header.items() if _NUMBER.fullmatch(key)}
        parts = []
        for number, begin in enumerate(range(0, file.size, size), start=1):
            url = addresses.get(number)
            if not isinstance(url, str):
                raise self._requests.odd(f"no address for part {number}")
            answer = self._put(file, url, begin, min(size, file.size - begin))
            etag = answer.headers.get("etag", "")
            if not etag:
                raise self._requests.odd(f"no ETag for part {number}")
            parts.append({"partNumber": number, "etag": etag})
        joined = {"oid": file.sha256, "parts": parts}
        self._post(upload.href, joined, _LFS)

    def _part_size(self, file: RemoteFile, upload: _Action) -> int:
        text = str(upload.header["chunk_size"])
        size = int(text[:15]) if text.isdecimal() else 0
        if not size > 0 or file.size > size * _MOST_PARTS:
            raise self._requests.odd(f"parts of {text!r} bytes")
        return size

    def _put(self, file: RemoteFile, url: str, begin: int, size: int) -> Answer:
        def on_bytes(done: int) -> None:
            self._watch.on_bytes(file, begin + done)

        pieces = _pieces(self._folder / file.path, begin, size, self._watch, on_bytes)
        url = self._address(url)
        return self._taken(self._requests.put(url, pieces, size), url)

    def _post(self, url: str, told: object, kind: str) -> None:
        url = self._address(url)
        self._taken(self._requests.post_to(url, told, kind), url)

    def _taken(self, answer: Answer, url: str) -> Answer:
        """The answer, if it is good. Raises Retry for an address that may have expired."""
        if answer.is_good:
            return answer
        error = self._requests.refused(answer)
        if 400 <= answer.status < 500 and not self._access.is_same_host(url):
            raise Retry(error)  # the next try asks for a fresh address
        raise error

    def _address(self, url: str) -> str:
        """An address that the Hub names, at the mirror where one is set.

        Raises OvernightError where the files would go over a connection that others can read.
        """
        if url.startswith(f"{HUB}/"):
            url = self._access.endpoint + url.removeprefix(HUB)
        parts = urlsplit(url)
        is_open = parts.scheme == "http" and not self._access.endpoint.startswith("http:")
        if parts.scheme not in ("https", "http") or not parts.hostname or is_open:
            raise self._requests.odd(f"an upload to {url[:200]}")
        return url


def _pieces(
    path: Path, begin: int, size: int, watch: Watch, on_bytes: Callable[[int], object]
) -> Iterator[bytes]:
    """The bytes of a part of a file. Raises Stopped, and OvernightError if it became shorter."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as content:
        content.seek(begin)
        done = 0
        while done < size:
            watch.stop_if_asked()
            piece = content.read(min(_PIECE, size - done))
            if not piece:
                raise OvernightError(
                    ErrorKind.BAD_INPUT,
                    f"{path.name} was changed while it was sent.",
                    "Publish again, and change nothing meanwhile.",
                )
            yield piece
            done += len(piece)
            on_bytes(done)
