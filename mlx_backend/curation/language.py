"""In which language a note is written."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from mlx_backend.library.languages import UNKNOWN, language_name

_NO_LANGUAGE = "zxx"
_SUREST_GUESS = 0.3  # short sentences of 16 languages: 0.46 and above; codes and single words: 0.11
_LOOKED_AT = 400
_FEWEST_LETTERS = 6
_NO_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\S{0,40}(?:://|@)\S*|[\d_#*|=<>{}\[\]()/\\]+", re.DOTALL
)


class Language(NamedTuple):
    """An ISO 639 code, or UNKNOWN, and how sure that is, from 0 to 1."""

    code: str
    confidence: float


class Languages:
    """The model that tells languages apart: 80 MB and two seconds to load; `load` makes one."""

    def __init__(self) -> None:
        self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def of(self, text: str) -> Language:
        """The language of a text's beginning, code and addresses aside."""
        prose = " ".join(_NO_PROSE.sub(" ", text[: 5 * _LOOKED_AT]).split())[:_LOOKED_AT]
        if sum(map(str.isalpha, prose)) < _FEWEST_LETTERS:
            return Language(UNKNOWN, 0.0)
        code, confidence = self._model.classify(prose)
        if code == _NO_LANGUAGE or confidence < _SUREST_GUESS:
            return Language(UNKNOWN, float(confidence))
        return Language(code, float(confidence))


@functools.cache
def load() -> Languages:
    """The one model of this process."""
    return Languages()


def describe(code: str) -> str:
    """A sentence for the person."""
    if code == UNKNOWN:
        return "Its language cannot be told."
    return f"It is written in {language_name(code)}."
