"""The messages of the leading machine to the others. Every message goes to all of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import mlx.core as mx
import msgspec

from mlx_backend.jobs.memory_ladder import Recomputed
from mlx_backend.models.lora import LoraShape


class Meet(msgspec.Struct, frozen=True, kw_only=True, tag="meet"):
    """Load this base model and put an adapter of this shape on it; the answer says what failed."""

    version: str
    model: str
    sha256: str
    shape: LoraShape


class Take(msgspec.Struct, frozen=True, kw_only=True, tag="take"):
    """Replace your adapter and the state of your optimizer by these.

    `recomputed` is what the backward pass recomputes from now on.
    """

    recomputed: Recomputed
    adapter: bytes
    optimizer: bytes


class Share(msgspec.Struct, frozen=True, kw_only=True, tag="share"):
    """Take a step: `parts` are each rank's parts of a batch, which has so many learned `tokens`.

    `rate` is the learning rate. `random` seeds the dropout, together with the rank.
    """

    tokens: int
    rate: float
    random: int
    parts: tuple[tuple[bytes, ...], ...]


class Leave(msgspec.Struct, frozen=True, kw_only=True, tag="leave"):
    """End: there is nothing more to compute."""


Message = Meet | Take | Share | Leave

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """A message as bytes."""
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """Read a message. Raises msgspec.DecodeError when this version knows no such message."""
    message: Message = _decoder.decode(data)
    return message


def pack(arrays: Mapping[str, mx.array]) -> bytes:
    """Named arrays as bytes, bit for bit."""
    file = io.BytesIO()
    mx.save_safetensors(file, dict(arrays))
    return file.getvalue()


def unpack(data: bytes) -> dict[str, mx.array]:
    """Read what `pack` wrote."""
    arrays = mx.load(io.BytesIO(data), format="safetensors")
    assert isinstance(arrays, dict)
    return arrays


def pack_part(arrays: Sequence[mx.array]) -> bytes:
    """The arrays of a part of a batch as bytes."""
    return pack({str(place): array for place, array in enumerate(arrays)})


def unpack_part(data: bytes) -> tuple[mx.array, ...]:
    """Read what `pack_part` wrote."""
    arrays = unpack(data)
    return tuple(arrays[str(place)] for place in range(len(arrays)))
