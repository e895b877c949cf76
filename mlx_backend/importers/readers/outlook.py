"""Outlook messages (MSG), through python-oxmsg."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.html_text import html_to_markdown
from mlx_backend.importers.readers.losses import Losses
from mlx_backend.importers.readers.mail_text import Letter, decoded, letter_document

if TYPE_CHECKING:
    from oxmsg.recipient import Recipient


def read_outlook(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when the message has no text."""
    from oxmsg import Message

    message = Message.load(io.BytesIO(source.data))
    body, losses = message.body or "", Losses()
    if not body and message.html_body:
        body, losses = html_to_markdown(message.html_body)
    letter = Letter(
        subject=message.subject or "",
        sender=decoded(message.sender or ""),
        recipients=", ".join(filter(None, (_named(r) for r in message.recipients))),
        sent=message.sent_date.timestamp() if message.sent_date else None,
        body=body,
        attachments=tuple(a.file_name or "" for a in message.attachments),
        losses=losses,
    )
    if not body.strip() and not letter.subject:
        raise SkippedFile("The message has no text")
    return [letter_document(letter, source.stem, is_own=not message.message_headers)]


def _named(recipient: Recipient) -> str:
    name, address = decoded(recipient.name), recipient.email_address
    return name if name == address or not address else f"{name} <{address}>".strip()
