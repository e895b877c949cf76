"""The job process: `python -m mlx_backend.job FOLDER` does the job that the folder describes."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from mlx_backend import protocol
from mlx_backend.errors import OvernightError, from_exception
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library.adapters import find_adapter
from mlx_backend.library.home import Library
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.redacting import log_to_stderr, redact_output
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.protocol import (
    AdoptSpec,
    DownloadSpec,
    ExportSpec,
    ImportSpec,
    MergeSpec,
    PublishSpec,
    ReceiveSpec,
    TrainSpec,
)

_LOCK_PATIENCE_S = 2.0
_PROGRESS_EVERY_S = 0.1
_NICENESS = 5  # the window and the chat take precedence; on an idle machine this costs nothing

_ShortSpec = (
    ImportSpec | ExportSpec | DownloadSpec | AdoptSpec | ReceiveSpec | MergeSpec | PublishSpec
)

_log = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Do the job in the folder `arguments[0]`; returns 0 when done or stopped, 1 on failure."""
    # Closing the terminal must not end this process, nor the processes that it starts.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    log_to_stderr()
    folder = JobFolder(Path(arguments[0]).absolute())
    try:
        redact_output()
    except OSError as error:
        return _fail(folder, from_exception(error))
    lock = folder.lock()
    if not lock.acquire(_LOCK_PATIENCE_S):
        _log.warning("another process works on %s", folder.path)
        return 1
    try:
        return _work(folder)
    finally:
        lock.release()


def _work(folder: JobFolder) -> int:
    signalled = _signal_switch()
    try:
        folder.check_version()
        spec = folder.spec()
        if isinstance(spec, TrainSpec):
            return _supervise(folder, spec, signalled)
        os.nice(_NICENESS)
        folder.append(protocol.Started(pid=os.getpid()))
        result = _run(folder, spec, lambda: signalled() or folder.stop_requested())
    except BaseException as error:  # nothing else would catch it: record it in the folder
        return _fail(folder, from_exception(error))
    folder.append(protocol.Stopped() if result is None else protocol.Finished(result=result))
    if isinstance(spec, ImportSpec):
        _search_by_meaning(folder)
    return 0


def _search_by_meaning(folder: JobFolder) -> None:
    """Have the vectors of the imported notes computed, in a process that this one leaves behind."""
    from mlx_backend.importers.meaning import start_if_due

    try:
        start_if_due(Library(folder.home))
    except Exception:  # the import is done all the same
        _log.exception("search by meaning could not be prepared")


def _supervise(folder: JobFolder, spec: TrainSpec, signalled: Callable[[], bool]) -> int:
    from mlx_backend.jobs.hosts import training_command
    from mlx_backend.jobs.supervisor import Supervisor
    from mlx_backend.night.this_machine import services_of_this_machine

    library = Library.open(folder.home)
    machine = services_of_this_machine(library, folder, spec)
    command = training_command(folder, spec)
    end = Supervisor(folder, machine, leave=signalled, command=command).run()
    return 1 if isinstance(end, protocol.Failed) else 0


def _fail(folder: JobFolder, error: OvernightError) -> int:
    _log.error("%s\n%s", error.message, error.detail, exc_info=error)
    try:
        folder.append(protocol.Failed(error=report_of(error)))
    except OSError:
        _log.exception("the failure could not be recorded")
    return 1


def _run(
    folder: JobFolder,
    spec: _ShortSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    library = Library.open(folder.home)
    match spec:
        case ImportSpec():
            return _import(library, folder, spec, stop_requested)
        case ExportSpec():
            return _export(library, folder, spec, stop_requested)
        case DownloadSpec():
            from mlx_backend.adoption.download import download

            return download(library, folder, spec, stop_requested)
        case ReceiveSpec():
            return _receive(library, folder, spec, stop_requested)
        case MergeSpec():
            return _merge(library, folder, spec, stop_requested)
        case AdoptSpec():
            from mlx_backend.adoption.adopt import adopt

            return adopt(library, folder, spec, stop_requested)
        case PublishSpec():
            from mlx_backend.adapters.publishing import publish_adapter

            work = folder.path / "published"
            return publish_adapter(library, spec, work, folder.append, stop_requested)


def _export(
    library: Library,
    folder: JobFolder,
    spec: ExportSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
    from mlx_backend.jobs.paced_progress import PacedProgress

    folder.append(protocol.StageBegan(stage="exporting"))
    name = find_adapter(library.adapters, spec.adapter, spec.name).name
    order = ExportOrder(name, spec.format, Path(spec.to), spec.bits, spec.despite_pages)
    progress = PacedProgress(folder.append).show
    return export_adapter(
        library, order, stop_requested, progress, folder.append, asks_for_memory=True
    )


def _receive(
    library: Library,
    folder: JobFolder,
    spec: ReceiveSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    from mlx_backend.receiving.receive import ReceiveOrder, Watch, receive
    from mlx_backend.training.stop_requests import StoppedEarly

    def on_stage(stage: str) -> None:
        folder.append(protocol.StageBegan(stage=stage))

    order = ReceiveOrder(spec.source, spec.name, spec.model or None)
    try:
        watch = Watch(stop_requested, on_stage, tell=folder.append, asks_for_memory=True)
        return receive(library, order, watch)
    except StoppedEarly:
        return None


def _merge(
    library: Library,
    folder: JobFolder,
    spec: MergeSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    from mlx_backend.adapters.merging import merge
    from mlx_backend.jobs.lane import Turn
    from mlx_backend.training.stop_requests import StoppedEarly, check_of

    folder.append(protocol.StageBegan(stage="merging"))
    parts = [(part.name, part.weight) for part in spec.parts]
    try:
        turn = Turn(folder.append, check_of(stop_requested), asks_for_memory=True)
        return merge(library, spec.name, parts, spec.rank or None, turn)
    except StoppedEarly:
        return None


def _import(
    library: Library,
    folder: JobFolder,
    spec: ImportSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    from mlx_backend.importers.importing import import_into

    folder.append(protocol.StageBegan(stage="reading"))
    last = 0.0

    def on_progress(done: int, total: int, path: str) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= _PROGRESS_EVERY_S:
            last = time.monotonic()
            text = _masked(path)
            folder.append(protocol.Progress(done=done, total=total, unit="files", text=text))

    def on_curation(done: int, total: int) -> None:
        nonlocal last
        if not done:
            folder.append(protocol.StageBegan(stage="curating"))
        if done in (0, total) or time.monotonic() - last >= _PROGRESS_EVERY_S:
            last = time.monotonic()
            folder.append(protocol.Progress(done=done, total=total, unit="notes"))

    paths = [Path(path) for path in spec.paths]
    outcome = import_into(library, paths, on_progress, stop_requested, on_curation)
    outcome.skipped = [(_masked(path), reason) for path, reason in outcome.skipped]
    return None if outcome.stopped else outcome.as_result()


def _masked(path: str) -> str:
    """A path with its secrets masked: file names can contain some, and job folders must not."""
    return mask(path, find_secrets(path))


def _signal_switch() -> Callable[[], bool]:
    """A function that returns True once SIGTERM or SIGINT has arrived."""
    signalled = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal signalled
        signalled = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return lambda: signalled


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
