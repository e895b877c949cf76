"""The sentence model: texts of the same meaning get vectors of the same direction.

all-MiniLM-L6-v2 (Apache-2.0; https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), a BERT
of six layers for English, computed with NumPy: MLX's CPU build takes ten times longer. The set-up
installs the package that carries it by hash; only its data files are read, never its code, and only
while they have the hashes below.

The forward pass follows "BERT" (arXiv 1810.04805): after each layer the sum is normalised; the
vector of a text is the mean over its tokens, of length 1.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sha256_of_file
from mlx_backend.library.passage_vectors import SIZE
from mlx_backend.models.sentence_package import WEIGHTS

_TOKENIZER = "tokenizer.json"
_SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_MOST_TOKENS = 256  # what it was trained on
_MOST_CHARACTERS = 4000  # 256 tokens are about 1,100 letters of English
_AT_ONCE = 16

Floats = npt.NDArray[np.float32]


class SentenceModel:
    """The model in a folder; its weights stay in their file and are read as they are needed."""

    def __init__(self, folder: Path) -> None:
        """Raises OvernightError when a file is not the one that it should be."""
        for name, sha256 in _SHA256.items():
            if not (folder / name).is_file() or sha256_of_file(folder / name) != sha256:
                raise OvernightError(
                    ErrorKind.MODEL_DAMAGED,
                    "The installed sentence model is not the one that it should be.",
                    "Remove the folder .venv and run `make run` again to fetch it anew.",
                    f"{folder / name} has another hash",
                )
        self._weights = _tensors(folder / WEIGHTS)
        self._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MOST_TOKENS)

    def vectors(self, texts: Sequence[str]) -> Floats:
        """The vector of each text, (texts, SIZE), of length 1; of long texts of their beginning."""
        shown = [text[:_MOST_CHARACTERS] for text in texts]
        ids = [each.ids for each in self._tokenizer.encode_batch(shown)]
        found = np.zeros((len(texts), SIZE), np.float32)
        for chosen in _alike(ids):
            found[chosen] = self._forward([ids[i] for i in chosen])
        return found

    def _forward(self, rows: Sequence[Sequence[int]]) -> Floats:
        length = max(map(len, rows))
        ids = np.array([[*row, *[0] * (length - len(row))] for row in rows])
        is_text = np.array([[1.0] * len(row) + [0.0] * (length - len(row)) for row in rows])
        state = self._embedded(ids)
        hidden = np.where(is_text[:, None, None, :] > 0, 0.0, -1e9).astype(np.float32)
        for layer in range(_LAYERS):
            state = self._layer(state, hidden, f"encoder.layer.{layer}")
        weights = (is_text / is_text.sum(axis=1, keepdims=True)).astype(np.float32)
        mean = np.einsum("rth,rt->rh", state, weights)
        lengths: Floats = np.linalg.norm(mean, axis=1, keepdims=True)
        unit: Floats = (mean / np.maximum(lengths, 1e-9)).astype(np.float32)
        return unit

    def _embedded(self, ids: npt.NDArray[np.int64]) -> Floats:
        name = "embeddings.{}_embeddings.weight"
        words = self._weights[name.format("word")][ids]
        places = self._weights[name.format("position")][: ids.shape[1]]
        return self._normed(
            words + places + self._weights[name.format("token_type")][0], "embeddings.LayerNorm"
        )

    def _layer(self, state: Floats, hidden: Floats, name: str) -> Floats:
        """One layer: (rows, tokens, SIZE) in and out. `hidden` is added to the scores of keys."""
        attended = self._attention(state, hidden, f"{name}.attention.self")
        attended = self._linear(attended, f"{name}.attention.output.dense")
        state = self._normed(state + attended, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(state, f"{name}.intermediate.dense"))
        outer = self._linear(inner, f"{name}.output.dense")
        return self._normed(state + outer, f"{name}.output.LayerNorm")

    def _attention(self, state: Floats, hidden: Floats, name: str) -> Floats:
        rows, tokens, size = state.shape
        queries, keys, values = (
            self._linear(state, f"{name}.{kind}")
            .reshape(rows, tokens, _HEADS, size // _HEADS)
            .swapaxes(1, 2)
            for kind in ("query", "key", "value")
        )
        scores = queries @ keys.swapaxes(2, 3) / np.float32((size // _HEADS) ** 0.5) + hidden
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed: Floats = (scores / scores.sum(axis=-1, keepdims=True)) @ values
        return mixed.swapaxes(1, 2).reshape(rows, tokens, size)

    def _linear(self, state: Floats, name: str) -> Floats:
        flat = state.reshape(-1, state.shape[-1])
        out: Floats = flat @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return out.reshape(*state.shape[:-1], -1)

    def _normed(self, state: Floats, name: str) -> Floats:
        centred = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _EPSILON)
        out: Floats = (
            centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        )
        return out


def _alike(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """The indices of rows in batches of similar length, so that little is padded."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for first in range(0, len(order), _AT_ONCE):
        yield order[first : first + _AT_ONCE]


def _gelu(x: Floats) -> Floats:
    """GELU: x times the normal distribution's share below x; its error is under 3e-7.

    The error function by formula 7.1.26 of Abramowitz and Stegun, since NumPy has none.
    """
    size = np.abs(x) * np.float32(0.5**0.5)
    t = 1.0 / (1.0 + np.float32(0.3275911) * size)
    polynomial = t * np.float32(1.061405429) - np.float32(1.453152027)
    for constant in (1.421413741, -0.284496736, 0.254829592):
        polynomial *= t
        polynomial += np.float32(constant)
    polynomial *= t
    polynomial *= np.exp(-size * size)  # 1 - erf(size)
    half: Floats = x * polynomial * np.float32(0.5)
    return np.where(x >= 0, x - half, half)


def _tensors(file: Path) -> dict[str, Floats]:
    """The float32 tensors of a safetensors file, as views of the file.

    Format: https://huggingface.co/docs/safetensors. The file's hash is checked before.
    """
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(length))
    data = np.memmap(file, np.uint8, "r", offset=8 + length)
    return {
        name: data[slice(*entry["data_offsets"])].view(np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__" and entry["dtype"] == "F32"
    }
