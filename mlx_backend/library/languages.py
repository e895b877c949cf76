"""The languages of the notes, and which of them the person leaves out of training."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from mlx_backend.library.database import transaction
from mlx_backend.library.inclusion import update_included

UNKNOWN = "und"
"""The ISO 639 code for a language that could not be determined."""


@dataclass(frozen=True)
class Language:
    """A language (ISO 639 code), and how many notes whose file exists are in it, used or not."""

    code: str
    notes: int
    is_left_out: bool

    @property
    def name(self) -> str:
        """The language's English name, or its code in quotes."""
        return "Not known" if self.code == UNKNOWN else language_name(self.code)


class Languages:
    """Lists languages and leaves them out of training, over one database connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def all(self) -> list[Language]:
        """The languages of the notes, most frequent first."""
        rows = self._db.execute(
            "SELECT value AS code, count(*) AS notes,"
            " value IN (SELECT code FROM languages_left_out) AS is_left_out"
            " FROM findings JOIN notes ON notes.id = note_id"
            " WHERE step = 'language' AND NOT gone GROUP BY value ORDER BY notes DESC, value"
        )
        return [Language(row["code"], row["notes"], bool(row["is_left_out"])) for row in rows]

    def notes_in(self, code: str) -> frozenset[int]:
        """The ids of the notes in a language."""
        rows = self._db.execute(
            "SELECT note_id FROM findings WHERE step = 'language' AND value = ?", (code,)
        )
        return frozenset(row["note_id"] for row in rows)

    def leave_out(self, code: str) -> None:
        """Leave the notes in a language out of training, also notes imported later."""
        with transaction(self._db):
            self._db.execute("INSERT OR IGNORE INTO languages_left_out VALUES (?)", (code,))
            update_included(self._db)

    def use(self, code: str) -> None:
        """Take `leave_out` back."""
        with transaction(self._db):
            self._db.execute("DELETE FROM languages_left_out WHERE code = ?", (code,))
            update_included(self._db)


def language_name(code: str) -> str:
    """The English name of a language, or its code in quotes when the name is unknown."""
    return _NAMES.get(code, f"'{code}'")


_NAMES = {
    "af": "Afrikaans",
    "am": "Amharic",
    "an": "Aragonese",
    "ar": "Arabic",
    "ary": "Moroccan Arabic",
    "arz": "Egyptian Arabic",
    "as": "Assamese",
    "az": "Azerbaijani",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "br": "Breton",
    "bs": "Bosnian",
    "ca": "Catalan",
    "cs": "Czech",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "eo": "Esperanto",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fo": "Faroese",
    "fr": "French",
    "fy": "Frisian",
    "ga": "Irish",
    "gd": "Scottish Gaelic",
    "gl": "Galician",
    "grc": "Ancient Greek",
    "gu": "Gujarati",
    "ha": "Hausa",
    "hbo": "Biblical Hebrew",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "ht": "Haitian Creole",
    "hu": "Hungarian",
    "hy": "Armenian",
    "id": "Indonesian",
    "ig": "Igbo",
    "is": "Icelandic",
    "it": "Italian",
    "ja": "Japanese",
    "jv": "Javanese",
    "ka": "Georgian",
    "kk": "Kazakh",
    "km": "Khmer",
    "kn": "Kannada",
    "ko": "Korean",
    "ku": "Kurdish",
    "ky": "Kyrgyz",
    "la": "Latin",
    "lb": "Luxembourgish",
    "lo": "Lao",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "mg": "Malagasy",
    "mk": "Macedonian",
    "ml": "Malayalam",
    "mn": "Mongolian",
    "mr": "Marathi",
    "ms": "Malay",
    "mt": "Maltese",
    "my": "Burmese",
    "nb": "Norwegian",
    "ne": "Nepali",
    "nl": "Dutch",
    "nn": "Norwegian",
    "no": "Norwegian",
    "oc": "Occitan",
    "or": "Odia",
    "pa": "Punjabi",
    "pl": "Polish",
    "ps": "Pashto",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "rw": "Kinyarwanda",
    "sa": "Sanskrit",
    "se": "Northern Sami",
    "si": "Sinhala",
    "sk": "Slovak",
    "sl": "Slovenian",
    "so": "Somali",
    "sq": "Albanian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "tg": "Tajik",
    "th": "Thai",
    "tk": "Turkmen",
    "tl": "Tagalog",
    "tr": "Turkish",
    "tt": "Tatar",
    "ug": "Uyghur",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "uz": "Uzbek",
    "vec": "Venetian",
    "vi": "Vietnamese",
    "wuu": "Wu Chinese",
    "xh": "Xhosa",
    "yo": "Yoruba",
    "yue": "Cantonese",
    "zh": "Chinese",
    "zu": "Zulu",
}
