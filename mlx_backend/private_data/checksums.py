"""Check digits: those that several kinds of numbers use, and those of cards and bank accounts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlx_backend.private_data.word_list import word_list

# Test numbers from the manuals of card companies; they belong to nobody.
_TEST_CARDS = frozenset(
    word_list(
        "4242424242424242 4111111111111111 4012888888881881 5555555555554444 5105105105105100 "
        "378282246310005 371449635398431 6011111111111117 4000056655665556 4000000000000002"
    )
)
_BRANDS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Visa, Mastercard
    r"|3[47]\d{13}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}"  # Amex, Discover, JCB
    r"|3(?:0[0-5]\d|6\d\d|8\d\d)\d{10}|62\d{14}"  # Diners, UnionPay
)
_IBAN_LENGTHS = dict(
    pair.split(":")
    for pair in word_list(
        "AD:24 AE:23 AT:20 BE:16 BG:22 BR:29 CH:21 CY:28 CZ:24 DE:22 DK:18 EE:20 ES:24 FI:18 "
        "FR:27 GB:22 GI:23 GR:27 HR:21 HU:28 IE:22 IL:23 IS:26 IT:27 LI:21 LT:20 LU:20 LV:21 "
        "MC:27 MT:31 NL:18 NO:15 PL:28 PT:25 RO:24 RS:22 SA:24 SE:24 SI:19 SK:24 SM:27 TR:26 "
        "UA:29"
    )
)


def digits_of(text: str) -> list[int]:
    """The ASCII digits in a text, ignoring all other characters."""
    return [int(char) for char in text if char in "0123456789"]


def weighted_sum(digits: Sequence[int], weights: Sequence[int]) -> int:
    """The sum of digit times weight; extra digits or weights are ignored."""
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(text: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B)."""
    digits = digits_of(text)
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    return bool(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_card(text: str) -> bool:
    """Whether it is a card number: prefix and length of a brand, Luhn digit, not a test number."""
    number = "".join(map(str, digits_of(text)))
    return bool(_BRANDS.fullmatch(number)) and luhn(number) and number not in _TEST_CARDS


def is_iban(text: str) -> bool:
    """Whether it is an IBAN (ISO 13616): the country's length, and remainder 1 modulo 97."""
    compact = "".join(text.split()).upper()
    if str(len(compact)) != _IBAN_LENGTHS.get(compact[:2]) or not compact.isalnum():
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1
