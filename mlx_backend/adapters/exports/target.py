"""The place that an export goes to: free, and one where it can be written."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import is_empty_folder
from mlx_backend.protocol import ExportForm

BUNDLE_SUFFIX = ".overnight"

_NO_SUCH_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)


def named_as_its_form(to: Path, form: ExportForm) -> Path:
    """A path with the ending by which a bundle is known, if it has another one or none.

    One at which there is something stays as it is, and is refused later. Raises OSError for a name
    that no file can have.
    """
    is_named_so = to.name.lower().endswith(BUNDLE_SUFFIX)
    if form != "bundle" or is_named_so or to.expanduser().exists():
        return to
    return to.with_name(f"{to.name}{BUNDLE_SUFFIX}")


def free_target(to: Path, form: ExportForm) -> Path:
    """The whole path of an export. An empty folder may be there, which the export's replaces.

    Raises OvernightError where there is something, or where nothing can be written.
    """
    target = to.expanduser().absolute()
    _require_text(target)
    try:
        is_folder = form != "bundle"
        is_free = is_folder and is_empty_folder(target)
        if not is_free and os.path.lexists(target):
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"There is already something at {target}.",
                f"Choose a new {'folder' if is_folder else 'file'} for the export.",
            )
        _try_to_write(target)
    except OSError as error:
        raise _refused(target, error) from error
    return target


def _require_text(target: Path) -> None:
    try:
        str(target).encode()
    except UnicodeEncodeError:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "The path of the export holds bytes that are no UTF-8 text.",
            "Choose another place for the export.",
        ) from None


def _try_to_write(target: Path) -> None:
    """Make a folder and remove it again, where the first one that is missing would come to lie."""
    missing = target
    while not missing.parent.exists():
        missing = missing.parent
    with tempfile.TemporaryDirectory(".part", f".{missing.name}.", missing.parent):
        pass


def _refused(target: Path, error: OSError) -> OvernightError:
    """Why nothing can be written at a path, in words; what is not about it as `errors` has it."""
    hint = "Choose another place for the export."
    if isinstance(error, NotADirectoryError | FileExistsError):
        file = next((each for each in target.parents if each.is_file()), target.parent)
        message = f"{file} is a file, so nothing can be written below it."
        return OvernightError(ErrorKind.BAD_INPUT, message, hint)
    if error.errno in _NO_SUCH_PLACE:
        message = f"The system does not let Overnight write at {target}."
        return OvernightError(ErrorKind.UNREADABLE, message, hint)
    raise error
