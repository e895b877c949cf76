"""A model's tokenizer for counting tokens, without loading the weights or transformers."""

from __future__ import annotations

from tokenizers import Tokenizer

from mlx_backend.library.home import Library
from mlx_backend.library.models import STARTER
from mlx_backend.models.starter import find_base_model


def load_plain_tokenizer(library: Library, name: str = STARTER) -> Tokenizer:
    """The tokenizer of a base model.

    Raises OvernightError when the model is unknown, incomplete or unsafe.
    """
    return Tokenizer.from_file(str(find_base_model(library, name).path / "tokenizer.json"))
