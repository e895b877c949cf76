"""The check digits of national numbers: one function for each kind of number."""

from __future__ import annotations

import re
from collections import Counter

from mlx_backend.private_data.checksums import digits_of, luhn, weighted_sum

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = (
    1,
    0,
    5,
    7,
    9,
    13,
    15,
    17,
    19,
    21,
    2,
    4,
    18,
    20,
    11,
    3,
    6,
    8,
    12,
    14,
    16,
    10,
    22,
    25,
    24,
    23,
)


def is_ssn(text: str) -> bool:
    """United States, SSN: no check digit; area 000, 666, 9xx, group 00, serial 0000 are invalid."""
    area, group, serial = re.split(r"[- ]", text)
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_steuer_id(text: str) -> bool:
    """Germany, tax number: one of the first ten digits repeats; check digit ISO 7064 MOD 11,10."""
    digits = digits_of(text)
    if len(digits) != 11 or digits[0] == 0:
        return False
    repeats = sorted(count for count in Counter(digits[:10]).values() if count > 1)
    product = 10
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return repeats in ([2], [3]) and (11 - product) % 10 == digits[10]


def is_nir(text: str) -> bool:
    """France, NIR: 97 minus the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    compact = "".join(text.split()).upper()
    number = compact[:-2].replace("2A", "19").replace("2B", "18")
    return number.isdecimal() and 97 - int(number) % 97 == int(compact[-2:])


def is_dni(text: str) -> bool:
    """Spain, DNI and NIE: a letter for the number modulo 23; X, Y, Z in front count as 0, 1, 2."""
    compact = re.sub(r"[ .-]", "", text).upper()
    number = compact[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdecimal() and _DNI_LETTERS[int(number) % 23] == compact[-1]


def is_codice_fiscale(text: str) -> bool:
    """Italy, codice fiscale: a letter from a sum over two tables (decree of 23 December 1976)."""
    values = [int(c) if c.isdigit() else ord(c) - ord("A") for c in text.upper()]
    total = sum(_ODD[value] for value in values[:15:2]) + sum(values[1:15:2])
    return total % 26 == values[15]


def is_bsn(text: str) -> bool:
    """Netherlands, BSN: the sum with weights 9 to 2 and -1 is divisible by 11."""
    digits = digits_of(text)
    return len(digits) == 9 and weighted_sum(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def is_ahv(text: str) -> bool:
    """Switzerland, AHV number: the check digit of EAN-13."""
    digits = digits_of(text)
    return len(digits) == 13 and weighted_sum(digits, (1, 3) * 7) % 10 == 0


def is_svnr(text: str) -> bool:
    """Austria, social insurance: the fourth digit is the weighted sum of the others modulo 11."""
    digits = digits_of(text)
    if len(digits) != 10:
        return False
    return weighted_sum(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == digits[3]


def is_pesel(text: str) -> bool:
    """Poland, PESEL: the sum with weights 1, 3, 7, 9 is divisible by 10."""
    digits = digits_of(text)
    return len(digits) == 11 and weighted_sum(digits, (1, 3, 7, 9) * 2 + (1, 3, 1)) % 10 == 0


def is_personnummer(text: str) -> bool:
    """Sweden, personnummer: Luhn over the last ten digits, of which the first six are a date."""
    digits = digits_of(text)[-10:]
    month, day = digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]
    return 1 <= month <= 12 and 1 <= day % 60 <= 31 and luhn("".join(map(str, digits)))


def is_cpr(text: str) -> bool:
    """Denmark, CPR: no reliable check digit since 2007; the first six digits are a date."""
    digits = digits_of(text)
    day, month = digits[0] * 10 + digits[1], digits[2] * 10 + digits[3]
    return 1 <= day <= 31 and 1 <= month <= 12


def is_cpf(text: str) -> bool:
    """Brazil, CPF: two check digits modulo 11."""
    digits = digits_of(text)
    if len(digits) != 11 or len(set(digits)) == 1:
        return False
    first = weighted_sum(digits[:9], range(10, 1, -1)) * 10 % 11 % 10
    second = weighted_sum(digits[:10], range(11, 1, -1)) * 10 % 11 % 10
    return [first, second] == digits[9:]
