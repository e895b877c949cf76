"""What fits this machine, as sentences for people.

Memory is counted as computers are sold: 1 GB is 2^30 bytes.
"""

from __future__ import annotations

from mlx_backend.catalogue.entries import recommended
from mlx_backend.library.model_fit import Fit
from mlx_backend.library.this_machine import Machine

_WORDS_OF_A_TOKEN = 0.75  # in English; fewer in most other languages


def fit_sentence(fit: Fit, machine: Machine) -> str:
    """What the machine can do with a model, how much memory that takes, and else what would fit."""
    if fit.trains:
        return (
            f"Fits: trains on up to about {in_words(fit.train_tokens)} words at a time,"
            f" and needs {memory(fit.train_bytes)} of your {memory(machine.memory_bytes)}"
            f"{', as measured here' if fit.is_measured else ''}."
        )
    if fit.chats:
        return (
            "Too large to train here; you can chat with it, which needs"
            f" {memory(fit.chat_bytes)} of your {memory(machine.memory_bytes)}."
            f" Training needs {memory(fit.train_bytes)}.{_instead(machine)}"
        )
    return (
        f"Too large: chatting needs {memory(fit.chat_bytes)}, and of the"
        f" {memory(machine.memory_bytes)} of this computer a model can have"
        f" {memory(machine.room)}.{_instead(machine)}"
    )


def fit_in_short(fit: Fit) -> str:
    """The same for a column: "trains", "chats" or "too large"."""
    if fit.trains:
        return "trains"
    return "chats" if fit.chats else "too large"


def in_words(tokens: int) -> str:
    """About how many words of English so many tokens are: two digits and zeros, "400"."""
    words = int(tokens * _WORDS_OF_A_TOKEN)
    unit = 10 ** max(0, len(str(words)) - (1 if words < 1000 else 2))
    return f"{round(words / unit) * unit:,}"


def memory(size: int) -> str:
    """An amount of memory: "5.1 GB", "16 GB"."""
    gib = size / 2**30
    return f"{gib:.1f} GB" if gib < 10 and f"{gib:.1f}"[-1] != "0" else f"{gib:.0f} GB"


def _instead(machine: Machine) -> str:
    entry = recommended(machine.memory_bytes, machine.has_gpu)
    return f" {entry.title} would fit." if entry is not None else ""
