"""Mailboxes (mbox, RFC 4155), read one mail at a time, however large they are."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import BinaryIO

from mlx_backend.importers.document import (
    Document,
    EnteredPart,
    Format,
    Item,
    LargeSourceFile,
    SkippedFile,
    SkippedPart,
    SourceFile,
)
from mlx_backend.importers.failures import reason_for
from mlx_backend.importers.readers.mail import address_of, mail_document, parse_mail
from mlx_backend.importers.readers.text import one_line

_SEPARATOR = re.compile(rb"\nFrom [^\r\n]+\r?\n(?=[A-Za-z>][A-Za-z0-9-]*[: ])")
_BLANK_LINE_BEFORE = re.compile(rb"\r?\n\r?\Z")
_ESCAPED_FROM = re.compile(rb"(?m)^>(>*From )")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FEWEST_MAILS = 3
_ENOUGH_MAILS = 5_000  # enough to tell which address is the person's
_LONGEST_HEAD = 50_000
_LARGEST_MAIL = 40 << 20  # bytes; parsing takes about eight times as many
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 16


def read_mbox(source: SourceFile) -> Iterator[Item]:
    """One document for each mail. The address in most of the mails is taken for the person's."""
    data = io.BytesIO(source.data)
    return read_large_mbox(LargeSourceFile(source.name, source.head, data, source.excluded_parts))


def read_large_mbox(source: LargeSourceFile) -> Iterator[Item]:
    """`read_mbox` for a large file: holds one mail at a time in memory."""
    owner = _owner(source.file)
    for number, (begin, end) in enumerate(_mails(source.file), start=1):
        part = f"mail {number}"
        if part in source.excluded_parts:
            continue
        yield EnteredPart(part)
        try:
            yield _mail(source.file, (begin, end), part, owner)
        except Exception as error:  # the other mails are read all the same
            yield SkippedPart(part, reason_for(error, "The mail is damaged"))


def _mail(file: BinaryIO, place: tuple[int, int], part: str, owner: str) -> Document:
    begin, end = place
    if end - begin > _LARGEST_MAIL:
        raise SkippedFile(f"The mail is larger than {_LARGEST_MAIL >> 20} MB")
    message = parse_mail(_ESCAPED_FROM.sub(rb"\1", _piece(file, begin, end)))
    is_own = address_of(message, "From") == owner if owner else None
    return _named_by_date(mail_document(message, part, is_own))


def _named_by_date(document: Document) -> Document:
    """The document with a part that does not change when other mails are deleted."""
    date = dt.datetime.fromtimestamp(document.created or 0, dt.UTC).strftime("%Y-%m-%d ")
    title = one_line(document.title).replace("/", "-")[:80]
    return replace(document, part=(date if document.created else "") + title)


def _owner(file: BinaryIO) -> str:
    """The address that more than half of the mails come from or go to; "" without one."""
    counts: Counter[str] = Counter()
    mails = 0
    for begin, end in islice(_mails(file), _ENOUGH_MAILS):
        mails += 1
        beginning = _piece(file, begin, min(end, begin + _LONGEST_HEAD))
        message = parse_mail(_HEAD_END.split(beginning, maxsplit=1)[0] + b"\n\n")
        if message is not None:
            counts.update({address_of(message, name) for name in ("From", "To", "Delivered-To")})
    del counts[""]
    if mails < _FEWEST_MAILS or not counts:
        return ""
    address, count = counts.most_common(1)[0]
    return address if count > mails / 2 else ""


def _mails(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """The start and end of each mail, as byte offsets."""
    begin = None
    for start, end in _separators(file):
        if begin is not None:
            yield begin, start
        begin = end
    if begin is not None:
        yield begin, file.seek(0, os.SEEK_END)


def _separators(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """The start and end of each separator line, with the blank line before it, as byte offsets."""
    window, offset = b"\n\n", -2  # as if the file began after a blank line
    while True:
        chunk = _piece(file, offset + len(window), offset + len(window) + _CHUNK)
        window += chunk
        # A line closer to the end of the window may be incomplete.
        whole = len(window) - _LONGEST_LINE if chunk else len(window)
        done = 0
        for found in _SEPARATOR.finditer(window):
            if found.start() >= whole:
                break
            blank = _BLANK_LINE_BEFORE.search(window, max(0, found.start() - 3), found.start())
            if blank:
                yield max(0, offset + blank.start()), offset + found.end()
            done = found.end()
        if not chunk:
            return
        keep = max(done, whole - 3, 0)  # a blank line that the next separator may need
        window, offset = window[keep:], offset + keep


def _piece(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(end - begin)


def _is_mbox(source: SourceFile) -> bool:
    found = _SEPARATOR.match(b"\n" + source.head)
    return found is not None


FORMAT = Format(_is_mbox, read_mbox, read_large_mbox)
