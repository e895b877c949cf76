"""Publishing a folder: its files become those of a repository on the Hub, in one commit.

Large files go to the Hub's store first (`sending.py`); then one commit names all that changes, so
that the repository is never half of two versions. Each try looks first what is there already: an
upload that was interrupted is gone on with, and one that was done is done.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlx_backend.catalogue.repository_names import repository_to_publish
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.own_account import own_repository
from mlx_backend.models.hub.own_repository import OwnRepository, Standing
from mlx_backend.models.hub.published_files import (
    LIST,
    files_to_publish,
    is_same_content,
    published_before,
)
from mlx_backend.models.hub.repository import RemoteFile
from mlx_backend.models.hub.retrying import Retry
from mlx_backend.models.hub.sending import Sending
from mlx_backend.models.hub.transfer import Watch, open_client
from mlx_backend.models.hub.upload_requests import UploadRequests
from mlx_backend.protocol import Progress

_SILENCE_S = 120.0  # the Hub checks a commit before it answers
_LARGEST_IN_COMMIT = 32 << 20  # bytes of a file that travels in the commit itself
_SAMPLE = 512  # bytes by which the Hub decides where a file goes
_HAS_CHANGED = (409, 412)


@dataclass(frozen=True)
class Target:
    """Where a folder is published: OWNER/NAME, or NAME in the token's own account.

    is_private: of a repository that is created now; one that exists stays as it is. message: the
    commit's.
    """

    repository: str
    is_private: bool = True
    message: str = "Published by Overnight"


@dataclass(frozen=True)
class Published:
    """What was published: the page's address, the repository, and the paths of all files in it."""

    url: str
    repository: str
    files: tuple[str, ...]
    is_private: bool
    was_created: bool


def publish(
    folder: Path,
    target: Target,
    access: Access,
    on_progress: Callable[[Progress], object],
    stop_requested: Callable[[], bool] = lambda: False,
) -> Published:
    """Publish all files below a folder, and nothing else; `on_progress` counts bytes.

    A repository that is not there is created. Of one that is there, files that an earlier version
    published are replaced, or removed where they are no longer in the folder; all others stay.
    Raises Stopped; OvernightError: a link or no file in the folder, no such name, no token, one
    that may not write, a repository of somebody else, one that is public although a private one
    is wanted, files of the same names there that are not ours, no room, offline, busy.
    """
    name = repository_to_publish(target.repository)
    files = files_to_publish(folder)
    sent = dict.fromkeys(files, 0)
    meter = Meter(sum(file.size for file in files.values()), on_progress)

    def on_bytes(file: RemoteFile, done: int) -> None:
        sent[file.path] = done
        meter.show(sum(sent.values()))

    def on_wait(seconds: float, why: OvernightError) -> None:
        text = f"{why.message.rstrip('.')}; trying again in {seconds:.0f} s"
        meter.show_wait(sum(sent.values()), text)

    watch = Watch(stop_requested, on_bytes, on_wait)
    with open_client(_SILENCE_S) as client:
        asking = UploadRequests(client, access, name, watch)
        name = own_repository(asking, access, name)
        requests = UploadRequests(client, access, name, watch)
        return _Publishing(requests, access, name, folder, watch).publish(files, target)


def whole_name(repository: str, access: Access, stop_requested: Callable[[], bool]) -> str:
    """The name OWNER/NAME of a repository that may be published to; sends nothing.

    Raises Stopped; OvernightError: no such name, no token, one that may not write, a repository of
    somebody else, offline, busy.
    """
    name = repository_to_publish(repository)
    watch = Watch(stop_requested, _tell_nobody, _tell_nobody)
    with open_client() as client:
        return own_repository(UploadRequests(client, access, name, watch), access, name)


def _tell_nobody(*told: object) -> None:
    pass


