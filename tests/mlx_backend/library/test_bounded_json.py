from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from mlx_backend.library.bounded_json import read_object


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def test_an_object(path: Path) -> None:
    path.write_text('{"a": [1, "[[{{\\"", null], "b": {"c": 1.5}}', encoding="utf-8")
    assert read_object(path) == {"a": [1, '[[{{"', None], "b": {"c": 1.5}}


def test_infinity_is_written_by_python(path: Path) -> None:
    path.write_text('{"time_step_limit": [0.0, Infinity]}')
    assert read_object(path) == {"time_step_limit": [0.0, math.inf]}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Expecting value"),
        (b"[]", "no JSON object"),
        (b'{"a": 1, "a": 2}', "two values"),
        (b'{"b": {"a": 1, "a": 1}}', "two values"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": "\xff"}', "utf-8"),
        ('{"a": 1}'.encode("utf-16"), "utf-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"[" * 200_000, "deep"),
        (b'{"a":' * 65, "deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
        (b'{"a": "' + b"x" * 3000 + b'"}', "larger than"),
    ],
)
def test_what_is_refused(path: Path, data: bytes, why: str) -> None:
    path.write_bytes(data)
    with pytest.raises(ValueError, match=why):
        read_object(path, 2000 if why == "larger than" else 1 << 20)


@pytest.mark.parametrize("piece", [b'"\\', b"\\", b'"', b'"a":', b"{}", b"\\u"])
def test_no_text_takes_long(path: Path, piece: bytes) -> None:
    path.write_bytes(b'{"a": "' + piece * (1 << 19))
    began = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        read_object(path)
    assert time.process_time() - began < 5
