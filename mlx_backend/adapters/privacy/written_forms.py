"""The bytes in which a text may stand in a file: encodings, escapes, composed and decomposed."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Iterator
from typing import Literal
from urllib.parse import quote, quote_plus

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be"]


def written_forms(text: str) -> Iterator[tuple[bytes, Encoding]]:
    """Each form of a text as bytes with ASCII capitals lowered, once; search lowered bytes only.

    Composed and decomposed, in small and capital letters (those beyond ASCII have other bytes),
    plain, escaped as in JSON, HTML and addresses; plain ones in UTF-16 too.
    """
    seen: set[bytes] = set()
    for data, encoding in _all_forms(text):
        if data not in seen:
            seen.add(data)
            yield data, encoding


def _all_forms(text: str) -> Iterator[tuple[bytes, Encoding]]:
    for plain in _spellings(text):
        encodings: tuple[Encoding, ...] = ("utf-8", "utf-16-le", "utf-16-be")
        for encoding in encodings:
            yield plain.encode(encoding, "surrogatepass").lower(), encoding
        for escaped in _escaped(plain):
            yield escaped.encode("utf-8", "surrogatepass").lower(), "utf-8"


def _spellings(text: str) -> Iterator[str]:
    if text.isascii():
        yield text
        return
    for cased in (text, text.lower(), text.upper()):
        yield unicodedata.normalize("NFC", cased)
        yield unicodedata.normalize("NFD", cased)


def _escaped(text: str) -> Iterator[str]:
    if text.isascii() and text.isalnum():
        return  # nothing in it is ever escaped
    in_json = json.dumps(text)[1:-1]
    yield in_json
    yield in_json.replace("/", "\\/")
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    encoded = text.encode("utf-8", "surrogatepass")
    yield quote(encoded)
    yield quote(encoded, safe="")
    yield quote_plus(encoded)
    yield html.escape(text)
