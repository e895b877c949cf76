"""Exported conversations with ChatGPT and Claude: one document for each conversation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mlx_backend.importers.document import (
    THE_REST,
    Document,
    EnteredPart,
    Item,
    LargeSourceFile,
    SkippedFile,
    SkippedPart,
    SourceFile,
)
from mlx_backend.importers.failures import reason_for
from mlx_backend.importers.limits import too_large
from mlx_backend.importers.readers.json_array import values_of
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.transcript import TranscriptBuilder

_LONGEST_CHAIN = 100_000
_CITATION = re.compile("\ue200[^\ue201\n]{0,500}\ue201|【\\d[^【】\n]{0,80}†[^【】\n]{0,80}】")
_LEFT_OUT = "pictures, reasoning, and the calls and results of tools"
_ACCOUNT_FIELDS = (
    frozenset({"id", "email", "chatgpt_plus_user"}),
    frozenset({"uuid", "full_name", "email_address"}),
    frozenset({"conversation_id", "title", "is_anonymous"}),
)


@dataclass(frozen=True)
class _Turn:
    """One turn; `own`: the person said it. `name` is the name of an attached file, else ""."""

    own: bool
    text: str
    name: str = ""


def is_chatgpt(value: object) -> bool:
    """Whether a JSON value is ChatGPT's `conversations.json`."""
    return _all_have(value, "mapping")


def is_claude(value: object) -> bool:
    """Whether a JSON value is Claude's `conversations.json`."""
    return _all_have(value, "chat_messages")


def is_account(value: object) -> bool:
    """Whether a JSON value is a file of an export that is only about the account."""
    found = _conversations(value)
    return bool(found) and any(
        all(fields <= each.keys() for each in found) for fields in _ACCOUNT_FIELDS
    )


def refuse_account(source: SourceFile, value: object) -> Iterable[Item]:
    """Raises SkippedFile, because the data of an account is not a note."""
    raise SkippedFile("This is about your account, not a note")


def read_chatgpt(source: SourceFile, value: object) -> Iterator[Item]:
    """For each conversation, the branch that was shown last."""
    for conversation in _conversations(value):
        created = seconds_of(conversation.get("create_time"))
        turns, others = _chatgpt_turns(conversation)
        losses = Losses({"message": others})
        left_out = _LEFT_OUT + (f", {in_words(losses)} of other branches" if others else "")
        found = _conversation(conversation.get("title"), created, turns, "ChatGPT")
        yield replace(found, left_out=left_out) if isinstance(found, Document) else found


def read_claude(source: SourceFile, value: object) -> Iterator[Item]:
    """For each conversation, all of its turns."""
    for conversation in _conversations(value):
        created = seconds_of(conversation.get("created_at"))
        yield _conversation(
            conversation.get("name"), created, _claude_turns(conversation), "Claude"
        )


def read_large_conversations(source: LargeSourceFile) -> Iterator[Item]:
    """The conversations of a large file: a JSON list, decoded one at a time.

    If the file is damaged, those before the damage are read. Raises SkippedFile when there are
    none.
    """
    read, reason = 0, ""
    try:
        for number, value in enumerate(values_of(source.file), start=1):
            part = f"conversation {number}"
            if part not in source.excluded_parts:
                yield EnteredPart(part)
                yield from _read_one(SourceFile(source.name, source.head), value)
            read += 1
    except (SkippedFile, MemoryError) as error:
        reason = reason_for(error, "")
    if not read:
        raise SkippedFile(too_large(source.name))
    if reason:
        yield SkippedPart(THE_REST, reason)


def _read_one(source: SourceFile, value: object) -> Iterator[Item]:
    if is_chatgpt(value):
        return read_chatgpt(source, value)
    if is_claude(value):
        return read_claude(source, value)
    raise SkippedFile("This is not a conversation")


def _conversation(name: object, created: float | None, turns: list[_Turn], assistant: str) -> Item:
    title = one_line(name if isinstance(name, str) else "") or "Untitled conversation"
    transcript = TranscriptBuilder()
    for turn in turns:
        name = turn.name or ("You" if turn.own else assistant)
        transcript.say(name, f"**{name}:**\n\n", turn.text.strip("\n"), turn.own)
        transcript.add("\n\n")
    if not turns:
        return SkippedPart(title, "The conversation has no text")
    return Document(
        title=title,
        text=transcript.text.rstrip("\n") + "\n",
        kind="conversation",
        part=title.replace("/", "-"),
        created=created,
        voices=transcript.voices,
        left_out=_LEFT_OUT,
    )


def _chatgpt_turns(conversation: dict[str, object]) -> tuple[list[_Turn], int]:
    """The turns of the branch that was shown last, and the number of messages on other branches."""
    nodes = conversation.get("mapping")
    nodes = nodes if isinstance(nodes, dict) else {}
    turns: list[_Turn] = []
    seen: set[object] = set()
    at = conversation.get("current_node")
    if not isinstance(at, str) or at not in nodes:
        at = next(reversed(nodes), None)
    while isinstance(at, str) and at in nodes and at not in seen and len(seen) < _LONGEST_CHAIN:
        seen.add(at)
        node = nodes[at] if isinstance(nodes[at], dict) else {}
        turns += _chatgpt_turn(node.get("message"))
        at = node.get("parent")
    others = (node for name, node in nodes.items() if name not in seen and isinstance(node, dict))
    return turns[::-1], sum(len(_chatgpt_turn(node.get("message"))) for node in others)


def _chatgpt_turn(message: object) -> list[_Turn]:
    if not isinstance(message, dict):
        return []
    author, content = message.get("author"), message.get("content")
    role = author.get("role") if isinstance(author, dict) else None
    if role not in ("user", "assistant") or not isinstance(content, dict):
        return []
    if content.get("content_type") not in ("text", "multimodal_text"):
        return []
    parts = content.get("parts")
    texts = [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else []
    text = _CITATION.sub("", "\n\n".join(texts))
    return [_Turn(role == "user", text)] if text.strip() else []


def _claude_turns(conversation: dict[str, object]) -> list[_Turn]:
    messages = conversation.get("chat_messages")
    turns = []
    for message in messages if isinstance(messages, list) else []:
        if not isinstance(message, dict):
            continue
        if (text := _claude_text(message)).strip():
            turns.append(_Turn(message.get("sender") == "human", text))
        turns += _attached(message.get("attachments"))
    return turns


def _attached(attachments: object) -> Iterator[_Turn]:
    """Attached text files, and long pasted texts, which Claude stores as files."""
    for file in attachments if isinstance(attachments, list) else []:
        text = file.get("extracted_content") if isinstance(file, dict) else None
        if isinstance(text, str) and text.strip():
            name = one_line(str(file.get("file_name") or ""))
            yield _Turn(False, text, name or "Attached text")


def _claude_text(message: dict[str, object]) -> str:
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    texts = [
        str(block.get("text", ""))
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "text"
    ]
    text = message.get("text")
    return "\n\n".join(filter(str.strip, texts)) or (text if isinstance(text, str) else "")


def _conversations(value: object) -> list[dict[str, object]]:
    values = value if isinstance(value, list) else [value]
    return [conversation for conversation in values if isinstance(conversation, dict)]


def _all_have(value: object, name: str) -> bool:
    found = _conversations(value)
    return bool(found) and all(isinstance(c.get(name), dict | list) for c in found)
