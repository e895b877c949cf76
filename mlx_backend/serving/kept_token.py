"""The token that programs ask with: kept in the system's keyring, so that each is told it once.

It is written to no file of ours; nothing here shows or logs it. Where no keyring keeps it, it is
another at each start.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field

SERVICE, USER = "Overnight", "server"

_PREFIX = "overnight-"
_TOKEN_BYTES = 32
_LONGEST = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerToken:
    """A token, and whether it is the same at the next start."""

    text: str = field(repr=False)
    is_kept: bool


def new_token() -> str:
    """A random token that cannot be guessed, in letters that every program takes."""
    return f"{_PREFIX}{secrets.token_urlsafe(_TOKEN_BYTES)}"


def server_token(anew: bool = False) -> ServerToken:
    """The token that is kept; a new one, which is kept from now on, where there is none or `anew`.

    Never raises: without a keyring, or with one that refuses, the token is for this start alone.
    """
    import keyring

    try:
        kept = keyring.get_password(SERVICE, USER) or ""
        if not anew and _is_good(kept):
            return ServerToken(kept, is_kept=True)
        token = new_token()
        keyring.set_password(SERVICE, USER, token)
        return ServerToken(token, is_kept=keyring.get_password(SERVICE, USER) == token)
    except Exception as error:  # each system's keyring has errors of its own, some with the token
        _log.info("the keyring keeps no token of the server: %s", type(error).__name__)
        return ServerToken(new_token(), is_kept=False)


def _is_good(token: str) -> bool:
    """Whether it is one of ours, and not what somebody else put there."""
    is_long = len(_PREFIX) + _TOKEN_BYTES <= len(token) <= _LONGEST
    is_plain = token.isascii() and token.isprintable() and " " not in token
    return is_long and is_plain and token.startswith(_PREFIX)
