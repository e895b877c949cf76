"""What a machine can do with a base model: chat with it and train it, and at which length.

Estimated from the model's configuration and the size of its files before anything is loaded, so
that a list, or a download, can tell. Where a run has measured more, that counts
(`library/measured_memory.py`). No MLX here: the window shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlx_backend.library.abilities import Abilities
from mlx_backend.library.measured_memory import Measured
from mlx_backend.library.this_machine import Machine

TRAIN_LENGTHS = (512, 256)
"""Tokens of the longest piece of text in training: usually, and where memory is short."""

SHORTEST_CHAT = 2048
"""Tokens of prompt and answer together that a chat about notes needs."""

ADAPTER_RANK = 16

# Bytes of a number: of the weights and of all that is computed on the CPU; and of what is computed
# on a GPU, where the weights stay as they are stored.
_FLOAT32, _HALF = 4, 2
# What MLX queues ahead of a GPU (`accelerator.bound_run_ahead`).
_RUN_AHEAD = 2 * 10**9
# An adapter in training: its factors, their gradients and the two moments of Adam, in float32.
_ADAPTER_COPIES = 4
# Numbers that a layer computes at each position, beside its MLP and its attention, by its width.
# Measured with models of 0.1 to 1.2 billion parameters (tests/mlx_backend/library/test_model_fit).
_OF_WIDTH, _OF_MLP = 7, 4
_LOSS_CHUNK = 32
_CHUNK_COPIES = 8
# Of a prompt, so many tokens are computed at once; scores and what is made of them, on the CPU.
_PREFILL, _SCORE_COPIES = 512, 8


@dataclass(frozen=True)
class Figures:
    """What of a model's configuration its need of memory depends on.

    weight_bytes: of its files. attention_layers: layers that keep keys and values of each token.
    intermediate_size: the width of an MLP as one token uses it: of all the experts that it goes
    through. expert_share: how many times as many experts there are, 1 where there are none.
    context: 0 where it is not said. bytes_in_memory: of the weights as a trial loaded them on such
    a machine, 0 where none did.
    """

    parameters: int
    weight_bytes: int
    layers: int
    attention_layers: int
    hidden_size: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate_size: int
    vocabulary: int
    context: int
    expert_share: float = 1.0
    bytes_in_memory: int = 0


@dataclass(frozen=True)
class Fit:
    """What a machine can do with a model.

    chat_tokens: the longest conversation, question, notes and answer together. train_tokens: the
    longest piece of text that is learned as one: 512, 256, or 0 where it cannot be trained.
    chat_bytes: the memory of a chat of 2,048 tokens: weights, keys and values, and what is computed
    at once. train_bytes: the memory of a training step in the way that takes the least: weights,
    adapter with its optimizer, and what the backward pass keeps. is_measured: whether train_bytes
    comes from a run on this machine.
    """

    chats: bool
    trains: bool
    chat_tokens: int
    train_tokens: int
    chat_bytes: int
    train_bytes: int
    is_measured: bool = False


UNKNOWN_FIT = Fit(
    chats=False, trains=False, chat_tokens=0, train_tokens=0, chat_bytes=0, train_bytes=0
)
"""For where nobody asked."""


def fit_of(
    figures: Figures,
    machine: Machine,
    measured: Measured | None = None,
    abilities: Abilities | None = None,
) -> Fit:
    """What a machine can do with a model.

    abilities: what its trial found; the bytes of its weights in memory count where that was on the
    same kind of machine, with a GPU or without.
    measured: what a training of this model took on this machine; None where there was none yet. It
    takes the place of the estimate, unless it must come from another machine, whose weights took
    less; or could take less itself, and there is no room for what it took.
    """
    if abilities is not None and (abilities.tried_with[-1:] == ("gpu",)) is machine.has_gpu:
        figures = replace(figures, bytes_in_memory=abilities.bytes_in_memory)
    chat_bytes = _chat_bytes(figures, machine, _shortest_chat(figures))
    chat_tokens = _chat_tokens(figures, machine)
    if measured is not None and _counts(measured, figures, machine):
        need = measured.peak_bytes
        length = measured.longest_row if need <= machine.room else 0
        return Fit(chat_tokens > 0, length > 0, chat_tokens, length, chat_bytes, need, True)
    needs = {length: _train_bytes(figures, machine, length) for length in TRAIN_LENGTHS}
    length = next((length for length, need in needs.items() if need <= machine.room), 0)
    train_bytes = needs[length or TRAIN_LENGTHS[-1]]
    return Fit(chat_tokens > 0, length > 0, chat_tokens, length, chat_bytes, train_bytes)


def weights_in_memory(parameters: int, weight_bytes: int, has_gpu: bool) -> int:
    """The bytes of a model's weights in memory: as in its files on a GPU, else as float32."""
    return weight_bytes if has_gpu else parameters * _FLOAT32


