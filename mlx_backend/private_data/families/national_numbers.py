"""National identity, tax and document numbers, recognised by check digits or by words nearby."""

from __future__ import annotations

import re

from mlx_backend.private_data import national_checks as checks
from mlx_backend.private_data.rules import Named, Numbered, Rule


def _pattern(shape: str) -> re.Pattern[str]:
    """A pattern for the shape as a whole word."""
    return re.compile(rf"(?<![\w.,/+-])(?:{shape})(?![\w-]|[.,/]\d)", re.ASCII)


def _documented(shape: str) -> re.Pattern[str]:
    """A pattern for what follows a document's name: perhaps "number" or "is", then the shape."""
    return re.compile(
        rf"(?:[- ]?(?i:number|num|no|nr|nummer|n°|nº|#))?\.?(?: (?i:is|ist|est|es|lautet))?"
        rf"[ :=#]{{1,3}}(?P<secret>{shape})(?![\w-])"
    )


NATIONAL_NUMBERS: tuple[Rule, ...] = (
    Numbered(
        "social security number",
        _pattern(r"\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}"),
        checks.is_ssn,
        ("ssn", "social security", "social sec"),
    ),
    Numbered(
        "tax number",
        _pattern(r"[1-9]\d{10}|[1-9]\d \d{3} \d{3} \d{3}"),
        checks.is_steuer_id,
        ("steuer", "idnr", "identifikationsnummer", "tax id", "tin "),
    ),
    Numbered(
        "national insurance number",
        _pattern(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"),
        lambda text: text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"),
        ("national insurance", "nino", "ni:", "ni ", "ni no", "payroll", "hmrc"),
    ),
    Numbered(
        "social security number",
        _pattern(r"[12378] ?\d\d ?(?:0[1-9]|[1-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d"),
        checks.is_nir,
        ("sécu", "secu", "insee", "nir ", "nir:", "vitale"),
    ),
    Numbered(
        "identity number",
        _pattern(r"(?:\d{8}|\d{2}\.\d{3}\.\d{3}|[XYZ]-?\d{7})[ -]?[A-HJ-NP-TV-Z]"),
        checks.is_dni,
        ("dni", "nie", "nif", "identidad"),
    ),
    Numbered(
        "tax number",
        _pattern(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"),
        checks.is_codice_fiscale,
    ),
    Numbered(
        "citizen service number",
        _pattern(r"\d{9}|\d{4}[ .]\d{2}[ .]\d{3}"),
        checks.is_bsn,
        ("bsn", "burgerservice", "sofinummer"),
    ),
    Numbered("AHV number", _pattern(r"756\.?\d{4}\.?\d{4}\.?\d\d"), checks.is_ahv),
    Numbered(
        "social security number",
        _pattern(r"[1-9]\d{3} ?\d{6}"),
        checks.is_svnr,
        ("svnr", "sv-nr", "sv-nummer", "sozialversicherung", "versicherungsnummer", "e-card"),
    ),
    Numbered("PESEL", _pattern(r"\d{11}"), checks.is_pesel, ("pesel",)),
    Numbered(
        "personal identity number",
        _pattern(r"(?:19|20)?\d{6}[-+]?\d{4}"),
        checks.is_personnummer,
        ("personnummer", "personnr", "samordningsnummer", "pnr"),
    ),
    Numbered("CPR number", _pattern(r"\d{6}-?\d{4}"), checks.is_cpr, ("cpr",)),
    Numbered("CPF", _pattern(r"\d{3}\.?\d{3}\.?\d{3}-?\d\d"), checks.is_cpf, ("cpf",)),
    Named(
        "passport number",
        ("passport", "reisepass", "passeport", "pasaporte", "passaporto", "paspoort", "passnummer"),
        _documented(r"[A-Z]{0,3}[0-9CFGHJKLMNPRTVWXYZ]{6,9}"),
        lambda text: sum(char.isdigit() for char in text) >= 4,
    ),
    Named(
        "driving licence number",
        (
            "driver's license",
            "driver’s license",
            "drivers license",
            "driver license",
            "driving licence",
            "driver's licence",
            "führerschein",
            "permis de conduire",
            "patente di guida",
            "rijbewijs",
            "carnet de conducir",
        ),
        _documented(r"[A-Z0-9-]{6,20}"),
        lambda text: sum(char.isdigit() for char in text) >= 4,
    ),
    Named(
        "identity card number",
        ("personalausweis", "id card", "identity card", "carte d'identité", "ausweisnummer"),
        _documented(r"[A-Z0-9]{8,14}"),
        lambda text: sum(char.isdigit() for char in text) >= 4,
    ),
)
