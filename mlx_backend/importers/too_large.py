"""What to do about a file that is too large to be read."""

from __future__ import annotations

from pathlib import PurePath

from mlx_backend.importers.limits import LARGEST_FILE

_TO_DO = {
    ".zip": "unpack it and import the folder",
    ".enex": "export one notebook at a time",
    ".mbox": "export one folder of mails at a time",
}
_PICTURES = frozenset({".docx", ".epub", ".odp", ".odt", ".pdf", ".pptx", ".rtf"})


def too_large(name: str, limit: int = LARGEST_FILE, to_do: str = "") -> str:
    """The reason, for the person, why a file with more bytes than the limit is not read.

    `to_do` is what to do about it, unless the file can be made smaller.
    """
    size = f"{limit >> 30} GB" if limit >= 1 << 30 else f"{limit >> 20} MB"
    suffix = PurePath(name).suffix.lower()
    to_do = to_do or _TO_DO.get(suffix, "split it into smaller files")
    if suffix in _PICTURES:
        to_do = "save it in parts, or with smaller pictures"
    return f"The file is larger than {size}; {to_do}"
