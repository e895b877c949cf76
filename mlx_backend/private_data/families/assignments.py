"""Keys without a known format, recognised by the name that code, settings or prose gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlx_backend.private_data.likeness import looks_random
from mlx_backend.private_data.private_span import PrivateSpan
from mlx_backend.private_data.rules import Rule, Text

_NAMES = re.compile(
    r"(?:api|app|auth|access|account|client|consumer|encryption|hmac|license|master|private|secret"
    r"|service|session|signing|webhook)[ _.-]?(?:key|token|secret)|secret|token|apikey|credentials?"
)
_VALUE = re.compile(
    r"(?:[a-z0-9_-]{0,20}[\"'`\]]{0,2}\s{0,3}(?:=>|:=|=|:|,)|[a-z0-9_ -]{0,24}? (?:is"
    r"|ist|est|es|was))"
    r"\s{0,3}(?:[a-z]{1,2}(?=[\"']))?[\"'`(*]{0,3}(?P<secret>[\w+/=.~-]{16,400})(?P<after>[^\w]?)"
)


@dataclass(frozen=True)
class _Assigned:
    """A name such as `api_key`, then a sign such as `=` or the word "is", then a random value."""

    kind: str

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        for name in _NAMES.finditer(text.folded):
            match = _VALUE.match(text.folded, name.end())
            if not match or match["after"] in ("(", "["):
                continue
            start, end = match.span("secret")
            value = text.plain[start:end].rstrip(".")
            if _is_key(value):
                yield PrivateSpan(self.kind, start, start + len(value))


def _is_key(value: str) -> bool:
    # Names in code have a digit now and then; keys have many.
    digits = sum(char.isdigit() for char in value)
    return looks_random(value) and digits * 12 >= len(value) and value.count(".") <= 2


ASSIGNMENTS: tuple[Rule, ...] = (_Assigned("key"),)
