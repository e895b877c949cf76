"""Private keys: PEM (RFC 7468), OpenSSH, PGP (RFC 9580), PuTTY, age, minisign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlx_backend.private_data.private_span import PrivateSpan
from mlx_backend.private_data.rules import Rule, Shape, Text

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = "-----END"
_REST_OF_END = re.compile(r"[A-Z0-9 ]{0,60}-{0,5}")
_BODY_CHARACTERS = re.compile(r"[A-Za-z0-9+/=]")
_CUT_OFF_BODY = re.compile(r"(?:\s{0,4}[A-Za-z0-9+/=]{16,80}){1,400}")
_LONGEST = 20_000
_SHORTEST_BODY = 40


@dataclass(frozen=True)
class _Armoured:
    """A key between a BEGIN and an END line, or the beginning of a key that was cut off."""

    kind: str

    def find(self, text: Text) -> Iterator[PrivateSpan]:
        done = 0
        for match in _BEGIN.finditer(text.plain):
            if match.start() < done:
                continue
            done = self._end(text.plain, match.end())
            body = text.plain[match.end() : done]
            if len(_BODY_CHARACTERS.findall(body)) >= _SHORTEST_BODY:
                yield PrivateSpan(self.kind, match.start(), done)

    def _end(self, text: str, start: int) -> int:
        end = text.find(_END, start, start + _LONGEST)
        if end >= 0:
            rest = _REST_OF_END.match(text, end + len(_END))
            return rest.end() if rest else end
        cut_off = _CUT_OFF_BODY.match(text, start)
        return cut_off.end() if cut_off else start


PRIVATE_KEYS: tuple[Rule, ...] = (
    _Armoured("private key"),
    Shape(
        "private key",
        re.compile(r"Private-Lines: \d{1,3}\s(?P<secret>(?:[A-Za-z0-9+/=]{1,64}\s){1,100})"),
        ("private-lines:",),
    ),
    Shape(
        "age key",
        re.compile(r"AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,80}"),
        ("age-secret-key-",),
    ),
    Shape("minisign key", re.compile(r"RWRTY0Iy[A-Za-z0-9+/]{200,220}={0,2}"), ("rwrty0iy",)),
    Shape(
        "WireGuard key",
        re.compile(r"(?:PrivateKey|PresharedKey)\s{0,3}=\s{0,3}(?P<secret>[A-Za-z0-9+/]{42,43}=)"),
        ("privatekey", "presharedkey"),
    ),
)
