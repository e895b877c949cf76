"""What the Hub's refusals and a failing connection mean to the person, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mlx_backend.catalogue.hub_pages import HUB
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.tokens import VARIABLE, TokenHolder

_T = TypeVar("_T")
KEPT = "What is there already is kept."
"""Said where a broken transfer goes on where it was."""

_UNAUTHORISED, _FORBIDDEN, _TOO_MANY = 401, 403, 429


def asking(access: Access, name: str, ask: Callable[[], _T]) -> _T:
    """What the Hub answers about the repository `name`.

    Raises OvernightError in place of the errors of the client library: offline, unknown, refused.
    """
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        return ask()
    except HfHubHTTPError as error:
        raise refusal(access, name, error) from None
    except OfflineModeIsEnabled as error:
        raise OvernightError(
            ErrorKind.OFFLINE,
            "HF_HUB_OFFLINE is set, so nothing is asked of the Hub.",
            "Unset it and try again.",
            str(error),
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise offline(access.hidden(f"{type(error).__name__}: {error}")) from None
    except (HFValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        # The client library takes answers apart without looking at them first.
        raise odd_answer(name, access.hidden(f"{type(error).__name__}: {error}")) from None


def refusal(access: Access, name: str, error: Exception) -> OvernightError:
    """What an error of the Hub about the repository `name` means, and what can be done about it."""
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    detail = access.hidden(f"{type(error).__name__}: {error}")
    match error:
        case GatedRepoError():
            return gated(access, name, detail)
        case RevisionNotFoundError():
            return OvernightError(
                ErrorKind.MODEL_UNKNOWN,
                f"{name} has no such revision.",
                "Leave out the part after @ to download its newest one.",
                detail,
            )
        case RepositoryNotFoundError():
            return _not_found(access, name, detail)
    status = getattr(getattr(error, "response", None), "status_code", 0)
    return of_status(access, name, status, detail)


def of_status(access: Access, name: str, status: int, detail: str) -> OvernightError:
    """What a status of HTTP means that the client library has no error of its own for."""
    if status == _TOO_MANY:
        return OvernightError(
            ErrorKind.BUSY,
            "The Hub gets too many requests from here at the moment.",
            f"{KEPT} Go on in some minutes, or with an access token: `overnight token`.",
            detail,
        )
    if status in (_UNAUTHORISED, _FORBIDDEN):
        return OvernightError(
            ErrorKind.REFUSED,
            f"The Hub does not give {name} to the owner of the access token of {access.holder}."
            if access.token
            else f"The Hub gives {name} only to those who are logged in.",
            another_token(access, "one that may read it"),
            detail,
            wants_token=True,
        )
    return OvernightError(
        ErrorKind.OFFLINE,
        f"The Hub could not answer (error {status}).",
        f"{KEPT} Try again later.",
        detail,
    )


def another_token(access: Access, which: str) -> str:
    """What to do for another token: one in HF_TOKEN goes before one that is kept."""
    keep = f"`overnight token` keeps {which}, from {HUB}/settings/tokens."
    if access.holder is TokenHolder.VARIABLE:
        return (
            f"Unset {VARIABLE}, or set it to another token; it goes before one that is kept. {keep}"
        )
    return keep


def gated(access: Access, name: str, detail: str = "") -> OvernightError:
    """The repository is only given to accounts that accepted its licence."""
    accept = f"accept it at {HUB}/{name}"
    if access.token:
        message = f"{name} is only given to accounts that have accepted its licence; this has not."
        hint = f"With the account of the access token of {access.holder}, {accept}; then try again."
    else:
        message = f"{name} is only given to those who accept its licence, and no token is set."
        hint = f"Log in and {accept}; then `overnight token` keeps one from {HUB}/settings/tokens."
    return OvernightError(ErrorKind.REFUSED, message, hint, detail, wants_token=True)


def offline(detail: str) -> OvernightError:
    """The Hub cannot be reached, or the connection breaks again and again."""
    return OvernightError(
        ErrorKind.OFFLINE,
        "The Hub cannot be reached, or the connection keeps breaking.",
        f"Check the connection to the internet. {KEPT}",
        detail,
    )


def odd_answer(name: str, detail: str) -> OvernightError:
    """The Hub, or a mirror, answers what cannot be understood."""
    return OvernightError(
        ErrorKind.OFFLINE,
        f"What the Hub says of {name} cannot be understood.",
        "Try again later; if HF_ENDPOINT names a mirror, check its address.",
        detail,
    )


def _not_found(access: Access, name: str, detail: str) -> OvernightError:
    private = "the account of this token cannot see it" if access.token else "it is private"
    return OvernightError(
        ErrorKind.MODEL_UNKNOWN,
        f"The Hub has no repository {name}, or {private}.",
        f"Check the name at {HUB}/models. A private one needs a token: `overnight token`.",
        detail,
        wants_token=True,
    )
