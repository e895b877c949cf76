"""What the library has that matters to the chat."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.library.adapters import AdapterCard, list_adapters
from mlx_backend.library.conversations import Conversation, Conversations
from mlx_backend.library.models import list_models
from mlx_backend.library.notes import Notes


@dataclass(frozen=True)
class Found:
    """What there is, the newest first; base models are known by their names."""

    conversations: list[Conversation]
    cards: list[AdapterCard]
    model_bytes: dict[str, int]
    contexts: dict[str, int]
    """How many tokens each base model reads at once."""
    readers: list[str]
    """The base models that word answers themselves."""
    has_notes: bool


def find(adapters: Path, models: Path, db: sqlite3.Connection) -> Found:
    """Look into the library; `adapters` and `models` are its folders."""
    there = list_models(models)
    return Found(
        Conversations(db).all(),
        [adapter.card for adapter in list_adapters(adapters)],
        {model.card.name: model.bytes for model in there},
        {model.card.name: model.context for model in there},
        [model.card.name for model in there if model.reads_by_itself],
        Notes(db).totals().notes > 0,
    )
