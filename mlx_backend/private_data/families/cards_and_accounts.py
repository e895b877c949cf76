"""Payment cards, bank accounts, and the codes that belong to them."""

from __future__ import annotations

import re

from mlx_backend.private_data.checksums import is_card, is_iban
from mlx_backend.private_data.rules import Named, Numbered, Rule


def _has_digit_and_letter(candidate: str) -> bool:
    return any(c.isdigit() for c in candidate) and any(c.isalpha() for c in candidate)


CARDS_AND_ACCOUNTS: tuple[Rule, ...] = (
    Numbered(
        "card number",
        re.compile(
            r"(?<![\w.,/-])(?:[2-6]\d{15}|3\d{14}|3\d{13}"
            r"|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}|3\d{3}([ -])\d{6}\2\d{4,5})(?![\w-]|[.,]\d)",
            re.ASCII,
        ),
        is_card,
    ),
    Numbered(
        "IBAN",
        re.compile(
            r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,28}|(?: [A-Z0-9]{4}){2,7}"
            r"(?: [A-Z0-9]{1,3})?)"
            r"(?![A-Za-z0-9])",
            re.ASCII,
        ),
        is_iban,
    ),
    Named(
        "card code",
        ("cvv", "cvc", "card security code", "kartenprüfnummer"),
        re.compile(
            r"2?[^\w\n]{0,4}(?:\w{1,12} ){0,4}?[:=]? ?(?P<secret>\d{3,4})(?![\w-]|[.,:]\d)",
            re.ASCII,
        ),
    ),
    Named(
        "recovery code",
        (
            "backup code",
            "recovery code",
            "2fa code",
            "reset code",
            "wiederherstellungscode",
            "code de récupération",
            "código de recuperación",
        ),
        re.compile(
            r"s?[^\n]{0,30}?(?<![\w-])(?P<secret>[A-Za-z0-9]{4,8}"
            r"(?:[ -][A-Za-z0-9]{4,8}){1,5}|[A-Za-z0-9]{8,32})"
            r"(?![\w-])"
        ),
        _has_digit_and_letter,
    ),
    Named(
        "recovery code",
        ("backup code", "recovery code", "2fa code", "wiederherstellungscode"),
        re.compile(r"s?[ :=]{1,4}(?:is |ist )?(?P<secret>\d{6,10}|\d{3,4}[ -]\d{3,4})(?![\w-])"),
    ),
    Named(
        "account number",
        ("account number", "account no", "acct no", "kontonummer", "rekeningnummer"),
        re.compile(r"\.?[ :=#]{1,3}(?:is |ist )?(?P<secret>\d[\d -]{5,18}\d)(?![\w-])"),
    ),
)
