"""JSON values as readable lines."""

from __future__ import annotations

from collections.abc import Iterator

_DEEPEST = 100


def as_text(value: object) -> str:
    """A JSON value as lines: 'name: value' for objects, indented when nested; rows for lists."""
    return "".join(f"{line}\n" for line in _lines(value, 0))


def scalar(value: object) -> str:
    """A scalar as text: "" for null, "yes" or "no" for booleans."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _lines(value: object, level: int) -> Iterator[str]:
    if level > _DEEPEST:
        raise RecursionError
    indent = "  " * level
    if isinstance(value, dict):
        for name, inner in value.items():
            if _is_short(inner):
                yield f"{indent}{name}: {_short(inner)}".rstrip()
            else:
                yield f"{indent}{name}:"
                yield from _lines(inner, level + 1)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict) and inner and all(map(_is_short, inner.values())):
                cells = (f"{name}: {_short(cell)}" for name, cell in inner.items() if cell != "")
                yield f"{indent}- " + "; ".join(cells)
            elif _is_short(inner):
                yield f"{indent}- {_short(inner)}"
            else:
                yield from _lines(inner, level + 1)
    else:
        yield indent + scalar(value)


def _is_short(value: object) -> bool:
    if isinstance(value, list):
        return all(not isinstance(inner, dict | list) for inner in value)
    return not isinstance(value, dict)


def _short(value: object) -> str:
    return ", ".join(map(scalar, value)) if isinstance(value, list) else scalar(value)
