"""What people write or paste to name a repository of the Hub: OWNER/NAME, or the address of a page.

One rule for the command line and the window; it asks nobody.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from mlx_backend.errors import ErrorKind, OvernightError

NEWEST = "main"
"""The revision where none is named."""

_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
_NAME = re.compile(f"{_PART}/{_PART}")
_OWN_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.]+")
_FILE_ENDING = re.compile(r"(?:\.(?:git|ipynb))+$", re.IGNORECASE)
_LONGEST_OFFERED = 64
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,254}")
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,20}", re.IGNORECASE)
_OF_A_REVISION = ("tree", "commit")  # the rest of the path is the revision
_OF_A_FILE = ("blob", "resolve", "raw")  # the next part is the revision, a file's path follows
_OTHER_KINDS = {
    "datasets": "a data set",
    "spaces": "a space",
    "collections": "a collection",
    "papers": "a paper",
}


@dataclass(frozen=True)
class Sought:
    """What somebody looks for in a repository, and the name of one as an example."""

    what: str
    example: str


MODEL = Sought("a base model", "mlx-community/Qwen3-1.7B-4bit")
ADAPTER = Sought("an adapter", "anna/garden-notes")


def repository_of(text: str, sought: Sought = MODEL) -> tuple[str, str]:
    """The repository, OWNER/NAME, and its revision ("main" where none is named) that a text names.

    Takes OWNER/NAME, OWNER/NAME@REVISION, and the address of a page of huggingface.co, also of a
    revision or of a file. Raises OvernightError, with a sentence, for anything else.
    """
    try:
        return _named(text, sought)
    except _NamesNoneError as error:
        hint = f"Write it as OWNER/NAME or OWNER/NAME@REVISION, for example {sought.example}."
        raise OvernightError(ErrorKind.BAD_INPUT, str(error), hint) from None


def is_address(text: str) -> bool:
    """Whether a text is the address of a page of the Hub, of whatever kind."""
    try:
        return bool(_path(text.strip(), text)) and _begins_with_host(text.strip())
    except _NamesNoneError:
        return False


def _begins_with_host(stripped: str) -> bool:
    return "://" in stripped or stripped.partition("/")[0].lower() in _HOSTS


def _named(text: str, sought: Sought) -> tuple[str, str]:
    path = _path(text.strip(), text)
    kind, _, rest = path.partition("/")
    if kind in _OTHER_KINDS and "/" in rest:
        raise _NamesNoneError(f"'{_shown(text)}' is {_OTHER_KINDS[kind]}, not {sought.what}.")
    path, _, revision = path.partition("@")
    parts = path.split("/")
    if len(parts) > 3 and not revision:
        parts, revision = parts[:2], _revision_in(parts[2], parts[3:])
    name = "/".join(parts)
    is_name = _NAME.fullmatch(name) and ".." not in name and "--" not in name
    if not is_name or (revision and not _REVISION.fullmatch(revision)) or ".." in revision:
        raise _NamesNoneError(f"'{_shown(text)}' does not name a repository of the Hub.")
    return name, revision or NEWEST


def repository_to_publish(text: str) -> str:
    """The repository to publish to that a text names: OWNER/NAME, or NAME in one's own account.

    Takes the address of its page too. Raises OvernightError, with a sentence, for anything else.
    """
    stripped = text.strip()
    name = stripped if "/" not in stripped else repository_of(stripped)[0]
    has_revision = "@" in stripped
    parts = name.split("/")
    if has_revision or ".." in name or "--" in name or not all(map(_OWN_PART.fullmatch, parts)):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"'{_shown(text)}' cannot be the name of a repository of yours.",
            "Write it as OWNER/NAME, for example me/my-notes: letters, digits, '-', '_' and '.'.",
        )
    if any(part.endswith((".git", ".ipynb")) for part in parts):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"'{_shown(text)}' cannot be the name of a repository: it ends as a file's does.",
            "Leave out the ending, for example me/my-notes.",
        )
    return name


def repository_name_for(title: str) -> str:
    """A name in one's own account for what is called `title`; "adapter" where no letter is left.

    The Hub takes letters of ASCII alone; others lose their accents, or go.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    name = re.sub(r"\.{2,}", ".", _NOT_IN_NAMES.sub("-", plain))[:_LONGEST_OFFERED]
    name = _FILE_ENDING.sub("", name.strip("-.")).strip("-.")
    return name or "adapter"


def _path(stripped: str, text: str) -> str:
    """What follows the host in an address of the Hub; a text that is no address, as it is."""
    if "://" not in stripped:
        host = stripped.partition("/")[0]
        if host.lower() not in _HOSTS:
            if _HOST.fullmatch(host) and stripped.count("/") > 1:
                raise _elsewhere(text, host)
            return stripped.rstrip("/")
        stripped = f"https://{stripped}"
    try:
        address = urlsplit(stripped)
        host = address.hostname or ""
    except ValueError:
        raise _NamesNoneError(f"'{_shown(text)}' is no address of a web page.") from None
    if address.scheme not in ("http", "https") or host not in _HOSTS:
        raise _elsewhere(text, host or address.scheme)
    return unquote(address.path).strip("/")


def _revision_in(kind: str, rest: list[str]) -> str:
    """The revision that the address of a page names after the repository; "?" where it is odd."""
    if kind in _OF_A_FILE:
        return rest[0]
    return "/".join(rest) if kind in _OF_A_REVISION else "?"


def _elsewhere(text: str, host: str) -> _NamesNoneError:
    return _NamesNoneError(f"'{_shown(text)}' lies on {_shown(host)}, not on huggingface.co.")


class _NamesNoneError(Exception):
    """Says, in a sentence, why a text names no repository of the Hub."""


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.strip())[:200]
