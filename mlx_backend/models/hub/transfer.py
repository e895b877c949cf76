"""Fetching one file by range, from where the last try ended, so that hardly a byte comes twice.

HTTP ranges: RFC 9110, section 14. What has come of a file lies in a partial file elsewhere; only
when its length and its digest are right does it get its name.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sync_file, sync_path
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.refusals import asking, odd_answer, offline
from mlx_backend.models.hub.repository import RemoteFile, Repository
from mlx_backend.models.hub.retrying import Patience, Retry, seconds_asked_for

if TYPE_CHECKING:
    import httpx2

_PIECE = 1 << 20  # bytes
_SYNC_EVERY = 8 * _PIECE
_CONNECT_S, _SILENCE_S = 15.0, 20.0
_MOST_OF_AN_ERROR = 64 << 10  # bytes
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_WHOLE, _PART, _BEYOND_THE_END = 200, 206, 416
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of HTTP after which the next try may bring what was asked for."""


class Stopped(Exception):
    """Somebody asked for a stop; what was fetched is kept."""


@dataclass(frozen=True)
class Place:
    """Where a file goes: `part` while it is fetched, `whole` once it is checked."""

    part: Path
    whole: Path

    def is_there(self, file: RemoteFile) -> bool:
        """Whether the whole file is there; it got its name when it had been checked."""
        return _size(self.whole) == file.size

    def bytes_there(self, file: RemoteFile) -> int:
        """How many bytes of the file need not be fetched any more."""
        if self.is_there(file):
            return file.size
        there = _size(self.part) or 0
        return there if there <= file.size else 0


@dataclass(frozen=True)
class Watch:
    """Who is told of a transfer, and who may end it.

    on_bytes: told how many of a file's bytes are there. on_wait: told why nothing comes just now.
    """

    stop_requested: Callable[[], bool]
    on_bytes: Callable[[RemoteFile, int], object]
    on_wait: Callable[[float, OvernightError], object]

    def stop_if_asked(self) -> None:
        """Raise Stopped if somebody asked for it."""
        if self.stop_requested():
            raise Stopped

    def wait(self, seconds: float, why: OvernightError) -> None:
        """Tell that nothing comes for so long, and wait. Raises Stopped if asked to stop."""
        self.on_wait(seconds, why)
        while seconds > 0:
            self.stop_if_asked()
            time.sleep(min(0.2, seconds))
            seconds -= 0.2


def open_client(silence_s: float = _SILENCE_S) -> httpx2.Client:
    """A client that follows redirects, and gives the token to no other host than was asked.

    silence_s: for how long a server may say nothing.
    """
    import logging

    import httpx2

    # It would log the addresses that the Hub redirects to, which are keys to the files.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    timeout = httpx2.Timeout(silence_s, connect=_CONNECT_S)
    return httpx2.Client(follow_redirects=True, timeout=timeout)


