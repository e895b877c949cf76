"""Llama in NumPy, straight from a GGUF file: a second reading, to hold the engine's against.

It follows llama.cpp: rotary positions turn neighbouring rows of queries and keys as the file has
them, so nothing here knows of the order that Hugging Face and MLX want. Nothing of the engine and
nothing of MLX is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class NumpyLlama:
    """Tensors by GGUF's names, and the shape of the model."""

    tensors: dict[str, Array]
    blocks: int
    heads: int
    key_heads: int
    rope_base: float
    epsilon: float

    @classmethod
    def read(cls, path: Path) -> NumpyLlama:
        """Read and dequantise the whole file."""
        reader = GGUFReader(path)

        def number(key: str) -> float:
            return float(reader.fields[f"llama.{key}"].contents())

        return cls(
            tensors={t.name: dequantize(t.data, t.tensor_type) for t in reader.tensors},
            blocks=int(number("block_count")),
            heads=int(number("attention.head_count")),
            key_heads=int(number("attention.head_count_kv")),
            rope_base=number("rope.freq_base"),
            epsilon=number("attention.layer_norm_rms_epsilon"),
        )

    def logits(self, ids: list[int]) -> Array:
        """The logits (tokens, vocabulary)."""
        embedding = self.tensors["token_embd.weight"]
        x = embedding[ids]
        for number in range(self.blocks):
            x = x + self._attention(number, self._norm(x, f"blk.{number}.attn_norm"))
            x = x + self._feed_forward(number, self._norm(x, f"blk.{number}.ffn_norm"))
        result: Array = self._norm(x, "output_norm") @ embedding.T
        return result

    def _norm(self, x: Array, name: str) -> Array:
        scale = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + self.epsilon)
        result: Array = x * scale * self.tensors[f"{name}.weight"]
        return result

    def _linear(self, x: Array, name: str) -> Array:
        result: Array = x @ self.tensors[f"{name}.weight"].T
        return result

    def _attention(self, number: int, x: Array) -> Array:
        block, length = f"blk.{number}", len(x)
        queries = self._linear(x, f"{block}.attn_q").reshape(length, self.heads, -1)
        keys = self._linear(x, f"{block}.attn_k").reshape(length, self.key_heads, -1)
        values = self._linear(x, f"{block}.attn_v").reshape(length, self.key_heads, -1)
        queries, keys = self._rotate(queries), self._rotate(keys)
        mixed = np.empty_like(queries)
        future = np.triu(np.full((length, length), -np.inf, np.float32), 1)
        for head in range(self.heads):
            group = head * self.key_heads // self.heads
            scores = queries[:, head] @ keys[:, group].T / np.sqrt(queries.shape[-1]) + future
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            mixed[:, head] = weights / weights.sum(-1, keepdims=True) @ values[:, group]
        return self._linear(mixed.reshape(length, -1), f"{block}.attn_output")

    def _rotate(self, x: Array) -> Array:
        """Turn each pair of neighbours by the angle of its position."""
        width = x.shape[-1]
        rates = self.rope_base ** (-np.arange(0, width, 2) / width)
        angles = (np.arange(len(x))[:, None] * rates)[:, None, :]
        cosine, sine = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = np.empty_like(x)
        turned[..., 0::2] = even * cosine - odd * sine
        turned[..., 1::2] = even * sine + odd * cosine
        return turned

    def _feed_forward(self, number: int, x: Array) -> Array:
        gate = self._linear(x, f"blk.{number}.ffn_gate")
        up = self._linear(x, f"blk.{number}.ffn_up")
        return self._linear(gate / (1 + np.exp(-gate)) * up, f"blk.{number}.ffn_down")
