"""WhatsApp's exports: a text file with one chat, alone or in a zip with its pictures."""

from __future__ import annotations

import re
from collections import Counter

from mlx_backend.importers.document import Document, Format, SkippedFile, SourceFile
from mlx_backend.importers.readers.plain_text import decode
from mlx_backend.importers.readers.text import one_line
from mlx_backend.importers.readers.transcript import TranscriptBuilder

_DAY = r"(\d{1,4}[./-]\d{1,2}[./-]\d{1,4})"
_TIME = r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[AaPp]\.?\s?[Mm]\.?)?"
_DATE = rf"{_DAY},?\s+{_TIME}"
_LINE = re.compile(rf"[\u200e\u200f]*(?:\[{_DATE}\]\s|{_DATE}\s[-–]\s)(.*)", re.DOTALL)
_SPOKEN = re.compile(r"([^:\n]{1,60}): (.*)", re.DOTALL)
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e]")
_LEFT_OUT = re.compile(
    r"<[^<>\n]{3,40}>|(image|video|audio|sticker|GIF|document) omitted|.*\((file attached)\)",
    re.IGNORECASE,
)
_DELETED = re.compile(
    r"(?:this message was deleted|you deleted this message"
    r"|diese nachricht wurde gelöscht|du hast diese nachricht gelöscht"
    r"|se eliminó este mensaje|eliminaste este mensaje"
    r"|ce message a été supprimé|vous avez supprimé ce message"
    r"|esta mensagem foi apagada|mensagem apagada|você apagou esta mensagem"
    r"|questo messaggio è stato eliminato|hai eliminato questo messaggio)\.?",
    re.IGNORECASE,
)
_EDITED = re.compile(
    r"\s*<[^<>\n]{0,30}\b(?:edit|editó|editada|bearbeitet|modifié|modificato)[^<>\n]{0,20}>\Z",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"WhatsApp[ -]*(?:Chat)?[ -]*(?:with|mit|avec|con|-)?\s*(.+?)(?:\.zip)?$", re.IGNORECASE
)
_PROBED_LINES = 30
_FEWEST = 2
_LONGEST_ATTACHMENT = 30  # such as "Bild weggelassen"; notices about the chat are longer
_MOST_IN_TITLE = 3


def read_whatsapp(source: SourceFile) -> list[Document]:
    """One document, with a heading for each day. Raises SkippedFile when nobody says anything.

    The file is named after the other speaker; in a chat of two, so the person is known.
    """
    turns = _turns(decode(source.data))
    if not turns:
        raise SkippedFile("The chat has no text")
    other = _other(source)
    speakers = {speaker for _, speaker, _ in turns}
    knows = other in speakers and len(speakers) == 2
    transcript = TranscriptBuilder()
    day = ""
    for date, speaker, text in turns:
        if date != day:
            day = date
            transcript.add(f"\n## {day}\n\n")
        transcript.say(speaker, f"{speaker}: ", text, own=speaker != other if knows else None)
        transcript.add("\n")
    return [
        Document(
            title=f"Chat with {other}" if other else _title(turns) or source.stem,
            text=transcript.text,
            kind="chat",
            voices=transcript.voices,
            left_out="pictures, WhatsApp's own notices and the times of messages",
        )
    ]


def _turns(text: str) -> list[tuple[str, str, str]]:
    """(day, speaker, words) of each message; lines without a date continue the message before.

    So the caption of a picture belongs to its sender, and the further lines of a notice to nobody.
    """
    turns: list[tuple[str, str, list[str]]] = []
    words: list[str] = []
    for marked in text.split("\n"):
        line = _MARKS.sub("", marked)
        found = _LINE.match(line)
        if not found:
            words += [line] if line else []
            continue
        words = []
        spoken = _SPOKEN.match(found[3])
        is_notice = spoken is not None and _is_notice(marked, spoken[2].strip())
        if spoken and not is_notice:
            words.append(spoken[2])
        if spoken and (words or _is_attachment(spoken[2].strip())):
            turns.append((found[1] or found[2], one_line(spoken[1]), words))
    said = ((day, speaker, _EDITED.sub("", "\n".join(lines))) for day, speaker, lines in turns)
    return [turn for turn in said if turn[2].strip()]


def _is_notice(line: str, words: str) -> bool:
    """Whether the words are WhatsApp's, not the speaker's; iPhones mark such words with U+200E."""
    is_marked = "[" in line[:3] and line.partition(": ")[2].startswith("\u200e")
    return is_marked or bool(_LEFT_OUT.fullmatch(words) or _DELETED.fullmatch(words))


def _is_attachment(notice: str) -> bool:
    """Whether a notice, in any language, stands for something that was sent, such as a picture."""
    if _DELETED.fullmatch(notice):
        return False
    return bool(_LEFT_OUT.fullmatch(notice)) or len(notice) <= _LONGEST_ATTACHMENT


def _title(turns: list[tuple[str, str, str]]) -> str:
    """A title that names the speakers, most talkative first; "" for a single speaker."""
    speakers = [speaker for speaker, _ in Counter(turn[1] for turn in turns).most_common()]
    if len(speakers) > _MOST_IN_TITLE:
        speakers[_MOST_IN_TITLE:] = ["others"]
    *most, last = speakers or [""]
    return f"Chat of {', '.join(most)} and {last}" if most else ""


def _other(source: SourceFile) -> str:
    for name in (source.stem, source.container):
        found = _NAME.match(name)
        if found and found[1].lower() not in ("_chat", "chat"):
            return one_line(found[1])
    return ""


def _recognises(source: SourceFile) -> bool:
    if source.suffix != ".txt":
        return False
    lines = source.head.decode("utf-8", "ignore").lstrip("\ufeff").split("\n")[:_PROBED_LINES]
    spoken = [
        m for line in lines if (m := _LINE.match(line)) and _SPOKEN.match(_MARKS.sub("", m[3]))
    ]
    return len(spoken) >= _FEWEST and bool(_LINE.match(lines[0]))


FORMAT = Format(_recognises, read_whatsapp)
