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
    """A token, and whether it is the same at the next start.

    old_may_return: a new one was wanted, but the keyring would neither take it nor remove the old
    one, if it has one: that would count again once the keyring can be read.
    """

    text: str = field(repr=False)
    is_kept: bool
    old_may_return: bool = False


def new_token() -> str:
    """A random token that cannot be guessed, in letters that every program takes."""
    return f"{_PREFIX}{secrets.token_urlsafe(_TOKEN_BYTES)}"


def server_token(anew: bool = False) -> ServerToken:
    """The token that is kept; a new one, which is kept from now on, where there is none or `anew`.

    Never raises: without a keyring, or with one that refuses, the token is for this start alone.
    Where it refuses a token `anew`, the old one is removed from it.
    """
    if not anew and (kept := kept_token()):
        return ServerToken(kept, is_kept=True)
    token = new_token()
    if _keep(token):
        return ServerToken(token, is_kept=True)
    return ServerToken(token, is_kept=False, old_may_return=anew and not _forget())


def kept_token() -> str:
    """The token that the keyring keeps; "" where there is none, or it cannot be read."""
    try:
        import keyring

        kept = keyring.get_password(SERVICE, USER) or ""
    except Exception as error:  # each system's keyring has errors of its own, some with the token
        _log.info("the keyring tells no token of the server: %s", type(error).__name__)
        return ""
    return kept if _is_good(kept) else ""


def _keep(token: str) -> bool:
    try:
        import keyring

        keyring.set_password(SERVICE, USER, token)
        return bool(keyring.get_password(SERVICE, USER) == token)
    except Exception as error:
        _log.info("the keyring keeps no token of the server: %s", type(error).__name__)
        return False


def _forget() -> bool:
    """Remove the token that is kept; whether there is none now, as far as that can be told."""
    try:
        import keyring

        if keyring.get_password(SERVICE, USER) is not None:
            keyring.delete_password(SERVICE, USER)
        return keyring.get_password(SERVICE, USER) is None
    except Exception as error:
        _log.info("the keyring does not remove the server's token: %s", type(error).__name__)
        return False


def _is_good(token: str) -> bool:
    """Whether it is one of ours, and not what somebody else put there."""
    is_long = len(_PREFIX) + _TOKEN_BYTES <= len(token) <= _LONGEST
    is_plain = token.isascii() and token.isprintable() and " " not in token
    return is_long and is_plain and token.startswith(_PREFIX)
