"""Tables as text: one line of 'header: value' pairs a row, so that each row makes sense alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def rows_as_text(rows: Iterable[Sequence[object]]) -> str:
    """The rows as text, one line each. The first row with content is the header if it looks so."""
    return "\n".join(_lines(rows))


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    cells = ([_cell(value) for value in row] for row in rows)
    filled = (row for row in cells if any(row))
    first = next(filled, None)
    if first is None:
        return
    header = first if _is_header(first) else None
    if header is None:
        yield ", ".join(filter(None, first))
    only_header = True
    for row in filled:
        only_header = False
        yield _row(header, row)
    if header is not None and only_header:
        yield ", ".join(filter(None, header))


def _row(header: list[str] | None, row: list[str]) -> str:
    if header is None:
        return ", ".join(filter(None, row))
    names = header + [""] * (len(row) - len(header))
    return "; ".join(
        f"{name}: {value}" if name else value
        for name, value in zip(names, row, strict=False)
        if value
    )


def _is_header(row: list[str]) -> bool:
    """Whether a row looks like column names: several cells, no repetition, no numbers."""
    names = [name for name in row if name]
    return (
        len(names) == len(set(names))
        and (len(names) > 1 or len(row) == 1)
        and not any(_is_number(name) for name in names)
    )


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "").rstrip("%"))
    except ValueError:
        return False
    return True


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return " ".join(str(value).split())
