"""Training samples in mlx-lm's formats: JSON lines of chat, completion or text."""

from __future__ import annotations

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.transcript import TranscriptBuilder

_NAMES = {"user": "You", "assistant": "Assistant", "system": "System"}


def is_samples(value: object) -> bool:
    """Whether the values of JSON lines are samples in one of the three formats."""
    return isinstance(value, list) and bool(value) and all(_is_sample(row) for row in value)


def read_samples(source: SourceFile, value: object) -> list[Document]:
    """One document with all samples. Raises SkippedFile when they are empty."""
    assert isinstance(value, list)
    transcript = TranscriptBuilder()
    for row in value:
        _add(transcript, row)
    if not transcript:
        raise SkippedFile("The samples are empty")
    text = transcript.text.rstrip("\n") + "\n"
    return [Document(title=source.stem, text=text, kind="samples", voices=transcript.voices)]


def _is_sample(row: object) -> bool:
    if not isinstance(row, dict):
        return False
    if isinstance(row.get("messages"), list):
        return all(
            isinstance(m, dict) and isinstance(m.get("content"), str) for m in row["messages"]
        )
    if isinstance(row.get("prompt"), str):
        return isinstance(row.get("completion"), str)
    return isinstance(row.get("text"), str) and len(row) == 1


def _add(transcript: TranscriptBuilder, row: dict[str, object]) -> None:
    messages = row.get("messages")
    if isinstance(messages, list):
        turns = [(str(m.get("role", "")), str(m["content"])) for m in messages]
    elif "prompt" in row:
        turns = [("user", str(row["prompt"])), ("assistant", str(row["completion"]))]
    else:
        turns = [("", str(row["text"]))]
    for role, text in turns:
        words = text.strip("\n")
        if role:
            name = _NAMES.get(role, role)
            transcript.say(name, f"**{name}:** ", words, own=role == "user")
        else:
            transcript.add(words)
        transcript.add("\n\n")
