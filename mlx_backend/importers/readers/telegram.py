"""Telegram's exports in JSON and HTML: one document for each chat.

Fields: https://core.telegram.org/import-export
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlx_backend.importers.document import Document, Item, SkippedPart, SourceFile
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.transcript import TranscriptBuilder


def is_telegram(value: object) -> bool:
    """Whether a JSON value is a Telegram export, of one chat or of all chats."""
    if not isinstance(value, dict):
        return False
    chats = value.get("chats")
    if isinstance(chats, dict) and isinstance(chats.get("list"), list):
        return True
    messages = value.get("messages")
    return isinstance(messages, list) and "name" in value and "type" in value and "id" in value


def read_telegram(source: SourceFile, value: object) -> Iterator[Item]:
    """One document for each chat, with a heading for each day. Ids tell who the person is."""
    assert isinstance(value, dict)
    chats = value.get("chats")
    listed = chats.get("list") if isinstance(chats, dict) else [value]
    person = value.get("personal_information")
    person_id = f"user{person.get('user_id')}" if isinstance(person, dict) else ""
    whole = isinstance(chats, dict)
    for chat in listed if isinstance(listed, list) else []:
        if isinstance(chat, dict):
            yield _chat(chat, person_id, whole)


def _chat(chat: dict[str, object], person_id: str, in_whole: bool) -> Item:
    title = one_line(str(chat.get("name") or "Saved messages"))
    part = title.replace("/", "-") if in_whole else ""
    messages = chat.get("messages")
    transcript = TranscriptBuilder()
    day = ""
    created = None
    knows = bool(person_id) or chat.get("type") in ("personal_chat", "saved_messages")
    for message in messages if isinstance(messages, list) else []:
        text = _text(message.get("text")) if isinstance(message, dict) else ""
        if not text.strip():
            continue
        date = str(message.get("date", ""))
        created = created or seconds_of(date)
        if date[:10] != day:
            day = date[:10]
            transcript.add(f"\n## {day}\n\n")
        name = one_line(str(_author(message) or "Unknown"))
        is_own = _is_own(message, chat, person_id) if knows else None
        transcript.say(name, f"{name}: ", text, is_own)
        transcript.add("\n")
    if not transcript:
        return SkippedPart(part or title, "The chat has no text")
    return Document(
        title=title,
        text=transcript.text,
        kind="chat",
        part=part,
        created=created,
        voices=transcript.voices,
        left_out="pictures, stickers and times of messages",
    )


def _is_own(message: dict[str, object], chat: dict[str, object], person_id: str) -> bool:
    if _author(message) != message.get("from"):
        return False  # forwarded by the person, but in someone else's words
    sender = str(message.get("from_id", ""))
    if person_id:
        return sender == person_id
    return chat.get("type") == "saved_messages" or sender != f"user{chat.get('id')}"


def _author(message: dict[str, object]) -> object:
    """Who wrote a message; for a forwarded one, the original author."""
    return message.get("forwarded_from", message.get("from"))


def _text(value: object) -> str:
    """The text of a message: plain, or a list of pieces, of which some are links and the like."""
    if isinstance(value, list):
        return "".join(
            str(piece.get("text", "")) if isinstance(piece, dict) else str(piece) for piece in value
        )
    return value if isinstance(value, str) else ""


def is_telegram_page(tree: Any) -> bool:
    """Whether an HTML tree is a page of a Telegram export."""
    return tree.select_one("div.page_wrap div.history div.message") is not None


def read_telegram_page(source: SourceFile, tree: Any) -> list[Document]:
    """One document. The HTML does not tell which speaker is the person."""
    header = tree.select_one("div.page_header div.text")
    for line_end in tree.find_all("br"):
        line_end.replace_with("\n")
    transcript = TranscriptBuilder()
    speaker = ""
    for message in tree.select("div.history div.message"):
        text = message.select_one("div.text")
        if "service" in message["class"]:
            transcript.add(f"\n## {one_line(message.get_text())}\n\n")
            continue
        name = message.select_one("div.from_name")  # missing when the speaker has not changed
        speaker = one_line(name.get_text()) if name else speaker
        if text is not None:
            transcript.say(speaker, f"{speaker}: ", text.get_text().strip())
            transcript.add("\n")
    title = one_line(header.get_text()) if header else ""
    return [
        Document(
            title=title or source.stem,
            text=transcript.text,
            kind="chat",
            voices=transcript.voices,
            left_out="pictures, stickers and times of messages",
        )
    ]
