"""What the chat needs to know of the library."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from mlx_backend.library.adapters import AdapterCard, list_adapters
from mlx_backend.library.conversations import Conversation, Conversations
from mlx_backend.library.models import list_models
from mlx_backend.library.notes import Notes


@dataclass(frozen=True)
class LibraryContents:
    """Conversations and adapters, the newest first; base models by name."""

    conversations: list[Conversation] = field(default_factory=list)
    cards: list[AdapterCard] = field(default_factory=list)
    model_bytes: dict[str, int] = field(default_factory=dict)
    contexts: dict[str, int] = field(default_factory=dict)
    """How many tokens each base model reads at once."""
    readers: list[str] = field(default_factory=list)
    """The base models that word answers themselves."""
    has_notes: bool = False


def read_contents(adapters: Path, models: Path, db: sqlite3.Connection) -> LibraryContents:
    """Read the library; `adapters` and `models` are its folders."""
    there = list_models(models)
    return LibraryContents(
        Conversations(db).all(),
        [adapter.card for adapter in list_adapters(adapters)],
        {model.card.name: model.bytes for model in there},
        {model.card.name: model.context for model in there},
        [model.card.name for model in there if model.reads],
        Notes(db).totals().notes > 0,
    )
