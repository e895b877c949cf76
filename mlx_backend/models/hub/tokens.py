"""The person's access token for the Hub: where it is kept, and how it is found.

It is never written to a file of ours: the system's keyring keeps it (the keychain of a Mac, Secret
Service on Linux), and each process asks for it itself. Nothing here shows or logs it.
"""

from __future__ import annotations

import logging
import os
from enum import StrEnum

from mlx_backend.catalogue.hub_pages import HUB
from mlx_backend.errors import ErrorKind, OvernightError

VARIABLE = "HF_TOKEN"
SERVICE, USER = "Overnight", "huggingface"

_LONGEST = 1000
_log = logging.getLogger(__name__)


class TokenHolder(StrEnum):
    """Where a token comes from, in words for people."""

    VARIABLE = "the environment variable HF_TOKEN"
    KEYRING = "the keyring of this computer"
    HUGGING_FACE = "Hugging Face's own tools"
    NOWHERE = "nowhere"


def find_token() -> tuple[str, TokenHolder]:
    """The token to use, and where it comes from: "" where there is none.

    That is HF_TOKEN, else what `keep_token` kept, else what `hf auth login` left. Raises
    OvernightError where the first of them holds something that cannot be a token.
    """
    for find, origin in (
        (_of_the_environment, TokenHolder.VARIABLE),
        (_of_the_keyring, TokenHolder.KEYRING),
        (_of_hugging_face, TokenHolder.HUGGING_FACE),
    ):
        if token := find():
            return checked(token, str(origin)), origin
    return "", TokenHolder.NOWHERE


def keep_token(token: str) -> None:
    """Keep the token in the keyring. Raises OvernightError: no token, no keyring, or it refuses."""
    import keyring

    token = checked(token.strip(), "What was given")
    if not token:
        raise OvernightError(
            ErrorKind.WRONG_USAGE,
            "No access token was given.",
            f"Create one at {HUB}/settings/tokens; the kind that may only read is enough to"
            " download, to publish it has to be allowed to write.",
        )
    try:
        keyring.set_password(SERVICE, USER, token)
    except Exception as error:  # each system's keyring has errors of its own
        raise _no_keyring("keep the access token", error) from None


def forget_token() -> bool:
    """Remove the token from the keyring; False where there was none.

    Raises OvernightError where the keyring refuses.
    """
    import keyring
    import keyring.errors

    try:
        if keyring.get_password(SERVICE, USER) is None:
            return False
        keyring.delete_password(SERVICE, USER)
    except keyring.errors.NoKeyringError:
        return False
    except Exception as error:
        raise _no_keyring("forget the access token", error) from None
    return True


def checked(token: str, holder: str) -> str:
    """The token. Raises OvernightError where it cannot be one; `holder` is whose it is."""
    if token.isascii() and token.isprintable() and " " not in token and len(token) <= _LONGEST:
        return token
    unset = f"Unset {VARIABLE} to use the one that is kept. " if VARIABLE in holder else ""
    subject = holder[:1].upper() + holder[1:]
    raise OvernightError(
        ErrorKind.WRONG_USAGE,
        f"{subject} holds something that is no access token.",
        f"{unset}Copy the token anew from {HUB}/settings/tokens.",
    )


def _of_the_environment() -> str:
    return os.environ.get(VARIABLE, "").strip()


def _of_the_keyring() -> str:
    import keyring

    try:
        return (keyring.get_password(SERVICE, USER) or "").strip()
    except Exception as error:  # a locked or broken keyring must not end a download without token
        _log.info("the keyring cannot be read: %s", type(error).__name__)
        return ""


def _of_hugging_face() -> str:
    import huggingface_hub

    try:
        return (huggingface_hub.get_token() or "").strip()
    except (OSError, ValueError):
        return ""


def _no_keyring(to_do: str, error: Exception) -> OvernightError:
    return OvernightError(
        ErrorKind.REFUSED,
        f"The keyring of this computer cannot {to_do}, or there is none.",
        f"Unlock it and try again, or set the environment variable {VARIABLE} to the token.",
        type(error).__name__,
    )
