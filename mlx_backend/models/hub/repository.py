"""What the Hub says of a repository: its commit, licence and files, asked in one request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from mlx_backend.catalogue.hub_pages import HUB
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.refusals import asking, gated, odd_answer

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATIENCE_S = 20.0
_LONGEST_LICENCE = 64


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a repository; `size` in bytes.

    Of its two digests the Hub gives one: `sha256` of large files, that of a git blob of small ones.
    """

    path: str
    size: int
    sha256: str = ""
    git_sha1: str = ""


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository at one commit. `licence` is the Hub's id of it, "" where it states none."""

    name: str
    commit: str
    files: tuple[RemoteFile, ...]
    licence: str = ""

    @property
    def source(self) -> str:
        """What a card records: the repository and the commit."""
        return f"{self.name}@{self.commit}"


def look_up(
    name: str, revision: str, access: Access, patience_s: float = _PATIENCE_S
) -> Repository:
    """Ask the Hub for a repository; each answer may take `patience_s`.

    Raises OvernightError: offline, unknown, gated, refused.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=access.endpoint, token=access.token or False)

    def ask() -> Repository:
        info = api.model_info(name, revision=revision, timeout=patience_s, files_metadata=True)
        if info.gated and not access.token:
            raise gated(access, name)
        return _repository(name, info)

    try:
        return asking(access, name, ask)
    except OvernightError as error:
        if error.kind is ErrorKind.MODEL_UNKNOWN and _is_data_set(api, name, patience_s):
            raise _data_set(name) from None
        raise


def _repository(name: str, info: ModelInfo) -> Repository:
    commit = info.sha or ""
    if not _COMMIT.fullmatch(commit):
        raise odd_answer(name, f"the commit {commit!r}")
    files = tuple(_file(name, sibling) for sibling in info.siblings or ())
    return Repository(name=name, commit=commit, files=files, licence=_licence(info))


def _licence(info: ModelInfo) -> str:
    """The licence's id; "other" stands for what `license_name` says."""
    card: dict[str, object] = vars(info.card_data) if info.card_data else {}
    named = card.get("license")
    if named in (None, "other"):
        named = card.get("license_name") or named
    text = str(named[0] if isinstance(named, list) and named else named or "")
    return text[:_LONGEST_LICENCE] if text.isprintable() else ""


def _file(name: str, sibling: RepoSibling) -> RemoteFile:
    path, size, lfs = sibling.rfilename, sibling.size, sibling.lfs
    sha256, git_sha1 = (lfs.sha256, "") if lfs else ("", sibling.blob_id or "")
    is_known = _SHA256.fullmatch(sha256) or _COMMIT.fullmatch(git_sha1)
    if type(path) is not str or type(size) is not int or size < 0 or not is_known:
        raise odd_answer(name, f"a file {path!r} of {size!r} bytes, {sha256!r}, {git_sha1!r}")
    return RemoteFile(path=path, size=size, sha256=sha256, git_sha1=git_sha1)


def _is_data_set(api: HfApi, name: str, patience_s: float) -> bool:
    try:
        asking(Access(), name, lambda: api.dataset_info(name, timeout=patience_s))
    except OvernightError:
        return False
    return True


def _data_set(name: str) -> OvernightError:
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"{name} is a data set, not a base model.",
        f"Look for a model at {HUB}/models.",
    )
