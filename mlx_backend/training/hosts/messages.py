"""What the leading machine tells the others. All of it goes to all."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import mlx.core as mx
import msgspec

from mlx_backend.models.lora import LoraShape
from mlx_backend.training.memory_saving import Recomputed


class Meet(msgspec.Struct, frozen=True, kw_only=True, tag="meet"):
    """Load this base model and put an adapter of this shape on it; answer with what hinders."""

    version: str
    model: str
    sha256: str
    shape: LoraShape


class Take(msgspec.Struct, frozen=True, kw_only=True, tag="take"):
    """Take this adapter and this state of the optimizer over, whatever yours were."""

    recomputed: Recomputed
    adapter: bytes
    optimizer: bytes


class Share(msgspec.Struct, frozen=True, kw_only=True, tag="share"):
    """Take a step: each rank has its parts of a batch with so many `tokens` to learn in all.

    `random` seeds what is drawn (dropout), with the rank mixed in.
    """

    tokens: int
    rate: float
    random: int
    parts: tuple[tuple[bytes, ...], ...]


class Leave(msgspec.Struct, frozen=True, kw_only=True, tag="leave"):
    """There is no more to compute."""


Message = Meet | Take | Share | Leave

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """A message as bytes."""
    return _encoder.encode(message)


def decode(data: bytes) -> Message:
    """A message again. Raises msgspec.DecodeError when it is none of this version."""
    message: Message = _decoder.decode(data)
    return message


def pack(arrays: Mapping[str, mx.array]) -> bytes:
    """Named arrays as bytes, bit for bit."""
    file = io.BytesIO()
    mx.save_safetensors(file, dict(arrays))
    return file.getvalue()


def unpack(data: bytes) -> dict[str, mx.array]:
    """Named arrays again."""
    arrays = mx.load(io.BytesIO(data), format="safetensors")
    assert isinstance(arrays, dict)
    return arrays


def pack_part(arrays: Sequence[mx.array]) -> bytes:
    """The arrays of a part of a batch as bytes."""
    return pack({str(place): array for place, array in enumerate(arrays)})


def unpack_part(data: bytes) -> tuple[mx.array, ...]:
    """The arrays of a part again, in their order."""
    arrays = unpack(data)
    return tuple(arrays[str(place)] for place in range(len(arrays)))
