from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.machine.cgroup import quota_cores


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),  # rounded up
        ("20000 100000\n", 1),
        ("max 100000\n", None),
        ("", None),
        ("200000 0\n", None),
        ("many\n", None),
    ],
)
def test_version_2_in_a_container(tmp_path: Path, limit: str, cores: int | None) -> None:
    write(tmp_path, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": limit})
    assert quota_cores(tmp_path) == cores


@pytest.mark.parametrize(
    ("parent", "own", "cores"),
    [("300000", "max", 3), ("300000", "100000", 1), ("100000", "300000", 1), ("max", "max", None)],
)
def test_the_smallest_quota_up_to_the_root_counts(
    tmp_path: Path, parent: str, own: str, cores: int | None
) -> None:
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/app: 1.scope\n",
            "sys/fs/cgroup/user.slice/cpu.max": f"{parent} 100000\n",
            "sys/fs/cgroup/user.slice/app: 1.scope/cpu.max": f"{own} 100000\n",
        },
    )
    assert quota_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("250000\n", 3), ("-1\n", None)])
@pytest.mark.parametrize("where", ["", "docker/1f/"])
def test_version_1(tmp_path: Path, quota: str, cores: int | None, where: str) -> None:
    """In a container, /proc may name a group that only the host's file system shows."""
    write(
        tmp_path,
        {
            "proc/self/cgroup": "5:memory:/docker/1f\n4:cpu,cpuacct:/docker/1f\n0::/\n",
            f"sys/fs/cgroup/cpu/{where}cpu.cfs_quota_us": quota,
            f"sys/fs/cgroup/cpu/{where}cpu.cfs_period_us": "100000\n",
        },
    )
    assert quota_cores(tmp_path) == cores


@pytest.mark.parametrize("listing", [None, "", "nonsense\n", "0::\n", "0::../..\n"])
def test_without_groups_there_is_no_quota(tmp_path: Path, listing: str | None) -> None:
    if listing is not None:
        write(tmp_path, {"proc/self/cgroup": listing})
    assert quota_cores(tmp_path) is None


def test_this_machine_is_read_without_fault() -> None:
    assert (quota_cores() or 1) >= 1
