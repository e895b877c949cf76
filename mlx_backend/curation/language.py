"""Recognising the language that a note is written in."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from mlx_backend.library.languages import UNKNOWN, language_name

_NO_LANGUAGE = "zxx"
_LEAST_CONFIDENCE = 0.3  # short sentences in 16 languages get 0.46 or more; single words get 0.11
_LOOKED_AT = 400
_FEWEST_LETTERS = 6
_NO_PROSE = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\S{0,40}(?:://|@)\S*|[\d_#*|=<>{}\[\]()/\\]+", re.DOTALL
)


class DetectedLanguage(NamedTuple):
    """An ISO 639 code, or UNKNOWN, with the confidence from 0 to 1."""

    code: str
    confidence: float


class LanguageDetector:
    """The language model (py3langid): takes 80 MB and two seconds to load. Use `load`."""

    def __init__(self) -> None:
        self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def of(self, text: str) -> DetectedLanguage:
        """The language of the beginning of a text, ignoring code and addresses."""
        prose = " ".join(_NO_PROSE.sub(" ", text[: 5 * _LOOKED_AT]).split())[:_LOOKED_AT]
        if sum(map(str.isalpha, prose)) < _FEWEST_LETTERS:
            return DetectedLanguage(UNKNOWN, 0.0)
        code, confidence = self._model.classify(prose)
        if code == _NO_LANGUAGE or confidence < _LEAST_CONFIDENCE:
            return DetectedLanguage(UNKNOWN, float(confidence))
        return DetectedLanguage(code, float(confidence))


@functools.cache
def load() -> LanguageDetector:
    """The language model, loaded once a process."""
    return LanguageDetector()


def describe(code: str) -> str:
    """A sentence for the person on a language code."""
    if code == UNKNOWN:
        return "Its language could not be recognised."
    return f"It is written in {language_name(code)}."