def _counts(measured: Measured, figures: Figures, machine: Machine) -> bool:
    is_from_here = measured.peak_bytes > _weights(figures, machine)
    is_least = measured.longest_row <= TRAIN_LENGTHS[-1]
    return is_from_here and (is_least or measured.peak_bytes <= machine.room)


def _shortest_chat(figures: Figures) -> int:
    return min(figures.context or SHORTEST_CHAT, SHORTEST_CHAT)


def _chat_tokens(figures: Figures, machine: Machine) -> int:
    """The most tokens that fit, up to the model's context; 0 where not even the shortest does."""
    left = machine.room - _chat_bytes(figures, machine, 0)
    fitting = left // max(1, _bytes_of_a_token(figures, machine))
    if fitting < _shortest_chat(figures):
        return 0
    return min(fitting, figures.context) if figures.context else fitting


def _chat_bytes(figures: Figures, machine: Machine, tokens: int) -> int:
    at_once = _PREFILL * _numbers_of_a_position(figures) * _width(machine)
    logits = figures.vocabulary * _FLOAT32 * _CHUNK_COPIES
    cached = tokens * _bytes_of_a_token(figures, machine)
    return _weights(figures, machine) + at_once + logits + cached


def _bytes_of_a_token(figures: Figures, machine: Machine) -> int:
    """Keys and values of a token, and its scores with all that is computed at once.

    On a GPU the scores are never in memory as a whole.
    """
    kept = 2 * figures.attention_layers * figures.kv_heads * figures.head_size
    scores = 0 if machine.has_gpu else _SCORE_COPIES * figures.heads * _PREFILL
    return (kept + scores) * _width(machine)


def _train_bytes(figures: Figures, machine: Machine, length: int) -> int:
    """The memory of a step of rows of `length` tokens with gradient checkpointing of each layer."""
    kept = figures.layers * length * figures.hidden_size
    of_a_layer = length * (_numbers_of_a_position(figures) + figures.heads * length)
    computed = (kept + of_a_layer) * _width(machine)
    adapter = _adapter_parameters(figures) * _FLOAT32 * _ADAPTER_COPIES
    need = _weights(figures, machine) + computed + adapter + _loss_bytes(figures, machine)
    return need + (_RUN_AHEAD if machine.has_gpu else 0)


def _loss_bytes(figures: Figures, machine: Machine) -> int:
    """The logits of a chunk of targets; on the CPU also a copy of the head, for its gradient."""
    logits = _LOSS_CHUNK * figures.vocabulary * _FLOAT32 * _CHUNK_COPIES
    head = 0 if machine.has_gpu else figures.vocabulary * figures.hidden_size * _FLOAT32
    return logits + head


def _numbers_of_a_position(figures: Figures) -> int:
    return _OF_WIDTH * figures.hidden_size + _OF_MLP * figures.intermediate_size


def _adapter_parameters(figures: Figures) -> int:
    """Of an adapter on every linear layer, experts included."""
    width, queries = figures.hidden_size, figures.heads * figures.head_size
    keys = figures.kv_heads * figures.head_size
    attention = 2 * (width + queries) + 2 * (width + keys)
    mlp = 3 * (width + figures.intermediate_size) * figures.expert_share
    return int(ADAPTER_RANK * figures.layers * (attention + mlp))


def _weights(figures: Figures, machine: Machine) -> int:
    estimated = weights_in_memory(figures.parameters, figures.weight_bytes, machine.has_gpu)
    return figures.bytes_in_memory or estimated


def _width(machine: Machine) -> int:
    """Bytes of a number that is computed."""
    return _HALF if machine.has_gpu else _FLOAT32
