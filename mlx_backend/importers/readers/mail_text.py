"""The text of a mail: who wrote to whom, and which words are the person's own."""

from __future__ import annotations

import datetime as dt
import email.errors
import email.header
import re
from dataclasses import dataclass, field

from mlx_backend.importers.document import Document
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.text import one_line
from mlx_backend.importers.readers.transcript import TranscriptBuilder

_QUOTE = re.compile(r"\s*>")
_QUOTE_INTRODUCTION = re.compile(
    r"(On|Am|Le|El|Il|Op|Em)\b.{5,200}(wrote|schrieb|écrit|escribió|scritto|schreef|escreveu).{0,40}:\s*$"
)
_FORWARDED = re.compile(
    r"-{3,}\s*(Original Message|Forwarded message|Ursprüngliche Nachricht)", re.IGNORECASE
)


@dataclass(frozen=True)
class Letter:
    """The parts of a mail that become text; `sent` is Unix time in seconds."""

    subject: str
    sender: str
    recipients: str
    sent: float | None
    body: str
    attachments: tuple[str, ...] = ()
    losses: Losses = field(default_factory=Losses)


def decoded(header: str) -> str:
    """A header with its encoded words (RFC 2047) decoded."""
    try:
        return str(email.header.make_header(email.header.decode_header(header)))
    except (ValueError, LookupError, email.errors.MessageError):
        return header


def letter_document(letter: Letter, stem: str, is_own: bool | None, part: str = "") -> Document:
    """The document for a mail. `is_own`: the person wrote it; None when unknown.

    `stem` is the title if there is no subject. Quoted lines are never the person's own words.
    """
    transcript, sender = TranscriptBuilder(), one_line(letter.sender)
    transcript.add(_heading(letter))
    for text, quoted in _runs(letter.body.strip("\n")):
        if quoted:
            transcript.say("", "", text, own=None if is_own is None else False)
        else:
            transcript.say(sender, "", text, is_own)
    transcript.add("\n")
    names = ", ".join(one_line(name) or "without a name" for name in letter.attachments)
    return Document(
        title=one_line(letter.subject) or stem,
        text=transcript.text,
        kind="mail",
        part=part,
        created=letter.sent,
        author=sender,
        voices=transcript.voices,
        left_out=in_words(letter.losses, names and f"attachments: {names}"),
    )


def _heading(letter: Letter) -> str:
    date = ""
    if letter.sent is not None:
        date = dt.datetime.fromtimestamp(letter.sent, dt.UTC).strftime("%Y-%m-%d %H:%M")
    fields = {
        "From": letter.sender,
        "To": letter.recipients,
        "Date": date,
        "Subject": letter.subject,
    }
    lines = [f"{name}: {one_line(value)}" for name, value in fields.items() if one_line(value)]
    return "\n".join(lines) + "\n\n"


def _runs(body: str) -> list[tuple[str, bool]]:
    """The body as (text, is_quoted): consecutive lines that are quoted, or not quoted."""
    runs: list[tuple[list[str], bool]] = []
    forwarded = False
    for line in body.splitlines(keepends=True):
        forwarded = forwarded or bool(_FORWARDED.match(line))
        quoted = forwarded or bool(_QUOTE.match(line) or _QUOTE_INTRODUCTION.match(line))
        if runs and runs[-1][1] == quoted:
            runs[-1][0].append(line)
        else:
            runs.append(([line], quoted))
    return [("".join(lines), quoted) for lines, quoted in runs]
