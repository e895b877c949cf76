"""Makes a field for each setting out of its declaration in `mlx_backend.settings`."""

from __future__ import annotations

import math
import typing
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from msgspec.inspect import BoolType, FloatType, IntType, LiteralType, Metadata, UnionType
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox, QWidget

from app.style import Space
from app.widgets.labels import tip
from app.widgets.number_fields import DecimalField, WholeField
from app.widgets.wheel_safe_fields import keep_still
from mlx_backend.settings import Settings

Changed = Callable[[object], None]

AUTOMATIC = "Automatic"
"""What a field shows in place of a number that follows from the base model."""

# Of a decimal number without a default to go by: the field shows as many decimals as its value has.
_FINEST_STEP, _MOST_DECIMALS = 1e-5, 12


@dataclass(frozen=True)
class Declared:
    """What a field needs to know of its setting."""

    name: str
    title: str
    help: str
    group: str
    unit: str
    type: msgspec.inspect.Type
    options: tuple[str, ...]
    default: object
    is_optional: bool = False


def declared_settings() -> list[Declared]:
    """All settings, in the order of their declaration."""
    described = msgspec.inspect.type_info(Settings)
    assert isinstance(described, msgspec.inspect.StructType)
    return [_declared(field) for field in described.fields]


def _declared(field: msgspec.inspect.Field) -> Declared:
    assert isinstance(field.type, Metadata)
    extra = field.type.extra_json_schema or {}
    kind, is_optional = _required(field.type.type)
    # msgspec sorts a Literal's values; the declaration has them in their natural order.
    hint = typing.get_type_hints(Settings)[field.name]
    return Declared(
        name=field.name,
        title=str(extra["title"]),
        help=str(extra["description"]),
        group=str(extra["group"]),
        unit=str(extra.get("unit", "")),
        type=kind,
        options=typing.get_args(hint) if isinstance(kind, LiteralType) else (),
        default=field.default,
        is_optional=is_optional,
    )


def _required(kind: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, bool]:
    """A type without None, and whether it had that beside one other."""
    if not isinstance(kind, UnionType):
        return kind, False
    (bare,) = (each for each in kind.types if not isinstance(each, msgspec.inspect.NoneType))
    return bare, True


def make_field(declared: Declared, value: object, changed: Changed) -> QWidget:
    """A field that shows `value` and calls `changed` with each new one."""
    field = _bare_field(declared, changed)
    if isinstance(field, QSpinBox | QDoubleSpinBox):
        field.lineEdit().setTextMargins(Space.HALF, 0, 0, 0)
    set_value(field, value)
    field.setAccessibleName(declared.title)
    field.setAccessibleDescription(declared.help)
    field.setToolTip(tip(declared.help))
    return field


def set_value(field: QWidget, value: object) -> None:
    """Show another value, without announcing it as a person's change; None: "Automatic"."""
    was_blocked = field.blockSignals(True)
    if isinstance(field, QComboBox):
        field.setCurrentIndex(field.findData(value))
    elif isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QSpinBox | QDoubleSpinBox):
        number = field.minimum() if value is None else value
        if field.value() != number:  # else what is being typed would be written over
            field.setValue(typing.cast(int, number))
    field.blockSignals(was_blocked)


def _bare_field(declared: Declared, changed: Changed) -> QWidget:
    match declared.type:
        case BoolType():
            return _switch(changed)
        case LiteralType():
            return _choice(declared, changed)
        case IntType(ge=least, le=most):
            return _whole_number(declared, least or 0, most or 10**6, changed)
        case FloatType(ge=least, le=most):
            return _number(declared, least, most or 1e6, changed)
    raise TypeError(f"no field for the setting {declared.name}")


def _switch(changed: Changed) -> QCheckBox:
    field = QCheckBox()
    # The box in line with the fields' right edges: without words it would keep a place for them.
    field.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    field.toggled.connect(changed)
    return field


def _choice(declared: Declared, changed: Changed) -> QComboBox:
    field = QComboBox()
    keep_still(field)
    for option in declared.options:
        field.addItem(option.capitalize(), option)
    field.currentIndexChanged.connect(lambda index: changed(field.itemData(index)))
    return field


def _whole_number(declared: Declared, least: int, most: int, changed: Changed) -> QSpinBox:
    field = WholeField()
    field.setRange(least - declared.is_optional, most)
    _finish(field, declared, changed)
    return field


def _number(
    declared: Declared, least: float | None, most: float, changed: Changed
) -> QDoubleSpinBox:
    field = DecimalField()
    step, decimals = _FINEST_STEP, _MOST_DECIMALS
    if declared.default is not None:
        step = _step(typing.cast(float, declared.default))
        decimals = max(2, len(f"{step:.8f}".rstrip("0").partition(".")[2]))
    field.setDecimals(decimals)
    field.setSingleStep(step)
    # Where only "more than 0" is asked for, the smallest number that the field can show.
    smallest = 10.0 ** -field.decimals() if least is None else least
    field.setRange(0.0 if declared.is_optional else smallest, most)
    _finish(field, declared, changed)
    return field


def _finish(field: QSpinBox | QDoubleSpinBox, declared: Declared, changed: Changed) -> None:
    """Unit and announcements; the least value of an optional number stands for None."""
    field.setSuffix(f" {declared.unit}" if declared.unit else "")
    field.setKeyboardTracking(False)
    if not declared.is_optional:
        field.valueChanged.connect(changed)
        return
    least = field.minimum()
    field.setSpecialValueText(AUTOMATIC)
    field.valueChanged.connect(lambda value: changed(None if value == least else value))


def _step(default: float) -> float:
    """The step of the arrows: 0.5, or a tenth of the leading digit of a default below 1."""
    return 0.5 if default >= 1 else 10.0 ** (math.floor(math.log10(default)) - 1)
