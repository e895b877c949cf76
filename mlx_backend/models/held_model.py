"""The one base model that a process keeps in memory, and the adapters on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlx_backend.errors import OvernightError
from mlx_backend.library.home import Library
from mlx_backend.library.models import read_model

# Loaded where they are needed: a process tells that it has started before it has imported MLX.
if TYPE_CHECKING:
    from mlx_backend.models.adapter_switch import Adapters
    from mlx_backend.models.inference import ChatModel


class HeldModel:
    """Loads a base model when it is asked for, in place of the one before. For one thread."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._loaded: _Loaded | None = None

    @property
    def bytes(self) -> int:
        """The size of the weights that are loaded; 0 without a model."""
        return self._loaded.bytes if self._loaded else 0

    def has(self, base: str) -> bool:
        """Whether it is this base model, as the library has it now, that is loaded."""
        return self._loaded is not None and self._loaded.is_current(self._library.models, base)

    def load(self, base: str) -> None:
        """Load a base model unless it is loaded.

        Raises OvernightError when it cannot be loaded; RuntimeError without enough memory.
        """
        if not self.has(base):
            self.release()
            self._loaded = _Loaded(self._library, base)

    def with_adapters(
        self, adapters: Adapters, conversation: int | None = None, is_plain: bool = True
    ) -> ChatModel:
        """The loaded model with these adapters and weights on it, and no others.

        The rest is as in `ChatModel.use`. Raises OvernightError when an adapter is damaged or does
        not fit.
        """
        assert self._loaded is not None
        self._loaded.model.use(adapters, conversation, is_plain)
        return self._loaded.model

    def save(self) -> None:
        """Save what was read of conversations, so that a restart does not lose it."""
        if self._loaded:
            self._loaded.model.save()

    def forget(self, conversation: int) -> None:
        """Drop what was read of a conversation that was deleted."""
        if self._loaded:
            self._loaded.model.forget(conversation)

    def release(self) -> None:
        """Free the memory."""
        import mlx.core as mx

        self.save()
        self._loaded = None
        mx.clear_cache()


class _Loaded:
    """A model in memory."""

    def __init__(self, library: Library, name: str) -> None:
        from mlx_backend.models.base_model import load_base_model
        from mlx_backend.models.inference import ChatModel

        loaded = load_base_model(library, name)
        self.bytes = loaded.bytes
        self.model = ChatModel(loaded, library)
        self._name = name
        self._sha256 = loaded.info.card.sha256

    def is_current(self, models: Path, name: str) -> bool:
        """Whether this is the model of that name that the library has now."""
        if name != self._name:
            return False
        try:
            return read_model(models, name).card.sha256 == self._sha256
        except OvernightError:
            return False  # loading it reports the error, or makes the starter again
