"""What the Hub's refusals of an upload mean to the person, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from mlx_backend.catalogue.hub_pages import HUB
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.refusals import another_token
from mlx_backend.models.hub.tokens import VARIABLE

WRITES = "one that may write"
KEPT = "What the Hub has already is not sent again."

_FULL = re.compile(r"storage|quota|limit reached|too large", re.IGNORECASE)
_UNAUTHORISED, _PAYMENT, _FORBIDDEN, _UNKNOWN = 401, 402, 403, 404
_TOO_LARGE, _TOO_MANY, _TOO_SLOW = 413, 429, (408, 425)
_LONGEST = 1000


class _Words(msgspec.Struct):
    error: str = ""


def words_of(headers: Mapping[str, str], body: bytes) -> str:
    """What a server says about a refusal, in a header or in the body, cut to a bounded length."""
    told = headers.get("x-error-message", "")
    if not told:
        try:
            told = msgspec.json.decode(body, type=_Words).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = body[:_LONGEST].decode("utf-8", "replace")
    return told[:_LONGEST]


def refused_upload(access: Access, name: str, status: int, words: str) -> OvernightError:
    """What a status of HTTP means that the Hub answers an upload to the repository `name` with.

    `words` are what it says about that, with no secret that they might repeat in the result.
    """
    detail = access.hidden(f"status {status}: {words}")
    if status == _UNAUTHORISED:
        return not_accepted(access, detail)
    if status in (_PAYMENT, _FORBIDDEN, _TOO_LARGE) and _FULL.search(words):
        return _no_room(name, detail)
    if status in (_PAYMENT, _FORBIDDEN):
        return may_not_write(access, name, detail)
    if status == _UNKNOWN:
        return OvernightError(
            ErrorKind.REFUSED,
            f"The Hub has no repository {name} that the token of {access.holder} may write to.",
            f"Check it at {HUB}/{name}, then publish again. {KEPT}",
            detail,
        )
    if status == _TOO_MANY:
        return OvernightError(
            ErrorKind.BUSY,
            "The Hub gets too many requests from here at the moment.",
            f"Publish again in some minutes. {KEPT}",
            detail,
        )
    if status >= 500 or status in _TOO_SLOW:
        return OvernightError(
            ErrorKind.OFFLINE,
            f"The Hub could not take the upload (error {status}).",
            f"Publish again later. {KEPT}",
            detail,
        )
    return OvernightError(
        ErrorKind.REFUSED,
        f"The Hub does not take the upload to {name} (error {status}).",
        "Check the name of the repository, and that its page allows uploads; the log says more.",
        detail,
    )


def no_token() -> OvernightError:
    """There is no access token, without which the Hub takes nothing."""
    return OvernightError(
        ErrorKind.REFUSED,
        "To publish on the Hub, an access token is needed, and there is none.",
        f"Create one that may write at {HUB}/settings/tokens, then keep it: `overnight token`.",
        wants_token=True,
    )


def not_accepted(access: Access, detail: str = "") -> OvernightError:
    """The Hub does not know the token, or it has expired."""
    return OvernightError(
        ErrorKind.REFUSED,
        f"The Hub does not accept the access token of {access.holder}.",
        another_token(access, WRITES),
        detail,
        wants_token=True,
    )


def reads_only(access: Access) -> OvernightError:
    """The token is of the kind that may only read."""
    return OvernightError(
        ErrorKind.REFUSED,
        f"The access token of {access.holder} may only read, so nothing can be published with it.",
        another_token(access, WRITES),
        wants_token=True,
    )


def may_not_write(access: Access, name: str, detail: str = "") -> OvernightError:
    """The account, or the token, has no right to write to the repository."""
    return OvernightError(
        ErrorKind.REFUSED,
        f"The Hub does not let the owner of the access token of {access.holder} write to {name}.",
        another_token(access, WRITES),
        detail,
        wants_token=True,
    )


def somebody_elses(access: Access, name: str, me: str) -> OvernightError:
    """The repository's owner is neither the token's account nor an organisation of it."""
    owner, _, rest = name.partition("/")
    return OvernightError(
        ErrorKind.REFUSED,
        f"{name} belongs to {owner}, and the access token of {access.holder} is of {me}.",
        f"Publish to {me}/{rest} instead, or set {VARIABLE} to a token of {owner}.",
        wants_token=True,
    )


def stalled(detail: str) -> OvernightError:
    """The Hub cannot be reached, or the connection breaks again and again."""
    return OvernightError(
        ErrorKind.OFFLINE,
        "The Hub cannot be reached, or the connection keeps breaking.",
        f"Check the connection to the internet, then publish again. {KEPT}",
        detail,
    )


def _no_room(name: str, detail: str) -> OvernightError:
    owner = name.partition("/")[0]
    return OvernightError(
        ErrorKind.REFUSED,
        f"The Hub has no room left for the files of {owner}: its storage limit is reached.",
        f"Delete what is not needed at {HUB}/{owner}, or get more storage, then publish again.",
        detail,
    )
