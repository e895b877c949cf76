"""Jupyter notebooks: the text as it is, code in fences, and the printed output.

Format: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import re

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.text import one_line

_HEADING = re.compile(r"^#\s+(.+)$", re.MULTILINE)
_LONGEST_OUTPUT = 5_000
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif", "png", "jpeg", "svg")


def is_notebook(value: object) -> bool:
    """Whether a JSON value is a notebook."""
    return (
        isinstance(value, dict)
        and "nbformat" in value
        and ("cells" in value or "worksheets" in value)
    )


def read_notebook(source: SourceFile, value: object) -> list[Document]:
    """One document. Raises SkippedFile when it has no text."""
    assert isinstance(value, dict)
    metadata = _mapping(value.get("metadata"))
    language = str(_mapping(metadata.get("language_info")).get("name", ""))
    losses = Losses()
    blocks = [block for cell in _cells(value) if (block := _cell(cell, language, losses))]
    if not blocks:
        raise SkippedFile("The notebook has no text")
    text = "\n\n".join(blocks) + "\n"
    heading = _HEADING.search(text)
    title = str(metadata.get("title") or "") or (heading[1] if heading else "")
    return [
        Document(
            title=one_line(title) or source.stem,
            text=text,
            kind="notebook",
            left_out=in_words(losses),
        )
    ]


def _cells(value: dict[str, object]) -> list[dict[str, object]]:
    cells = value.get("cells")
    if cells is None:  # version 3
        sheets = value.get("worksheets")
        found = [_mapping(s).get("cells") for s in sheets] if isinstance(sheets, list) else []
        cells = [cell for each in found if isinstance(each, list) for cell in each]
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _cell(cell: dict[str, object], language: str, losses: Losses) -> str:
    text = _text(cell.get("source", cell.get("input", ""))).strip("\n")
    if cell.get("cell_type") != "code":
        losses["picture"] += len(_mapping(cell.get("attachments")))
        return text
    outputs = cell.get("outputs")
    outputs = [o for o in outputs if isinstance(o, dict)] if isinstance(outputs, list) else []
    if not text.strip():
        losses["orphaned output"] += len(outputs)
        return ""
    printed = "".join(_output(output, losses) for output in outputs).strip("\n")
    if len(printed) > _LONGEST_OUTPUT:
        losses["shortened output"] += 1
    result = printed[:_LONGEST_OUTPUT]
    code = f"```{language}\n{text}\n```"
    return f"{code}\n\n```\n{result}\n```" if result else code


def _output(output: dict[str, object], losses: Losses) -> str:
    data = _mapping(output.get("data")) or output  # version 3 has no separate field for the data
    pictures = sum(kind in data for kind in _PICTURES)
    losses["picture"] += pictures
    if output.get("output_type") in ("error", "pyerr"):
        losses["traceback"] += 1
        return ""
    text = _text(output.get("text") or data.get("text/plain") or "")
    if not text and not pictures:
        losses["other output"] += 1
    return text


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(str(line) for line in value)
    return str(value)


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
