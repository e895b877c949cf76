"""Exports of conversations with ChatGPT and Claude: a document for each conversation."""

from __future__ import annotations

from collections.abc import Iterator

from mlx_backend.importers.document import Document, Item, SkippedPart, Source
from mlx_backend.importers.readers.text import one_line, seconds_of
from mlx_backend.importers.readers.transcript import Transcript

_LONGEST_CHAIN = 100_000
Turn = tuple[bool, str]
"""Whether the person speaks, and what is said."""


def is_chatgpt(value: object) -> bool:
    """Whether a JSON value is ChatGPT's `conversations.json`."""
    return _all_have(value, "mapping")


def is_claude(value: object) -> bool:
    """Whether a JSON value is Claude's `conversations.json`."""
    return _all_have(value, "chat_messages")


def read_chatgpt(source: Source, value: object) -> Iterator[Item]:
    """The branch of each conversation that was shown last."""
    for conversation in _conversations(value):
        created = seconds_of(conversation.get("create_time"))
        yield _conversation(
            conversation.get("title"), created, _chatgpt_turns(conversation), "ChatGPT"
        )


def read_claude(source: Source, value: object) -> Iterator[Item]:
    """All turns of each conversation."""
    for conversation in _conversations(value):
        created = seconds_of(conversation.get("created_at"))
        yield _conversation(
            conversation.get("name"), created, _claude_turns(conversation), "Claude"
        )


def _conversation(name: object, created: float | None, turns: list[Turn], assistant: str) -> Item:
    title = one_line(name if isinstance(name, str) else "") or "Untitled conversation"
    transcript = Transcript()
    for own, text in turns:
        name = "You" if own else assistant
        transcript.say(name, f"**{name}:**\n\n", text.strip("\n"), own)
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
    )


def _chatgpt_turns(conversation: dict[str, object]) -> list[Turn]:
    nodes = conversation.get("mapping")
    nodes = nodes if isinstance(nodes, dict) else {}
    turns: list[Turn] = []
    seen: set[object] = set()
    at = conversation.get("current_node") or next(reversed(nodes), None)
    while isinstance(at, str) and at in nodes and at not in seen and len(seen) < _LONGEST_CHAIN:
        seen.add(at)
        node = nodes[at] if isinstance(nodes[at], dict) else {}
        turns += _chatgpt_turn(node.get("message"))
        at = node.get("parent")
    return turns[::-1]


def _chatgpt_turn(message: object) -> list[Turn]:
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
    text = "\n\n".join(texts)
    return [(role == "user", text)] if text.strip() else []


def _claude_turns(conversation: dict[str, object]) -> list[Turn]:
    messages = conversation.get("chat_messages")
    turns = []
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and (text := _claude_text(message)).strip():
            turns.append((message.get("sender") == "human", text))
    return turns


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
