"""Mails (EML, RFC 5322)."""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
from collections.abc import Iterator
from email.message import EmailMessage

from mlx_backend.importers.document import Document, Format, SkippedFile, SourceFile
from mlx_backend.importers.readers.html_text import Markdown, html_to_markdown
from mlx_backend.importers.readers.losses import Losses
from mlx_backend.importers.readers.mail_text import Letter, letter_document
from mlx_backend.importers.readers.text import one_line, seconds_of

_FIELD = re.compile(rb"(?im)^(from|to|subject|date|message-id|mime-version|received|return-path):")
_FIRST_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:[ \t]")
_FEWEST_FIELDS = 3


def read_eml(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when the mail is damaged or has no text."""
    message = parse_mail(source.data)
    # A received mail has headers about its delivery; a mail that the person sent has none.
    is_own = (
        None if message is None else "Received" not in message and "Delivered-To" not in message
    )
    return [mail_document(message, source.stem, is_own)]


def parse_mail(data: bytes) -> EmailMessage | None:
    """Parse a mail; None when that fails."""
    try:
        return email.message_from_bytes(data, policy=email.policy.default)
    except MemoryError:
        raise
    except Exception:
        # The standard library's header parser raises more than it documents.
        return None


def mail_document(message: EmailMessage | None, stem: str, is_own: bool | None) -> Document:
    """The document for a mail. Raises SkippedFile when it is damaged or has no text.

    `stem` is the title if there is no subject. `is_own`: the person wrote it; None when unknown.
    """
    if message is None:
        raise SkippedFile("The mail is damaged")
    body, losses = _body(message)
    letter = Letter(
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        recipients=_header(message, "To"),
        sent=seconds_of(_header(message, "Date") or None),
        body=body,
        attachments=tuple(_attachments(message)),
        losses=losses,
    )
    if not letter.body.strip() and not letter.subject:
        raise SkippedFile("The mail has no text")
    return letter_document(letter, stem, is_own)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return one_line(str(message.get(name, "")))
    except Exception:
        return ""  # as in `parse_mail`; a mail with one bad header is still worth reading


def _body(message: EmailMessage) -> Markdown:
    part = message.get_body(("plain", "html"))
    if part is None:
        return Markdown("", Losses())
    try:
        text = str(part.get_content())
    except (LookupError, ValueError, KeyError):
        raw = part.get_payload(decode=True)
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    if part.get_content_type() == "text/html":
        return html_to_markdown(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    pictures = sum(part.get_content_maintype() == "image" for part in message.walk())
    attached = sum(part.get_content_disposition() == "attachment" for part in message.walk())
    return Markdown(text, Losses({"picture": max(0, pictures - attached)}))


def _attachments(message: EmailMessage) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_disposition() == "attachment":
            yield str(part.get_filename() or "")


def address_of(message: EmailMessage | None, name: str) -> str:
    """The mail address in the header `name`, in lower case; "" without one."""
    if message is None:
        return ""
    return email.utils.parseaddr(_header(message, name))[1].lower()


def _is_mail(source: SourceFile) -> bool:
    if source.suffix in (".eml", ".emlx"):
        return True
    looks_like_one = _FIRST_FIELD.match(source.head) is not None
    return looks_like_one and len(set(_FIELD.findall(source.head.lower()))) >= _FEWEST_FIELDS


FORMAT = Format(_is_mail, read_eml)
