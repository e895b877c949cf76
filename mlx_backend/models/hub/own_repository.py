"""A repository of one's own on the Hub: what it holds now, and making one that is not there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from mlx_backend.catalogue.hub_pages import HUB
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.published_files import LARGEST_LIST, LIST
from mlx_backend.models.hub.repository import RemoteFile
from mlx_backend.models.hub.retrying import Retry
from mlx_backend.models.hub.upload_requests import Answer, UploadRequests

_COMMIT = re.compile(r"[0-9a-f]{40}")
_BAD, _NOT_FOUND, _EXISTS, _UNAUTHORISED = 400, 404, 409, 401


class _Stored(msgspec.Struct):
    sha256: str


class _Sibling(msgspec.Struct, rename="camel"):
    rfilename: str
    size: int
    blob_id: str | None = None
    lfs: _Stored | None = None


class _Listing(msgspec.Struct):
    """What the Hub says of a repository (api/models/OWNER/NAME with `blobs`)."""

    id: str
    sha: str
    private: bool
    siblings: list[_Sibling] = []


@dataclass(frozen=True)
class Standing:
    """What a repository holds at its newest commit, and whether others can see it."""

    commit: str
    is_private: bool
    files: dict[str, RemoteFile]


class OwnRepository:
    """The repository `name`, OWNER/NAME, which the token's account may write to."""

    def __init__(self, requests: UploadRequests, access: Access, name: str) -> None:
        self._requests = requests
        self._access = access
        self._name = name

    def opened(self, is_private: bool) -> tuple[Standing, bool]:
        """What the repository holds, and whether it was created now because there was none.

        Raises OvernightError where a private one is wanted and this one is public; refused.
        """
        standing = self._requests.patiently(self.standing)
        was_created = standing is None
        if standing is None:
            self._requests.patiently(lambda: self._create(is_private))
            standing = self._requests.patiently(self.standing)
        if standing is None:
            raise self.gone()
        if is_private and not standing.is_private:
            raise self._is_public()
        return standing, was_created

    def standing(self) -> Standing | None:
        """What the repository holds now; None where there is none. Raises Retry."""
        answer = self._requests.get(f"api/models/{self._name}/revision/main?blobs=true")
        if self._is_missing(answer):
            return None
        listing = self._requests.read(answer, _Listing)
        if listing.id.casefold() != self._name.casefold():
            raise OvernightError(
                ErrorKind.REFUSED,
                f"{self._name} has been renamed: the Hub leads to another repository.",
                "Name the repository as it is called now, or choose a new name.",
                listing.id,
            )
        if not _COMMIT.fullmatch(listing.sha):
            raise self._requests.odd(f"the commit {listing.sha!r}")
        files = {each.rfilename: _file(each) for each in listing.siblings}
        return Standing(listing.sha, listing.private, files)

    def list_in(self, standing: Standing) -> bytes:
        """The list of files that an earlier version published, as it is in the repository."""
        if standing.files[LIST].size > LARGEST_LIST:
            return b""
        path = f"{self._name}/resolve/{standing.commit}/{quote(LIST)}"
        answer = self._requests.patiently(lambda: self._requests.get(path))
        if not answer.is_good:
            raise self._requests.refused(answer)
        return answer.body

    def gone(self) -> OvernightError:
        """The repository was there a moment ago, and is not any more."""
        return OvernightError(
            ErrorKind.REFUSED,
            f"{self._name} is not on the Hub any more: somebody deleted or renamed it meanwhile.",
            "Publish again; then it is created anew.",
        )

    def changed_meanwhile(self, body: bytes) -> OvernightError:
        """Somebody else's commit came first, again and again."""
        return OvernightError(
            ErrorKind.BUSY,
            f"{self._name} keeps being changed by somebody else.",
            "Publish again when nobody else is writing to it.",
            self._access.hidden(body[:1000].decode("utf-8", "replace")),
        )

    def _is_missing(self, answer: Answer) -> bool:
        """Whether there is none: to some who ask, the Hub says 401 for what it does not show."""
        code = answer.headers.get("x-error-code", "")
        return answer.status == _NOT_FOUND or (
            answer.status == _UNAUTHORISED and code == "RepoNotFound"
        )

    def _create(self, is_private: bool) -> None:
        owner, _, name = self._name.partition("/")
        wanted = {
            "name": name,
            "organization": owner,
            "visibility": "private" if is_private else "public",
        }
        answer = self._requests.post("api/repos/create", wanted)
        if answer.status == _BAD:
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"The Hub does not take {self._name} as the name of a repository.",
                "Choose another name: letters, digits, '-', '_' and '.'.",
                self._access.hidden(answer.body[:1000].decode("utf-8", "replace")),
            )
        if answer.status == _EXISTS and b"in progress" in answer.body:
            raise Retry(self._requests.refused(answer))
        if not answer.is_good and answer.status != _EXISTS:
            raise self._requests.refused(answer)

    def _is_public(self) -> OvernightError:
        return OvernightError(
            ErrorKind.REFUSED,
            f"{self._name} is public: everybody could download what is published there.",
            "Nothing was sent. Publish with --public if that is meant, choose another name, or make"
            f" it private first: {HUB}/{self._name}/settings.",
        )


def _file(sibling: _Sibling) -> RemoteFile:
    sha256 = sibling.lfs.sha256 if sibling.lfs else ""
    git_sha1 = "" if sibling.lfs else sibling.blob_id or ""
    return RemoteFile(
        path=sibling.rfilename, size=max(0, sibling.size), sha256=sha256, git_sha1=git_sha1
    )
