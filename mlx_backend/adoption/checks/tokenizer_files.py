"""Whether a tokenizer and a chat template are there, of a sensible size, and fit the weights.

Nothing is loaded or rendered here: that is for the process of the trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from mlx_backend.adoption.checks.configuration import read_fields
from mlx_backend.models.hub.wanted import no_model

LONGEST_TEMPLATE = 256 << 10
"""Characters; the longest of a known model has a tenth of that."""

TOKENIZER = "tokenizer.json"

_LARGEST_TOKENIZER = 64 << 20  # bytes; the largest known has half of that
_LARGEST_SETTINGS = 8 << 20  # bytes of tokenizer_config.json, which can repeat all control tokens
_MOST_TOKENS = 1 << 20
_LARGEST_ID = (1 << 31) - 1
_SETTINGS, _TEMPLATE_JSON, _TEMPLATE = (
    "tokenizer_config.json",
    "chat_template.json",
    "chat_template.jinja",
)
_SMALL = ("generation_config.json", "special_tokens_map.json", "added_tokens.json")


def check_tokenizer_files(name: str, folder: Path) -> None:
    """Check tokenizer, its settings and chat template of the model `name`, which are in `folder`.

    Raises OvernightError where one is missing, damaged or far too large.
    """
    if not (folder / TOKENIZER).exists():
        raise no_model(name, "It has no tokenizer (tokenizer.json).")
    largest_id(name, folder)
    settings = _read_if_there(name, folder / _SETTINGS, _LARGEST_SETTINGS)
    for file in _SMALL:
        _read_if_there(name, folder / file)
    templates = [text for said in _templates(name, folder, settings) for text in _texts(said)]
    if not templates and not isinstance(settings.get("chat_template_type"), str):
        raise no_model(name, "It has no chat template, so it cannot take part in a conversation.")
    if any(len(text) > LONGEST_TEMPLATE for text in templates):
        raise no_model(name, "Its chat template is far too long for what it is.")


def check_vocabulary(name: str, folder: Path, rows: int | None) -> None:
    """Raise OvernightError where the tokenizer has ids beyond the `rows` of the embedding.

    Control tokens may: some models of words alone kept the tokens of their siblings for images.
    """
    largest = largest_id(name, folder)
    if rows is not None and largest >= rows:
        raise no_model(
            name,
            f"Its tokenizer does not fit its weights: it has tokens up to number {largest:,}, and"
            f" the weights hold {rows:,}.",
        )


def largest_id(name: str, folder: Path) -> int:
    """The largest id of a token that a text can contain. Raises OvernightError where damaged."""
    path = folder / TOKENIZER
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_TOKENIZER + 1)
        if len(data) > _LARGEST_TOKENIZER:
            raise no_model(name, f"Its {TOKENIZER} is far too large for what it is.")
        said = msgspec.json.decode(data, type=_Tokenizer)
        ids = [*_vocabulary(said.model.vocab), *(t.id for t in said.added_tokens if not t.special)]
    except (ValueError, RecursionError, OSError) as error:
        raise no_model(name, f"Its tokenizer cannot be loaded ({str(error)[:120]}).") from error
    if not ids or min(ids) < 0 or max(ids) > _LARGEST_ID:
        raise no_model(name, "Its tokenizer cannot be loaded (its tokens have wrong numbers).")
    return max(ids)


def _vocabulary(raw: msgspec.Raw) -> list[int]:
    """The ids of a vocabulary: a table of tokens and ids, or a list in the ids' order."""
    data = bytes(raw)
    if data.startswith(b"{"):
        if data.count(b":") > 2 * _MOST_TOKENS:
            raise ValueError("it has more tokens than any model")
        return list(msgspec.json.decode(data, type=dict[str, int]).values())
    if data.count(b"[") > 2 * _MOST_TOKENS:
        raise ValueError("it has more tokens than any model")
    return list(range(len(msgspec.json.decode(data, type=list[tuple[str, float]]))))


def _read_if_there(name: str, path: Path, largest: int = 1 << 20) -> Mapping[str, object]:
    return read_fields(name, path, largest) if path.exists() else {}


def _templates(name: str, folder: Path, settings: Mapping[str, object]) -> Iterator[object]:
    """All that transformers may take for the chat template."""
    yield settings.get("chat_template")
    yield _read_if_there(name, folder / _TEMPLATE_JSON, 4 * LONGEST_TEMPLATE).get("chat_template")
    path = folder / _TEMPLATE
    if path.exists():
        try:
            with path.open("rb") as file:
                yield file.read(4 * LONGEST_TEMPLATE + 1).decode()
        except ValueError as error:
            raise no_model(name, f"Its {_TEMPLATE} is no UTF-8 text.") from error


def _texts(said: object) -> Iterator[str]:
    """The texts of a template: itself, or those of a list of several with their names."""
    if isinstance(said, str) and said.strip():
        yield said
    elif isinstance(said, list):
        for each in said:
            yield from _texts(each.get("template") if isinstance(each, dict) else None)
    elif isinstance(said, dict):
        for each in said.values():
            yield from _texts(each if isinstance(each, str) else None)


class _Added(msgspec.Struct):
    id: int
    special: bool = False


class _Model(msgspec.Struct):
    vocab: msgspec.Raw


class _Tokenizer(msgspec.Struct):
    model: _Model
    added_tokens: list[_Added] = []