class Transfer:
    """Fetches files of one repository at one commit."""

    def __init__(
        self,
        client: httpx2.Client,
        access: Access,
        repository: Repository,
        watch: Watch,
    ) -> None:
        self._client = client
        self._access = access
        self._repository = repository
        self._watch = watch

    def fetch(self, file: RemoteFile, place: Place) -> None:
        """Fetch a file, unless it is there.

        Raises Stopped; OvernightError: offline, refused, too busy, a wrong length or digest; and
        OSError where the disk takes no more.
        """
        while not place.is_there(file):
            is_from_before = place.bytes_there(file) > 0
            self._fill(file, place.part)
            if self._digest_is_right(file, place.part):
                place.part.replace(place.whole)
                sync_path(place.whole.parent)
                break
            place.part.unlink()
            if not is_from_before:  # else a power cut may have damaged what was there
                raise self._damaged(file, "Its check sum is wrong.")
        self._watch.on_bytes(file, file.size)

    def _fill(self, file: RemoteFile, part: Path) -> None:
        """Append to the partial file until all bytes are there, whatever the connection does."""
        patience = Patience()
        with part.open("ab", buffering=0) as out:
            if out.tell() > file.size:
                _empty(out)
            while (there := out.tell()) < file.size:
                self._watch.stop_if_asked()
                self._watch.on_bytes(file, there)
                try:
                    self._append(file, out)
                except Retry as retry:
                    wait = patience.wait_after(retry, brought_something=out.tell() > there)
                    self._watch.wait(wait, retry.error)
            sync_file(out.fileno())

    def _append(self, file: RemoteFile, out: FileIO) -> None:
        """Append what one answer of the server brings. Raises Retry where it is not the rest."""
        import httpx2

        try:
            with self._client.stream("GET", self._url(file), headers=self._headers(out)) as answer:
                self._check(file, answer, out.tell())
                if answer.status_code == _WHOLE:
                    _empty(out)  # the server knows no ranges
                self._write(file, answer, out)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            detail = f"{type(error).__name__}: {error}"
            raise Retry(offline(self._access.hidden(detail))) from None
        if out.tell() < file.size:
            raise Retry(offline(f"{file.path} ended after {out.tell()} bytes"))

    def _write(self, file: RemoteFile, answer: httpx2.Response, out: FileIO) -> None:
        synced = out.tell()
        for piece in answer.iter_raw():  # pieces as they come: none is lost when the rest does not
            self._watch.stop_if_asked()
            if out.tell() + len(piece) > file.size:
                raise self._damaged(file, "It is longer than the Hub says.")
            rest = memoryview(piece)
            while rest:
                rest = rest[out.write(rest) :]
            if out.tell() - synced >= _SYNC_EVERY:
                sync_file(out.fileno())
                synced = out.tell()
            self._watch.on_bytes(file, out.tell())

    def _check(self, file: RemoteFile, answer: httpx2.Response, begin: int) -> None:
        """Raise Retry or OvernightError unless the answer brings the file from `begin` on."""
        status, headers = answer.status_code, answer.headers
        if status == _BEYOND_THE_END:
            raise self._damaged(file, "It is shorter than the Hub says.")
        if status not in (_WHOLE, _PART):
            raise self._refused(answer)
        if headers.get("Content-Encoding", "identity") != "identity":
            raise odd_answer(self._repository.name, f"encoded: {headers['Content-Encoding']}")
        first = begin if status == _PART else 0
        length = headers.get("Content-Length", "")
        if length.isdecimal() and int(length) != file.size - first:
            raise self._damaged(file, "It has not the length that the Hub says.")
        if status == _PART:
            self._check_range(file, headers.get("Content-Range", ""), begin)

    def _check_range(self, file: RemoteFile, text: str, begin: int) -> None:
        found = _CONTENT_RANGE.fullmatch(text)
        if found is None or int(found[1]) != begin:
            raise Retry(odd_answer(self._repository.name, f"Content-Range {text!r} from {begin}"))
        if found[3] not in ("*", str(file.size)):
            raise self._damaged(file, "It has not the length that the Hub says.")

    def _refused(self, answer: httpx2.Response) -> Exception:
        """The error that a status stands for: Retry where the next try may bring the file."""
        error = self._told(answer)
        has_expired = 400 <= answer.status_code < 500 and not self._access.is_same_host(
            str(answer.url)
        )
        if has_expired or answer.status_code in PASSING:
            return Retry(error, seconds_asked_for(answer.headers))
        return error

    def _told(self, answer: httpx2.Response) -> OvernightError:
        import httpx2
        from huggingface_hub.utils import hf_raise_for_status

        body = b""
        for piece in answer.iter_raw(_MOST_OF_AN_ERROR):
            body = piece[:_MOST_OF_AN_ERROR]
            break
        headers = {key: answer.headers[key] for key in answer.headers if key.startswith("x-")}
        copy = httpx2.Response(
            answer.status_code, headers=headers, content=body, request=answer.request
        )
        name = self._repository.name
        try:
            asking(self._access, name, lambda: hf_raise_for_status(copy))
        except OvernightError as error:
            return error
        return odd_answer(name, f"status {answer.status_code}")

    def _digest_is_right(self, file: RemoteFile, part: Path) -> bool:
        digest = hashlib.sha256() if file.sha256 else hashlib.sha1(usedforsecurity=False)
        if not file.sha256:  # git hashes a blob with its length before it
            digest.update(b"blob %d\0" % file.size)
        with part.open("rb") as content:
            while piece := content.read(_PIECE):
                self._watch.stop_if_asked()
                digest.update(piece)
        return digest.hexdigest() == (file.sha256 or file.git_sha1)

    def _url(self, file: RemoteFile) -> str:
        from huggingface_hub import hf_hub_url

        name, commit = self._repository.name, self._repository.commit
        return hf_hub_url(name, file.path, revision=commit, endpoint=self._access.endpoint)

    def _headers(self, out: FileIO) -> dict[str, str]:
        headers = {"Range": f"bytes={out.tell()}-", "Accept-Encoding": "identity"}
        if self._access.token:
            headers["Authorization"] = f"Bearer {self._access.token}"
        return headers

    def _damaged(self, file: RemoteFile, why: str) -> OvernightError:
        return OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"{file.path} of {self._repository.name} arrives damaged. {why}",
            "Try again later; if HF_ENDPOINT names a mirror, try without it.",
            f"{self._repository.source} {file}",
        )


def _empty(out: FileIO) -> None:
    out.truncate(0)
    out.seek(0)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
