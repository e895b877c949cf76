"""Mails (EML, RFC 5322) and mailboxes of them (mbox, RFC 4155)."""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage

from mlx_backend.importers.document import (
    Document,
    EnteredPart,
    Format,
    Item,
    SkippedFile,
    SkippedPart,
    Source,
)
from mlx_backend.importers.readers.html_text import html_to_markdown
from mlx_backend.importers.readers.mail_text import Letter, letter_document
from mlx_backend.importers.readers.text import one_line, seconds_of

_FIELD = re.compile(rb"(?im)^(from|to|subject|date|message-id|mime-version|received|return-path):")
_FIRST_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:[ \t]")
_SEPARATOR = re.compile(rb"(?:\A|\r?\n\r?\n)From [^\r\n]+\r?\n(?=[A-Za-z>][A-Za-z0-9-]*[: ])")
_ESCAPED_FROM = re.compile(rb"(?m)^>(>*From )")
_FEWEST_FIELDS = 3
_FEWEST_MAILS = 3


def read_eml(source: Source) -> list[Document]:
    """One document. Raises SkippedFile for what has no text."""
    message = _parse(source.data)
    # A mail that was received says how it came; one that was sent and kept does not.
    is_own = (
        None if message is None else "Received" not in message and "Delivered-To" not in message
    )
    return [_document(message, source.stem, is_own)]


def read_mbox(source: Source) -> Iterator[Item]:
    """A document for each mail. The person is whose address is in most of them."""
    starts = [(match.start(), match.end()) for match in _SEPARATOR.finditer(source.data)]
    ends = [start for start, _ in starts[1:]] + [len(source.data)]
    mails = [(begin, end) for (_, begin), end in zip(starts, ends, strict=True)]
    owner = _owner(source.data, mails)
    for number, (begin, end) in enumerate(mails, start=1):
        part = f"mail {number}"
        if part in source.passed_over:
            continue
        yield EnteredPart(part)
        try:
            message = _parse(_ESCAPED_FROM.sub(rb"\1", source.data[begin:end]))
            is_own = _address(message, "From") == owner if owner else None
            document = _named_by_date(_document(message, part, is_own))
        except (SkippedFile, RecursionError) as error:
            yield SkippedPart(part, str(error) or "It is nested too deeply")
        except Exception:
            # Whatever a parser raises on one damaged mail, the others are read.
            yield SkippedPart(part, "The mail is damaged")
        else:
            yield document


def _named_by_date(document: Document) -> Document:
    """With a part that stays the same when mails before it are deleted."""
    import datetime as dt
    from dataclasses import replace

    date = dt.datetime.fromtimestamp(document.created or 0, dt.UTC).strftime("%Y-%m-%d ")
    title = one_line(document.title).replace("/", "-")[:80]
    return replace(document, part=(date if document.created else "") + title)


def _parse(data: bytes) -> EmailMessage | None:
    try:
        return email.message_from_bytes(data, policy=email.policy.default)
    except Exception:
        # The standard parser of headers has more ways to fail than are documented.
        return None


def _document(message: EmailMessage | None, stem: str, is_own: bool | None) -> Document:
    if message is None:
        raise SkippedFile("The mail is damaged")
    letter = Letter(
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        recipients=_header(message, "To"),
        sent=seconds_of(_header(message, "Date") or None),
        body=_body(message),
        attachments=tuple(_attachments(message)),
    )
    if not letter.body.strip() and not letter.subject:
        raise SkippedFile("The mail has no text")
    return letter_document(letter, stem, is_own)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return one_line(str(message.get(name, "")))
    except Exception:
        return ""  # as above; a mail with one bad header is still worth reading


def _body(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, ValueError, KeyError):
        raw = part.get_payload(decode=True)
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    if part.get_content_type() == "text/html":
        return html_to_markdown(text)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _attachments(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_disposition() == "attachment":
            yield str(part.get_filename() or "")


def _owner(data: bytes, mails: list[tuple[int, int]]) -> str:
    """The address that most mails come from or go to; "" when none stands out."""
    counts: Counter[str] = Counter()
    for begin, end in mails:
        head = re.split(rb"\r?\n\r?\n", data[begin : min(end, begin + 50_000)], maxsplit=1)[0]
        message = _parse(head + b"\n\n")
        if message is not None:
            counts.update({_address(message, name) for name in ("From", "To", "Delivered-To")})
    del counts[""]
    if len(mails) < _FEWEST_MAILS or not counts:
        return ""
    address, count = counts.most_common(1)[0]
    return address if count > len(mails) / 2 else ""


def _address(message: EmailMessage | None, name: str) -> str:
    if message is None:
        return ""
    return email.utils.parseaddr(_header(message, name))[1].lower()


def _is_mail(source: Source) -> bool:
    if source.suffix in (".eml", ".emlx"):
        return True
    looks_like_one = _FIRST_FIELD.match(source.head) is not None
    return looks_like_one and len(set(_FIELD.findall(source.head.lower()))) >= _FEWEST_FIELDS


def _is_mbox(source: Source) -> bool:
    return _SEPARATOR.match(source.head) is not None


EML = Format(_is_mail, read_eml)
MBOX = Format(_is_mbox, read_mbox)
