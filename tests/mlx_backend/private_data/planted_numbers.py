"""Cards, accounts, seed phrases and national numbers with check digits that hold.

The check digits are worked out here anew, so that an error in the rules' arithmetic shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from mnemonic import Mnemonic

from tests.mlx_backend.private_data.planting import DIGITS, LOWER, UPPER, Planted, some

Maker = Callable[[Random], str]


def _luhn_digit(digits: str) -> str:
    total = 0
    for place, char in enumerate(reversed(digits)):
        doubled = int(char) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def card(rng: Random) -> str:
    """The number of a payment card, written in one of three ways."""
    prefix, length = rng.choice((("4", 16), ("53", 16), ("37", 15), ("6011", 16), ("2221", 16)))
    body = prefix + some(rng, DIGITS, length - 1 - len(prefix))
    number = body + _luhn_digit(body)
    if length == 15:
        return rng.choice((number, f"{number[:4]} {number[4:10]} {number[10:]}"))
    groups = [number[i : i + 4] for i in range(0, 16, 4)]
    return rng.choice((number, " ".join(groups), "-".join(groups)))


def iban(rng: Random) -> str:
    """An IBAN of one of several countries, grouped or not."""
    country, account = rng.choice(
        (
            ("DE", some(rng, DIGITS, 18)),
            ("GB", "WEST" + some(rng, DIGITS, 14)),
            ("FR", some(rng, DIGITS, 23)),
            ("NL", "ABNA" + some(rng, DIGITS, 10)),
            ("CH", some(rng, DIGITS, 17)),
        )
    )
    digits = "".join(str(int(char, 36)) for char in account + country)
    number = f"{country}{98 - int(digits + '00') % 97:02d}{account}"
    grouped = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    return rng.choice((number, grouped))


def seed_phrase(rng: Random) -> str:
    """A seed phrase of 12 to 24 words with a valid checksum."""
    size = rng.choice((16, 20, 24, 28, 32))
    return Mnemonic("english").to_mnemonic(rng.randbytes(size))


def _ssn(rng: Random) -> str:
    return f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def _steuer_id(rng: Random) -> str:
    digits = list("1234567890")
    rng.shuffle(digits)
    digits[9] = digits[rng.randint(0, 8)]  # one digit twice, one not at all
    rest = digits[:10]
    while rest[0] == "0" or any(rest[i] == rest[i + 1] == rest[i + 2] for i in range(8)):
        rng.shuffle(rest)
    product = 10
    for char in rest:
        product = ((int(char) + product) % 10 or 10) * 2 % 11
    return "".join(rest) + str((11 - product) % 10)


def _nino(rng: Random) -> str:
    number = some(rng, DIGITS, 6)
    return f"QQ {number[:2]} {number[2:4]} {number[4:]} C".replace("QQ", rng.choice(("AB", "JK")))


def _nir(rng: Random) -> str:
    body = f"{rng.randint(1, 2)}{some(rng, DIGITS, 2)}0{rng.randint(1, 9)}75{some(rng, DIGITS, 6)}"
    return body + f"{97 - int(body) % 97:02d}"


def _dni(rng: Random) -> str:
    number = rng.randint(10_000_000, 99_999_999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _codice_fiscale(rng: Random) -> str:
    body = (
        some(rng, "BCDFGLMNPRST", 6)
        + some(rng, DIGITS, 2)
        + rng.choice("ABCDEHLMPRST")
        + f"{rng.randint(1, 28):02d}"
        + rng.choice(UPPER[:12])
        + some(rng, DIGITS, 3)
    )
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
    odd_letters = (*odd, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    total = 0
    for place, char in enumerate(body, start=1):
        value = int(char) if char.isdigit() else ord(char) - ord("A")
        total += odd_letters[value] if place % 2 else value
    return body + chr(ord("A") + total % 26)


def _bsn(rng: Random) -> str:
    while True:
        body = rng.choice("12345") + some(rng, DIGITS, 7)
        last = sum(int(c) * w for c, w in zip(body, range(9, 1, -1), strict=True)) % 11
        if last < 10:
            return body + str(last)


def _ahv(rng: Random) -> str:
    body = "756" + some(rng, DIGITS, 9)
    total = sum(int(char) * (3 if place % 2 else 1) for place, char in enumerate(body))
    number = body + str(-total % 10)
    return f"{number[:3]}.{number[3:7]}.{number[7:11]}.{number[11:]}"


def _svnr(rng: Random) -> str:
    while True:
        serial = some(rng, "123456789", 3)
        birth = f"{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}{rng.randint(40, 99)}"
        weights = (3, 7, 9, 5, 8, 4, 2, 1, 6)
        check = sum(int(c) * w for c, w in zip(serial + birth, weights, strict=True)) % 11
        if check < 10:
            return f"{serial}{check} {birth}"


def _pesel(rng: Random) -> str:
    body = f"{rng.randint(40, 99)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}" + some(
        rng, DIGITS, 4
    )
    total = sum(int(c) * w for c, w in zip(body, (1, 3, 7, 9) * 3, strict=False))
    return body + str(-total % 10)


def _personnummer(rng: Random) -> str:
    body = f"{rng.randint(40, 99)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}" + some(
        rng, DIGITS, 3
    )
    number = body + _luhn_digit(body)
    return f"{number[:6]}-{number[6:]}"


_TEXTS: Mapping[str, tuple[Maker, tuple[str, ...]]] = {
    "card": (card, ("The new card is {v}, valid to May.", "card_number = '{v}'", "{v}")),
    "IBAN": (iban, ("Send the rent to {v} by the third.", "iban: {v}", "Konto {v} (Anna)")),
    "seed phrase": (seed_phrase, ("Recovery words: {v}", "wallet\n\n{v}\n\nkeep", 'SEED="{v}"')),
    "SSN": (_ssn, ("My SSN is {v}.", "Social Security number: {v}")),
    "Steuer-ID": (_steuer_id, ("Meine Steuer-ID ist {v}.", "IdNr. {v}")),
    "NINO": (_nino, ("National Insurance number {v}", "NI: {v}, for the payroll form")),
    "NIR": (_nir, ("Numéro de sécurité sociale : {v}", "sécu {v}")),
    "DNI": (_dni, ("Mi DNI es {v}.", "DNI: {v}")),
    "codice fiscale": (_codice_fiscale, ("Il mio codice fiscale: {v}", "CF {v}")),
    "BSN": (_bsn, ("Mijn BSN is {v}", "burgerservicenummer: {v}")),
    "AHV": (_ahv, ("AHV-Nummer {v}", "Meine Nummer ist {v}")),
    "SVNR": (_svnr, ("Sozialversicherungsnummer: {v}", "SVNR {v}")),
    "PESEL": (_pesel, ("PESEL: {v}", "Mój PESEL to {v}.")),
    "personnummer": (_personnummer, ("Personnummer: {v}", "mitt personnummer är {v}")),
    "passport": (
        lambda rng: some(rng, "CFGHJK", 1) + some(rng, DIGITS, 8),
        ("Passport number: {v}, expires 2031", "Reisepass Nr. {v}"),
    ),
    "driving licence": (
        lambda rng: some(rng, UPPER, 1) + some(rng, DIGITS, 7),
        ("Driver's license number {v}", "Führerschein-Nr.: {v}"),
    ),
    "CVV": (lambda rng: some(rng, DIGITS, 3), ("The CVV is {v}", "cvc: {v}")),
    "recovery code": (
        lambda rng: f"{some(rng, LOWER + DIGITS, 5)}-{some(rng, LOWER + DIGITS, 4)}7",
        ("Backup code: {v}", "2FA recovery code {v}, used once"),
    ),
}


def planted_numbers(rng: Random, rounds: int) -> list[Planted]:
    """Every kind `rounds` times, in its texts in turn."""
    return [
        Planted(kind, value, texts[turn % len(texts)].format(v=value))
        for kind, (make, texts) in _TEXTS.items()
        for turn in range(rounds)
        for value in (make(rng),)
    ]
