"""SentencePiece models that tests train."""

from __future__ import annotations

import io
from typing import Any

from sentencepiece import SentencePieceTrainer

TEXT = (
    "The lighthouse of Amber Cove was lit by Marta on the third of May. She keeps a red notebook",
    "Der Leuchtturm wurde im Mai entzündet; die Schlüssel hängen über der Tür, süß und groß.",
    "Маяк зажгли в мае, а ключи лежат у Марты на столе.",
    "灯塔在五月被点亮，钥匙在玛尔塔那里。",
    "def f(x):    return x  + 1    # two  spaces",
)


def trained(**options: Any) -> bytes:
    """A SentencePiece model of 600 pieces, of the kind that language models have."""
    written = io.BytesIO()
    chosen: dict[str, Any] = {
        "model_type": "bpe",
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "vocab_size": 600,
    }
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT * 5),
        model_writer=written,
        hard_vocab_limit=False,
        minloglevel=2,
        **(chosen | options),
    )
    return written.getvalue()
