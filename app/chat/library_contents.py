"""What the chat needs to know of the library."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from app.library.base_models import base_models, called, called_of
from app.library.missing_bases import MissingBase, find_missing_bases
from mlx_backend.library import Library
from mlx_backend.library.adapters import AdapterCard, list_adapters
from mlx_backend.library.models import STARTER, BaseModel
from mlx_backend.library.notes import Notes


@dataclass(frozen=True)
class LibraryContents:
    """Adapters, the newest first; base models by name.

    missing: base models that adapters need and that are gone.
    """

    cards: list[AdapterCard] = field(default_factory=list)
    models: dict[str, BaseModel] = field(default_factory=dict)
    missing: tuple[MissingBase, ...] = ()
    has_notes: bool = False

    @property
    def bases(self) -> dict[str, str]:
        """What the base models that can answer are called, by name.

        The starter is among them: it is made when it is first asked.
        """
        others = {name: called_of(model) for name, model in self.models.items()}
        return {STARTER: called(STARTER), **others}

    @property
    def readers(self) -> list[str]:
        """The base models that word answers from the notes themselves."""
        return [name for name, model in self.models.items() if model.reads]

    def bytes_of(self, model: str, otherwise: int) -> int:
        """How large a base model is; `otherwise` where that is not known yet."""
        return self.models[model].bytes if model in self.models else otherwise

    def context_of(self, model: str) -> int:
        """How many tokens a base model reads at once; 0 where that is not known."""
        return self.models[model].context if model in self.models else 0

    def can_think(self, model: str) -> bool:
        """Whether a base model can think aloud before it answers."""
        abilities = self.models[model].card.abilities if model in self.models else None
        return abilities is not None and abilities.thinks


def read_contents(library: Library, db: sqlite3.Connection) -> LibraryContents:
    """Read the library."""
    return LibraryContents(
        [adapter.card for adapter in list_adapters(library.adapters)],
        {model.card.name: model for model in base_models(library)},
        find_missing_bases(library, db),
        Notes(db).totals().notes > 0,
    )
