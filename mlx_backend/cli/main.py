"""The entry point of `overnight`: runs a command, and turns its outcome into an exit code."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

from mlx_backend.cli.arguments import build_parser
from mlx_backend.cli.command_parser import WrongUsage
from mlx_backend.cli.console import Console
from mlx_backend.cli.printing import (
    discard_output,
    fill_closed_streams,
    nobody_reads,
    print_whatever_comes,
)
from mlx_backend.errors import ErrorKind, OvernightError, from_exception

DONE, FAILED, INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; without one, open the window. Returns the exit code."""
    fill_closed_streams()
    print_whatever_comes()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words:
        return _open_window()
    try:
        options = _options(words)
        return _run(options, Console(as_json=options.json))
    except KeyboardInterrupt as interruption:
        return _tell_interrupted(Console(as_json="--json" in words), interruption)
    except WrongUsage as error:
        _tell_wrong_usage(error, as_json="--json" in words)
        raise
    except BrokenPipeError:
        return DONE  # the reader of our output, such as `head`, has closed the pipe
    finally:
        discard_output()


def _run(options: argparse.Namespace, console: Console) -> int:
    try:
        module_name, function_name = options.run
        command = getattr(import_module(f"mlx_backend.cli.{module_name}"), function_name)
        _tell_of_damage(console)
        console.finish(command(options, console))
    except KeyboardInterrupt as interruption:
        return _tell_interrupted(console, interruption)
    except SystemExit:
        raise
    except Exception as error:
        if isinstance(error, BrokenPipeError) and nobody_reads():
            raise
        return _fail(console, from_exception(error))
    return DONE


def _tell_of_damage(console: Console) -> None:
    """If the settings file is damaged, set it aside and say where it is kept."""
    from mlx_backend.library.home import Library
    from mlx_backend.settings import mend_settings

    sentence = mend_settings(Library(Library.default_home()).settings)
    if sentence:
        console.note(sentence)


def _options(words: list[str]) -> argparse.Namespace:
    parser = build_parser()
    options = parser.parse_args(words)
    if options.command is None:
        parser.error("a command is missing")
    return options


def _tell_wrong_usage(error: WrongUsage, as_json: bool) -> None:
    print(f"{error.usage}{error.prog}: error: {error.message}", file=sys.stderr)
    if as_json:
        hint = f"`{error.prog} --help` shows the usage."
        Console(as_json=True).report(OvernightError(ErrorKind.WRONG_USAGE, error.message, hint))


def _tell_interrupted(console: Console, interruption: KeyboardInterrupt) -> int:
    """Say that a command was interrupted; what the exception says is what to do next."""
    hint = str(interruption) or "Start it again. What was saved before is kept."
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more Ctrl-C would cut this off
    try:
        console.note("Interrupted.")
        message = "The command was interrupted before its end."
        console.report(OvernightError(ErrorKind.INTERRUPTED, message, hint))
    except BrokenPipeError:
        raise
    except OSError:
        pass  # nowhere to print to
    finally:
        signal.signal(signal.SIGINT, before)
    return INTERRUPTED


def _fail(console: Console, error: OvernightError) -> int:
    log = ""
    if error.detail:
        log = _log_detail(error)
    try:
        console.fail(error, log)
    except BrokenPipeError:
        raise
    except OSError:
        pass  # nowhere to print to, for example on a full disk, which may be the error itself
    return FAILED


def _log_detail(error: OvernightError) -> str:
    """Append the technical detail of an error to the log; returns its path, "" on failure."""
    import time

    from mlx_backend.library.home import Library
    from mlx_backend.private_data.masking import mask
    from mlx_backend.private_data.scan import find_secrets

    path = Library(Library.default_home()).logs / "overnight.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="replace") as log:
            entry = f"{error.message}\n{error.detail}\n"
            log.write(f"{time.strftime('%F %T')} {mask(entry, find_secrets(entry))}")
    except OSError:
        return ""  # the error to report may be a full disk
    return str(path)


def _open_window() -> int:
    if sys.platform == "linux" and not _has_display():
        print(
            "There is no display here, so the window cannot open. `overnight --help` lists the"
            " commands that work in a terminal; `overnight demo` shows them on sample notes.",
            file=sys.stderr,
        )
        return FAILED
    try:
        with _ctrl_c_waits():  # PySide crashes when Ctrl-C interrupts its import
            # The only place where the engine imports the window.
            from app.main import main as window
        return window(sys.argv[:1])
    except KeyboardInterrupt:  # before the window handles signals itself
        return INTERRUPTED


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _has_display() -> bool:
    import os

    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return any(os.environ.get(name) for name in names)
