from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.jobs.memory import MemoryLook, look_at_memory, oom_kills, ran_out

GB = 10**9
PLENTY = MemoryLook(8 * GB, 16 * GB)
NEARLY_NONE = MemoryLook(GB // 2, 16 * GB)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A Linux as its files tell it, in the group of a terminal."""
    write(tmp_path / "proc/self/cgroup", "0::/user.slice/app.scope\n")
    write(tmp_path / "proc/vmstat", "nr_free_pages 1\noom_kill 7\nnuma_hit 3\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def events(root: Path, group: str, count: int) -> None:
    text = f"low 0\nhigh 0\nmax 12\noom 1\noom_kill {count}\noom_group_kill 0\n"
    write(root / "sys/fs/cgroup" / group / "memory.events", text)


def test_the_own_group_counts_first(system: Path) -> None:
    events(system, "user.slice/app.scope", 2)
    assert oom_kills(system) == 2


def test_the_group_of_a_container_is_the_root(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/\n")
    events(tmp_path, "", 3)
    assert oom_kills(tmp_path) == 3


def test_without_groups_the_machine_counts(system: Path) -> None:
    write(system / "proc/self/cgroup", "12:memory:/docker/abc\n")
    assert oom_kills(system) == 7


@pytest.mark.parametrize("text", ["", "oom_kill\n", "oom_kill many\n", "xoom_kill 4\n"])
def test_files_that_say_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path / "proc/vmstat", text)
    assert oom_kills(tmp_path) == 0
    assert oom_kills(tmp_path / "no such system") == 0


def test_memory_ran_out_when_the_kernel_says_so_or_little_was_left() -> None:
    assert not ran_out(PLENTY, PLENTY, PLENTY)
    assert ran_out(PLENTY, NEARLY_NONE, PLENTY)
    assert ran_out(PLENTY, PLENTY, MemoryLook(8 * GB, 16 * GB, kills=1))


def test_the_look_is_a_real_one() -> None:
    look = look_at_memory()
    assert 0 < look.available <= look.total
    assert look.kills >= 0
