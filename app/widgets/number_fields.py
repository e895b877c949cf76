"""Fields for numbers, which read what people write: "1.5" and "1,5" are the same anywhere.

Qt takes the sign that a locale groups digits with out of a number: where decimals have a comma,
"1.5" would become 15. Here a sign groups digits only where it can mean nothing else.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QLocale
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

from app.widgets.wheel_safe_fields import keep_still, pad

# No setting has so many digits; with thousands of them, Python refuses to make a number.
_DECIMAL = re.compile(r"[+-]?(?:\d{1,18}(?:[.,\u066b]\d{0,18})?|[.,\u066b]\d{1,18})")
_BEGUN = re.compile(r"[+-]?[.,\u066b]?")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
# In the signs of all locales; never one alone with less than three digits behind it.
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,'\u2019\u066c \u00a0\u202f])\d{3})(?:\1\d{3}){0,5}")
_SIGNS = re.compile(r"[.,'\u2019\u066c \u00a0\u202f]")
_GROUPING_BEGUN = re.compile(r"[+-]?\d{1,3}(?:[.,'\u2019\u066c \u00a0\u202f]\d{0,3})*")

State = QValidator.State


def decimal_number(text: str) -> float | None:
    """The number that a text means, in the digits of any script; None where it means none."""
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    return float(re.sub("[,\u066b]", ".", text))


def whole_number(text: str) -> int | None:
    """The whole number that a text means, with or without signs between groups of three digits."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    return int(_SIGNS.sub("", text)) if _GROUPED.fullmatch(text) else None


class DecimalField(QDoubleSpinBox):
    """Shows 8, not 8.00, and its numbers in the locale's way."""

    def __init__(self) -> None:
        super().__init__()
        keep_still(self)
        pad(self)

    def textFromValue(self, value: float) -> str:
        locale = self.locale()
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        text = locale.toString(value, "f", self.decimals())
        if locale.decimalPoint() not in text:
            return text
        return text.rstrip(locale.zeroDigit()).rstrip(locale.decimalPoint())

    def valueFromText(self, text: str) -> float:
        if text and text == self.specialValueText():
            return self.minimum()
        number = decimal_number(_bare(text, self.prefix(), self.suffix()))
        if number is None:
            return self.value()
        return round(_within(number, self.minimum(), self.maximum()), self.decimals())

    def fixup(self, text: str) -> str:
        # Qt would take grouping signs out.
        return text

    def validate(self, text: str, position: int) -> tuple[State, str, int]:
        if text and text == self.specialValueText():
            return State.Acceptable, text, position
        bare = _bare(text, self.prefix(), self.suffix())
        if decimal_number(bare) is not None:
            return State.Acceptable, text, position
        begun = State.Intermediate if _BEGUN.fullmatch(bare.strip()) else State.Invalid
        return begun, text, position


class WholeField(QSpinBox):
    """A whole number; what has a decimal sign in it is none."""

    def __init__(self) -> None:
        super().__init__()
        keep_still(self)
        pad(self)

    def valueFromText(self, text: str) -> int:
        if text and text == self.specialValueText():
            return self.minimum()
        number = whole_number(_bare(text, self.prefix(), self.suffix()))
        if number is None:
            return self.value()
        return int(_within(number, self.minimum(), self.maximum()))

    def fixup(self, text: str) -> str:
        # Qt would take grouping signs out.
        return text

    def validate(self, text: str, position: int) -> tuple[State, str, int]:
        if text and text == self.specialValueText():
            return State.Acceptable, text, position
        bare = _bare(text, self.prefix(), self.suffix()).strip()
        if whole_number(bare) is not None:
            return State.Acceptable, text, position
        is_begun = _BEGUN.fullmatch(bare) or _GROUPING_BEGUN.fullmatch(bare)
        return State.Intermediate if is_begun else State.Invalid, text, position


def _bare(text: str, prefix: str, suffix: str) -> str:
    """The number alone, also while its unit is only partly there."""
    text = text.removeprefix(prefix)
    return text.removesuffix(suffix) if suffix else text


def _within(number: float, least: float, most: float) -> float:
    return max(least, min(most, number))
