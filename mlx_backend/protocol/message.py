"""What all messages have in common: the version, and the error that many of them carry."""

from __future__ import annotations

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError

VERSION = 1
"""Goes up when a field changes its meaning. `upgrades.py` says what to do then."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all messages; `v` is the protocol version of whoever wrote it."""

    v: int = VERSION


class ErrorReport(msgspec.Struct, frozen=True, kw_only=True):
    """An `OvernightError` on its way to another process.

    Made only by `private_data.masked_errors.report_of`, because its text may quote a note and is
    kept on disk.
    """

    kind: str
    message: str
    hint: str = ""
    detail: str = ""
    wants_token: bool = False

    def to_error(self) -> OvernightError:
        """The error again; a kind that this version does not know becomes `internal`."""
        known = {kind.value for kind in ErrorKind}
        kind = ErrorKind(self.kind) if self.kind in known else ErrorKind.INTERNAL
        return OvernightError(kind, self.message, self.hint, self.detail, self.wants_token)
