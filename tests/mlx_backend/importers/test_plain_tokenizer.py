from __future__ import annotations

from mlx_backend.importers.plain_tokenizer import load_plain_tokenizer
from mlx_backend.library import Library
from mlx_backend.models.base_model import LoadedModel


def test_it_counts_like_the_models_own(tiny_library: Library, loaded: LoadedModel) -> None:
    plain = load_plain_tokenizer(tiny_library, "tiny")
    text = "Marta lit the lamp, 1987 — né à Bergen."
    assert plain.encode(text, add_special_tokens=False).ids == loaded.tokenizer.encode(
        text, add_special_tokens=False
    )
