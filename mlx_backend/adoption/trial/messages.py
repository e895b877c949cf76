"""What the process of a trial, or of quantising, tells its parent: lines of JSON over a pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

import msgspec

from mlx_backend.adoption.trial.stages import StageName
from mlx_backend.library.abilities import Abilities, Quantised
from mlx_backend.training.trial import Trial

_LONGEST_LINE = 1 << 16
_LONGEST_TEXT = 4_000


class Began(msgspec.Struct, frozen=True, tag=True):
    """A stage has begun."""

    stage: StageName


class Asked(msgspec.Struct, frozen=True, tag=True):
    """So many questions of the reading exam have been asked, or hundredths are done, of so many."""

    done: int
    total: int


ProblemKind = Literal["bad_input", "no_memory", "disk_full"]
"""What stood in the way: the model itself, or what the machine has no room for now."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The model failed. message: a whole sentence; or else reason: it goes on after "but"."""

    message: str = ""
    reason: str = ""
    detail: str = ""
    hint: str = ""
    kind: ProblemKind = "bad_input"


class Passed(msgspec.Struct, frozen=True, tag=True):
    """The trial's result."""

    abilities: Abilities
    training: Trial


class Readable(msgspec.Struct, frozen=True, tag=True):
    """The tokenizer and the chat template passed; no more was tried."""


class Packed(msgspec.Struct, frozen=True, tag=True):
    """The weights are quantised, and what that cost."""

    quantised: Quantised


class AdapterFits(msgspec.Struct, frozen=True, tag=True):
    """An adapter fits the base model, answers, and is written in our form."""

    rank: int
    scale: float
    decomposed: bool
    embeddings: bool


Outcome = Refused | Passed | Readable | Packed | AdapterFits
"""With what a process ends."""

TrialReply = Began | Asked | Outcome


class Teller:
    """Writes replies to a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def tell(self, reply: TrialReply) -> None:
        """Write a reply. Raises OSError when the parent is gone."""
        line = msgspec.json.encode(reply) + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]


class ReplyStream:
    """Decodes replies from bytes as they arrive."""

    def __init__(self) -> None:
        self._buffer = b""
        self._decoder = msgspec.json.Decoder(TrialReply)

    def feed(self, data: bytes) -> Iterator[TrialReply]:
        """Take in more bytes; yields the replies that are complete.

        Raises msgspec.DecodeError for what is none, or is too long for one.
        """
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            yield self._decoder.decode(line)
        if len(self._buffer) > _LONGEST_LINE:
            raise msgspec.DecodeError("a reply is too long")


def shortened(text: str) -> str:
    """The end of a text, where libraries say what went wrong."""
    return text[-_LONGEST_TEXT:]
