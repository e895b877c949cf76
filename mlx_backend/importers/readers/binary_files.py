"""Recognising files that are not text by their first bytes, whatever their names."""

from __future__ import annotations

from mlx_backend.importers.document import SkippedFile

_ARCHIVE = "This is an archive ({}), which is not opened; unpack it, or pack it as a zip"
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "This is a picture (PNG), not a note"),
    (b"\xff\xd8\xff", "This is a picture (JPEG), not a note"),
    (b"GIF87a", "This is a picture (GIF), not a note"),
    (b"GIF89a", "This is a picture (GIF), not a note"),
    (b"II*\0", "This is a picture (TIFF), not a note"),
    (b"MM\0*", "This is a picture (TIFF), not a note"),
    (b"8BPS", "This is a picture (Photoshop), not a note"),
    (b"ID3", "This is a sound recording, not a note"),
    (b"fLaC", "This is a sound recording, not a note"),
    (b"OggS", "This is a sound recording, not a note"),
    (b"\x1aE\xdf\xa3", "This is a film, not a note"),
    (b"\x1f\x8b", _ARCHIVE.format("gzip")),
    (b"BZh", _ARCHIVE.format("bzip2")),
    (b"\xfd7zXZ\0", _ARCHIVE.format("xz")),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE.format("7z")),
    (b"Rar!\x1a\x07", _ARCHIVE.format("RAR")),
    (b"\x7fELF", "This is a program, not a note"),
    (b"MZ\x90\0", "This is a program, not a note"),
    (b"\xcf\xfa\xed\xfe", "This is a program, not a note"),
    (b"\xca\xfe\xba\xbe", "This is a program, not a note"),
    (b"SQLite format 3\0", "This is a database, not a note"),
    (b"bplist0", "This is a settings file, not a note"),
    (b"\0\1\0\0\0", "This is a font, not a note"),
    (b"OTTO", "This is a font, not a note"),
    (b"wOFF", "This is a font, not a note"),
    (b"wOF2", "This is a font, not a note"),
)
_RIFF = {b"WEBP": "a picture (WebP)", b"WAVE": "a sound recording", b"AVI ": "a film"}
_PICTURE_BRANDS = (b"heic", b"heix", b"mif1", b"avif", b"heif")


def refuse_binary(head: bytes) -> None:
    """Raise SkippedFile for pictures, sound recordings, films, programs and the like."""
    for start, reason in _STARTS:
        if head.startswith(start):
            raise SkippedFile(reason)
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        raise SkippedFile(f"This is {_RIFF[head[8:12]]}, not a note")
    if head[4:8] == b"ftyp":
        kind = "a picture" if head[8:12] in _PICTURE_BRANDS else "a film or sound recording"
        raise SkippedFile(f"This is {kind}, not a note")
    if head[257:262] == b"ustar":
        raise SkippedFile(_ARCHIVE.format("tar"))
