"""The error for an adapter that is not taken in."""

from __future__ import annotations

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.text.words import printable


def unfit(reason: str, detail: str = "", hint: str = "") -> OvernightError:
    """`reason` ends a sentence that begins "It"; nothing of the adapter is kept."""
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"This adapter is not taken in: it {printable(reason).rstrip('.')}.",
        hint or "Ask whoever made it for another copy: a bundle, or a folder of mlx-lm or PEFT.",
        detail,
    )
