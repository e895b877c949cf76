from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlx_backend.locks import FileLock, held, is_held

_HOLD = """
import sys, time
from pathlib import Path
from mlx_backend.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sub" / "a.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "True"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_lock_is_exclusive_until_it_is_released(path: Path) -> None:
    one, other = FileLock(path), FileLock(path)
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    other.release()


def test_releasing_without_holding_does_nothing(path: Path) -> None:
    FileLock(path).release()
    assert not is_held(path)


def test_held_says_whether_it_is(path: Path) -> None:
    with held(path) as first:
        assert first
        with held(path) as second:
            assert not second
        assert is_held(path)
    assert not is_held(path)


def test_held_gives_the_lock_back_after_an_error(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(path):
        raise ZeroDivisionError
    assert not is_held(path)


def test_nobody_holds_what_does_not_exist(path: Path) -> None:
    assert not is_held(path)
    assert not path.exists()


def test_asking_does_not_disturb(path: Path) -> None:
    assert not is_held(path)
    with held(path):
        for _ in range(3):
            assert is_held(path)
        assert not FileLock(path).acquire()


def test_another_process_holds_it_until_it_is_killed(
    path: Path, holder: subprocess.Popen[str]
) -> None:
    assert is_held(path)
    assert not FileLock(path).acquire(patience=0.1)
    holder.kill()
    holder.wait()
    assert not is_held(path)
    lock = FileLock(path)
    assert lock.acquire()
    lock.release()
