"""Errors on their way to disk or to another process, without what is private in them."""

from __future__ import annotations

from mlx_backend.errors import from_exception
from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.protocol import ErrorReport


def report_of(error: BaseException) -> ErrorReport:
    """Any exception as an error report, with what is private masked in message and detail.

    The only place that makes an `ErrorReport`: an error may quote a note, and what a job or the
    worker reports is kept.
    """
    typed = from_exception(error)
    message, detail = (mask(text, find_secrets(text)) for text in (typed.message, typed.detail))
    return ErrorReport(
        kind=typed.kind.value,
        message=message,
        hint=typed.hint,
        detail=detail,
        wants_token=typed.wants_token,
    )
