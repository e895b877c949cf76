"""Requests that change something on the Hub: who gets the token, when they are tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mlx_backend.errors import OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.refusals import odd_answer
from mlx_backend.models.hub.retrying import Patience, Retry, seconds_asked_for
from mlx_backend.models.hub.transfer import PASSING, Watch
from mlx_backend.models.hub.upload_refusals import refused_upload, stalled, words_of

if TYPE_CHECKING:
    import httpx2

_T = TypeVar("_T")
_LARGEST_ANSWER = 8 << 20  # bytes


@dataclass(frozen=True)
class Answer:
    """What a server answered. The names of the headers may be asked for in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether the server did what was asked."""
        return 200 <= self.status < 300


class UploadRequests:
    """Asks the Hub about one repository, `name`, in words for uploads."""

    def __init__(self, client: httpx2.Client, access: Access, name: str, watch: Watch) -> None:
        self._client = client
        self._access = access
        self._name = name
        self._watch = watch

    def patiently(self, ask: Callable[[], _T]) -> _T:
        """What `ask` returns, which is tried again while it raises Retry.

        Raises OvernightError after too many tries in a row; Stopped.
        """
        patience = Patience()
        while True:
            self._watch.stop_if_asked()
            try:
                return ask()
            except Retry as retry:
                wait = patience.wait_after(retry, brought_something=False)
                self._watch.wait(wait, retry.error)

    def get(self, path: str) -> Answer:
        """Ask the Hub for what is at a path. Raises Retry where the next try may succeed."""
        return self._send("GET", f"{self._access.endpoint}/{path}")

    def post(self, path: str, content: object, kind: str = "application/json") -> Answer:
        """Send an object as JSON, or bytes as they are, to a path of the Hub. Raises Retry."""
        return self.post_to(f"{self._access.endpoint}/{path}", content, kind)

    def post_to(self, url: str, content: object, kind: str = "application/json") -> Answer:
        """The same for a whole address, as the Hub names some. Raises Retry."""
        data = content if isinstance(content, bytes) else msgspec.json.encode(content)
        return self._send("POST", url, data, {"Content-Type": kind, "Accept": kind})

    def put(self, url: str, pieces: Iterator[bytes], size: int) -> Answer:
        """Send the bytes of a file, `size` of them, to where the Hub wants them. Raises Retry."""
        # The address is a key by itself, of another host, which the token is no business of.
        return self._send("PUT", url, pieces, {"Content-Length": str(size)})

    def read(self, answer: Answer, kind: type[_T]) -> _T:
        """The JSON of a good answer. Raises OvernightError for a refusal, or odd content."""
        if not answer.is_good:
            raise self.refused(answer)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self.odd(str(error)) from None

    def refused(self, answer: Answer) -> OvernightError:
        """What a refusal means to the person."""
        words = words_of(answer.headers, answer.body)
        return refused_upload(self._access, self._name, answer.status, words)

    def odd(self, detail: str) -> OvernightError:
        """The Hub answers what cannot be understood."""
        return odd_answer(self._name, self._access.hidden(detail))

    def _send(
        self,
        method: str,
        url: str,
        content: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One try. Raises Retry where the connection fails, or the server is busy."""
        import httpx2

        sent = dict(headers or {})
        if method != "PUT" and self._access.token and self._access.is_same_host(url):
            sent["Authorization"] = f"Bearer {self._access.token}"
        try:
            with self._client.stream(
                method, url, content=content, headers=sent, follow_redirects=method == "GET"
            ) as reply:
                answer = self._taken(reply)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Retry(stalled(self._access.hidden(f"{type(error).__name__}: {error}"))) from None
        if answer.status in PASSING:
            raise Retry(self.refused(answer), seconds_asked_for(answer.headers))
        return answer

    def _taken(self, reply: httpx2.Response) -> Answer:
        body = bytearray()
        for piece in reply.iter_bytes():
            body += piece
            if len(body) > _LARGEST_ANSWER:
                raise self.odd(f"an answer of more than {_LARGEST_ANSWER} bytes")
        return Answer(reply.status_code, reply.headers, bytes(body))
