"""The bin beside running jobs that need an item, and beside other processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapter_renaming import rename_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.bin.folders import FolderBin
from tests.mlx_backend.library import older
from tests.mlx_backend.library.test_adapters import put
from tests.mlx_backend.library.test_bin_folders import names


def test_what_a_run_needs_is_not_deleted(bin_: Bin, tiny_library: Library) -> None:
    put(tiny_library.adapters, "Garden")
    spec = protocol.TrainSpec(name="More", model="tiny", start_from="Garden")
    folder = JobFolder.create(tiny_library.runs, spec)
    lock = folder.lock()
    assert lock.acquire()
    for delete, name in ((bin_.delete_adapter, "Garden"), (bin_.delete_model, "tiny")):
        with pytest.raises(OvernightError, match="More") as caught:
            delete(name)
        assert caught.value.kind is ErrorKind.BUSY
        assert folder.id in caught.value.hint
    bin_.delete_model("starter")
    lock.release()
    bin_.delete_adapter("Garden")
    bin_.delete_model("tiny")
    assert len(bin_.items()) == 3


def test_what_was_launched_just_now_counts_as_running(bin_: Bin, tiny_library: Library) -> None:
    put(tiny_library.adapters, "Garden")
    spec = protocol.ExportSpec(name="Garden", format="mlx", to="/out")
    folder = JobFolder.create(tiny_library.jobs, spec)
    with pytest.raises(OvernightError, match="exported"):
        bin_.delete_adapter("Garden")
    os.utime(folder.path / "spec.json", (1, 1))
    bin_.delete_adapter("Garden")


@pytest.mark.parametrize("what", ["delete", "delete now", "rename"])
def test_another_process_was_quicker(
    bin_: Bin,
    adapters: Path,
    library: Library,
    connection: sqlite3.Connection,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = FolderBin.alone

    def after_the_other(folders: FolderBin) -> AbstractContextManager[None]:
        monkeypatch.setattr(FolderBin, "alone", original)
        Bin(library, connection).delete_adapter("Garden")
        return original(folders)

    monkeypatch.setattr(FolderBin, "alone", after_the_other)
    acts: dict[str, Callable[[], object]] = {
        "delete": lambda: bin_.delete_adapter("Garden"),
        "delete now": lambda: bin_.delete_adapter_now("Garden"),
        "rename": lambda: rename_adapter(library, connection, "Garden", "Harbour"),
    }
    with pytest.raises(OvernightError) as caught:
        acts[what]()
    assert caught.value.kind is ErrorKind.ADAPTER_UNKNOWN
    assert [item.name for item in bin_.items()] == ["Garden"]


def test_two_processes_that_empty_it_at_once(
    bin_: Bin, library: Library, connection: sqlite3.Connection
) -> None:
    for number in range(20):
        put(library.adapters, f"A{number}")
        bin_.delete_adapter(f"A{number}")
    older.fill(connection)
    bin_.delete_notes([3, 9])
    code = (
        "import sys; from mlx_backend.library import Library, database\n"
        "from mlx_backend.library.bin import Bin\n"
        "library = Library.open(); sys.stdin.readline()\n"
        "print(Bin(library, database.connect(library.database)).empty())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert sum(int(process.communicate()[0]) for process in processes) == 22
    assert bin_.items() == []
    assert names(library.bin) == [".lock"]
