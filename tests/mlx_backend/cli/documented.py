"""Whether a command gives with --json what its help says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlx_backend.cli.json_fields import fields_of, inner_fields

_GO_ON = ("train", "download", "adopt")  # what a resumed job gives is what one of these gives


def check_fields(command: str, result: Mapping[str, Any]) -> None:
    """Fail where a field is not in the help of the command, or one that it promises is missing."""
    told = dict(fields_of(command))
    if told.pop("?", None):
        for other in _GO_ON:
            told |= {f"{name.rstrip('?')}?": text for name, text in fields_of(other).items()}
        told = {f"{name.rstrip('?')}?": text for name, text in told.items()}
    always = {name for name in told if not name.endswith("?")}
    known = {name.rstrip("?"): text for name, text in told.items()}
    assert always <= set(result) <= set(known), f"{command}: {sorted(result)}"
    for name, value in result.items():
        if inside := inner_fields(known[name]):
            for each in value if isinstance(value, list) else [value]:
                assert each is None or inside >= set(each), f"{command}, {name}: {sorted(each)}"
