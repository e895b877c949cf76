"""Adopts the folders that it is told of, one a line, and tells what happened and what it took.

`python checking_process.py HOME`: a line of stdin is JSON, a path and the bits to quantise to; the
line of stdout that answers it is JSON: `error` (kind and message; "" when accepted), `peak` (bytes
of memory above those at the start, the most so far), `seconds`, and `did` (what no check may do:
run, start or load something).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from mlx_backend.adoption.adopt import adopt
from mlx_backend.errors import from_exception
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.machine import accelerator
from mlx_backend.protocol import AdoptSpec

_STARTS = {
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system",
    "pty.spawn", "subprocess.Popen", "pickle.find_class", "socket.connect",
}  # fmt: skip
_ENDS = (".py", ".pyc", ".so", ".bin", ".pkl", ".pt", ".gguf")


class Watcher:
    """Notes what no check of a model may do."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.did: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in _STARTS:
            self.did.append(f"{event} {args[:1]!r}"[:200])
        elif event in ("open", "import", "compile", "exec"):
            what = getattr(args[-1 if event == "compile" else 0], "co_filename", args[0])
            text = os.fsdecode(what) if isinstance(what, str | bytes) else repr(what)
            is_harmless = event == "open" and not text.endswith(_ENDS)
            if self.folder in text and not is_harmless:
                self.did.append(f"{event} {text}"[:200])


def peak() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def main() -> None:
    accelerator.prepare()
    # What a check needs, so that its memory counts as there before.
    for name in ("mlx_lm.models.llama", "mlx_lm.utils", "tokenizers", "transformers"):
        import_module(name)
    library = Library.open(Path(sys.argv[1]))
    watcher, answers = Watcher(), os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    sys.addaudithook(watcher)
    before = peak()
    for line in sys.stdin:
        path, bits = json.loads(line)
        spec = AdoptSpec(path=path, bits=bits)
        job = JobFolder.create(library.jobs, spec)
        watcher.folder, watcher.did = path, []
        began, error = time.monotonic(), ["", ""]
        try:
            adopt(library, job, spec, lambda: False)
        except Exception as raised:
            told = from_exception(raised)
            error = [told.kind.value, told.message]
        watcher.folder = None
        seconds = time.monotonic() - began
        said = {"error": error, "peak": peak() - before, "did": watcher.did, "seconds": seconds}
        answers.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
