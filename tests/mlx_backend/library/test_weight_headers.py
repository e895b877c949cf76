from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlx_backend.library.weight_headers import LARGEST_HEADER, Tensor, read_header


def write(path: Path, header: object, room: int = 8, length: int | None = None) -> Path:
    data = json.dumps(header).encode()
    size = len(data) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + data + bytes(room))
    return path


def tensor(shape: list[int], begin: int, end: int, dtype: str = "F16") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_what_a_header_says(path: Path) -> None:
    header = {"__metadata__": None, "a": tensor([2], 4, 8), "b": tensor([1, 2], 0, 4)}
    assert read_header(write(path, header)) == {
        "a": Tensor("F16", (2,), 4, 8),
        "b": Tensor("F16", (1, 2), 0, 4),
    }


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": None},
        {"a": {}},
        {"a": tensor([4], 0, 8) | {"dtype": "F7"}},
        {"a": tensor([2**60, 2**60], 0, 8)},
        {"a": tensor([-4], 0, 8)},
        {"a": tensor([-2, -2], 0, 8)},
        {"a": tensor([4], 8, 0)},
        {"a": tensor([4], 0, 8), "b": tensor([2], 4, 8)},
        {"a": tensor([4], -8, 0)},
        {"a": tensor([2], 0, 4)},
        {"a": tensor([8], 0, 16)},
        {},
    ],
)
def test_headers_that_lie(path: Path, header: object) -> None:
    with pytest.raises(ValueError, match=path.name):
        read_header(write(path, header))


@pytest.mark.parametrize("length", [10_000, LARGEST_HEADER + 1, 2**63, 2**64 - 1, 1])
def test_headers_of_a_wrong_length(path: Path, length: int) -> None:
    with pytest.raises(ValueError, match=path.name):
        read_header(write(path, {"a": tensor([4], 0, 8)}, length=length))


def test_a_header_that_is_too_deep(path: Path) -> None:
    data = b"[" * 100_000
    path.write_bytes(len(data).to_bytes(8, "little") + data)
    with pytest.raises(ValueError, match="header"):
        read_header(path)


def test_an_empty_file(path: Path) -> None:
    path.touch()
    with pytest.raises(ValueError, match=path.name):
        read_header(path)