class _Publishing:
    """Brings one repository of one's own to where it holds the files of a folder."""

    def __init__(
        self, requests: UploadRequests, access: Access, name: str, folder: Path, watch: Watch
    ) -> None:
        self._requests = requests
        self._access = access
        self._name = name
        self._folder = folder
        self._watch = watch
        self._repository = OwnRepository(requests, access, name)

    def publish(self, files: Mapping[str, RemoteFile], target: Target) -> Published:
        standing, was_created = self._repository.opened(target.is_private)
        # A commit whose answer was lost is looked for before it is made again.
        self._requests.patiently(lambda: self._bring(files, target.message))
        return Published(
            url=f"{self._access.endpoint}/{self._name}",
            repository=self._name,
            files=tuple(files),
            is_private=standing.is_private,
            was_created=was_created,
        )

    def _require_ours(self, paths: list[str], ours: Mapping[str, bool]) -> None:
        """Raise OvernightError before anything is sent that would replace somebody's own files."""
        if others := [path for path in paths if path not in ours]:
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"{self._name} has files that Overnight did not publish: {_few(others)}.",
                "Nothing was replaced. Choose another name, or delete those files on its page.",
            )

    def _bring(self, files: Mapping[str, RemoteFile], message: str) -> None:
        """Make the repository hold the files. Raises Retry when it has to be looked at again."""
        standing = self._repository.standing()
        if standing is None:
            raise self._repository.gone()
        ours = self._ours(standing)
        changed = [
            file
            for path, file in files.items()
            if path not in standing.files or not is_same_content(file, standing.files[path])
        ]
        self._require_ours([file.path for file in changed if file.path in standing.files], ours)
        removed = [
            path for path, is_unchanged in ours.items() if is_unchanged and path not in files
        ]
        for file in files.values():
            if file not in changed:
                self._watch.on_bytes(file, file.size)
        if changed or removed:
            self._commit(self._sent(changed), removed, standing.commit, message)

    def _ours(self, standing: Standing) -> dict[str, bool]:
        if LIST not in standing.files:
            return {}
        return published_before(self._repository.list_in(standing), standing.files)

    def _sent(self, files: list[RemoteFile]) -> Iterator[dict[str, object]]:
        """Send what the commit only names; the commit's lines about the files."""
        goes_to_store = self._modes(files)
        sending = Sending(self._requests, self._access, self._name, self._folder, self._watch)
        for file in files:
            if goes_to_store[file.path]:
                sending.send(file)
        for file in files:
            yield _named(file) if goes_to_store[file.path] else self._held(file)

    def _modes(self, files: list[RemoteFile]) -> dict[str, bool]:
        """Whether each file goes to the store, rather than into the commit, as the Hub decides."""
        if not files:
            return {}
        asked = [
            {"path": file.path, "size": file.size, "sample": self._sample(file)} for file in files
        ]
        answer = self._requests.post(f"api/models/{self._name}/preupload/main", {"files": asked})
        told = {each.path: each for each in self._requests.read(answer, _Modes).files}
        for file in files:
            if file.path not in told or told[file.path].upload_mode not in ("lfs", "regular"):
                raise self._requests.odd(f"no way to upload {file.path}")
        # The store takes no empty files.
        return {f.path: f.size > 0 and told[f.path].upload_mode == "lfs" for f in files}

    def _sample(self, file: RemoteFile) -> str:
        with (self._folder / file.path).open("rb") as content:
            return base64.b64encode(content.read(_SAMPLE)).decode()

    def _held(self, file: RemoteFile) -> dict[str, object]:
        """The commit's line about a file with all that is in it."""
        if file.size > _LARGEST_IN_COMMIT:
            raise self._requests.odd(f"{file.path} of {file.size} bytes is to go into the commit")
        content = base64.b64encode((self._folder / file.path).read_bytes()).decode()
        self._watch.on_bytes(file, file.size)
        value = {"content": content, "path": file.path, "encoding": "base64"}
        return {"key": "file", "value": value}

    def _commit(
        self,
        additions: Iterator[dict[str, object]],
        removed: list[str],
        parent: str,
        message: str,
    ) -> None:
        header = {"summary": message, "description": "", "parentCommit": parent}
        lines: list[dict[str, object]] = [{"key": "header", "value": header}, *additions]
        lines += [{"key": "deletedFile", "value": {"path": path}} for path in removed]
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        path = f"api/models/{self._name}/commit/main"
        self._watch.stop_if_asked()
        answer = self._requests.post(path, data, "application/x-ndjson")
        if answer.status in _HAS_CHANGED:
            raise Retry(self._repository.changed_meanwhile(answer.body))
        if not answer.is_good:
            raise self._requests.refused(answer)


class _Mode(msgspec.Struct, rename="camel"):
    path: str
    upload_mode: str


class _Modes(msgspec.Struct):
    files: list[_Mode]


def _named(file: RemoteFile) -> dict[str, object]:
    value = {"path": file.path, "algo": "sha256", "oid": file.sha256, "size": file.size}
    return {"key": "lfsFile", "value": value}


def _few(paths: list[str]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{', '.join(paths[:3])}{more}"
