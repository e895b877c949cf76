"""`overnight chat` with a stand-in for the model, in a process of its own.

It answers with how many turns there are and with the question; "slowly" goes on until it is
stopped, "fail" fails, "stubborn" does not hear that it is to stop. It loads no model library: that
takes more than a second each time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from mlx_backend.cli import chat, piped
from mlx_backend.cli.main import main
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.listener import Listener
from mlx_backend.protocol import Sampling, Turn


@dataclass(frozen=True)
class Answer:
    """What the commands read of a model's answer."""

    text: str
    ended: str
    prompt_tokens: int = 1
    cached_tokens: int = 0
    generated_tokens: int = 1
    ttft_ms: float = 1.0
    tokens_per_second: float = 1.0
    left_out: int = 0
    thoughts: str = ""


class Echo:
    """What the commands use of a ChatModel."""

    info = SimpleNamespace(reads=True)

    def answer(
        self,
        turns: Sequence[Turn],
        sampling: Sampling,
        listener: Listener,
    ) -> Answer:
        on_text, cancelled = listener.on_text, listener.cancelled
        text = f"[{len(turns)}] {turns[-1].text!r} of {len(turns[-1].text)}"
        if "fail" in turns[-1].text:
            raise OvernightError(ErrorKind.BAD_INPUT, "That is too long.", "Ask for less.")
        on_text(text)
        while "slowly" in turns[-1].text and not cancelled():
            time.sleep(0.02)
        if "stubborn" in turns[-1].text:
            while not cancelled():
                time.sleep(0.02)
            on_text(" not now")
            time.sleep(600)
        return Answer(text, "cancelled" if cancelled() else "stop")


if __name__ == "__main__":
    piped.PATIENCE_S = 0.5
    chat._load = lambda *_: Echo()  # type: ignore[assignment]
    sys.exit(main(["chat", *sys.argv[1:]]))
