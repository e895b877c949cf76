"""What a safetensors file says of its tensors, read without reading the tensors.

Format: the length of the header in eight bytes, the header as JSON, then the tensors' bytes
(github.com/huggingface/safetensors).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import msgspec

LARGEST_HEADER = 32 << 20
"""Bytes. The format allows three times that, but real headers take 100 kB."""

_LENGTH_BYTES = 8
_MOST_TENSORS = 200_000
_MOST_DIMENSIONS, _LONGEST_DIMENSION = 8, 2**31 - 1  # as MLX has them
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file; its bytes lie from `begin` to `end`, counted from the header's end."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name.

    Raises ValueError where the file is not exactly what its header says: too short or too long, a
    header that is too large or no JSON, tensors that overlap, have room between them, or whose
    bytes do not fit their shape.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > min(LARGEST_HEADER, size - _LENGTH_BYTES):
            raise ValueError(f"{path.name}: a header of {length} bytes in a file of {size}")
        header = _decoded(path, file.read(length))
    tensors = {name: _tensor(path, name, said) for name, said in header.items()}
    _check_places(path, tensors, size - _LENGTH_BYTES - length)
    return tensors


def _decoded(path: Path, data: bytes) -> dict[str, _Said]:
    count = data.count(b'"data_offsets"')
    if count > _MOST_TENSORS:
        raise ValueError(f"{path.name}: the header has more tensors than any model's")
    try:
        rows = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        rows.pop("__metadata__", None)
        header = {name: _tensor_decoder.decode(row) for name, row in rows.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name}: the header is not what it should be: {error}") from error
    # The decoder keeps the last of two with the same name, and so would whoever loads the file.
    if len(header) != count:
        raise ValueError(f"{path.name}: the header has two tensors of the same name")
    return header


def _tensor(path: Path, name: str, said: _Said) -> Tensor:
    begin, end = said.data_offsets
    if len(said.shape) > _MOST_DIMENSIONS or max((0, *said.shape)) > _LONGEST_DIMENSION:
        raise ValueError(f"{path.name}: {name}: its shape is larger than any that can be loaded")
    tensor = Tensor(said.dtype, said.shape, begin, end)
    bits = tensor.elements * _BITS.get(said.dtype, 0)
    if min((0, *said.shape)) < 0 or bits != 8 * (end - begin):
        raise ValueError(f"{path.name}: {name}: {end - begin} bytes for {said.dtype}{said.shape}")
    return tensor


class _Said(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


_tensor_decoder = msgspec.json.Decoder(_Said)


def _check_places(path: Path, tensors: dict[str, Tensor], room: int) -> None:
    before = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != before:
            raise ValueError(f"{path.name}: {name} does not begin where the tensor before it ends")
        before = tensor.end
    if before != room:
        raise ValueError(f"{path.name}: {room} bytes where the header has {before}")
