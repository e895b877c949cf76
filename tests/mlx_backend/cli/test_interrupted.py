"""Ctrl-C: every command ends with one JSON object about it, and with exit code 130."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from mlx_backend.cli.arguments import build_parser
from mlx_backend.library import Library

WORDS: dict[str, tuple[str, ...]] = {
    "import": (".",),
    "train": ("--name", "x"),
    "resume": ("x",),
    "exam": ("x.tsv",),
    "remove": ("x",),
    "rename": ("x", "y"),
    "privacy": ("x",),
    "export": ("x", "--to", "y"),
    "receive": ("x", "--name", "y"),
    "merge": ("x", "y"),
    "publish": ("x", "y"),
    "download": ("x/y",),
    "adopt": ("x",),
    "pause": ("x",),
    "stop": ("x",),
}
"""What each command needs at least, by its name."""

# A fork for each command, which gets the signal when the command's own code begins.
EACH = """
import os, signal, sys
from mlx_backend.cli.main import main

def on_event(event, values):
    if event == "exec" and values[0].co_filename.endswith(armed):
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
for line in sys.stdin.read().splitlines():
    armed, *words = line.split()
    child = os.fork()
    if not child:
        sys.addaudithook(on_event)
        code = main([*words, "--json"])
        print("code", code, flush=True)
        os._exit(code)
    _, status = os.waitpid(child, 0)
"""


def commands() -> dict[str, str]:
    """The module of each command, by the command's name."""
    actions = build_parser()._actions
    (found,) = (each for each in actions if isinstance(each, argparse._SubParsersAction))
    return {name: parser.get_default("run")[0] for name, parser in found.choices.items()}


def told(output: str) -> list[list[str]]:
    """The lines of standard output of each command."""
    return [each.splitlines() for each in output.split("code 130\n")[:-1]]


def test_every_command_tells_that_it_was_interrupted(library: Library) -> None:
    lines = [
        f"/cli/{module}.py {name} {' '.join(WORDS.get(name, ()))}"
        for name, module in commands().items()
    ]
    done = subprocess.run(
        [sys.executable, "-c", EACH],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    found = told(done.stdout)
    assert len(found) == len(lines) > 25
    for output in found:
        (line,) = output
        error = json.loads(line)["error"]
        assert error["kind"] == "interrupted"
        assert error["message"]
        assert error["hint"]
    assert "Traceback" not in done.stderr
