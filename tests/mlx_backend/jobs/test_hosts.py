from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder
from mlx_backend.jobs.hosts import (
    TRAINING_TOGETHER,
    go_on_with,
    hosts_left,
    read_hosts,
    training_command,
)
from mlx_backend.jobs.training_process import TRAINING
from mlx_backend.protocol import Host, TrainSpec

HERE = {"ssh": "here", "ips": ["127.0.0.1"]}
THERE = {"ssh": "marta@other-mac.local", "ips": ["127.0.0.1"], "rdma": [None, "rdma_en2"]}
TWO = (
    Host(ssh="here", ips=("127.0.0.1",)),
    Host(ssh="marta@other-mac.local", ips=("127.0.0.1",)),
)


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder.create(tmp_path, TrainSpec(name="n", model="m", hosts=TWO))


@pytest.mark.parametrize(
    "content",
    [
        [HERE, THERE],
        {"hosts": [HERE, THERE]},
        {"backend": "ring", "envs": [], "hosts": [HERE, THERE]},
    ],
)
def test_the_machines_of_a_file(tmp_path: Path, content: object) -> None:
    path = written(tmp_path, content)
    assert read_hosts(path) == TWO
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    assert read_hosts(path) == TWO


@pytest.mark.parametrize(
    "content",
    [
        [],
        [HERE],
        [HERE] * 65,
        {},
        {"hosts": "x"},
        7,
        None,
        [HERE, {"ips": ["127.0.0.1"]}],
        [HERE, {"ssh": "there"}],
        [HERE, {"ssh": "there", "ips": []}],
        [HERE, {"ssh": "there", "ips": ["127.0.0.1:22"]}],
        [HERE, {"ssh": "there", "ips": ["0.0.0.0"]}],
        [HERE, {"ssh": "there", "ips": ["there"]}],
        [HERE, {"ssh": "-oProxyCommand=rm", "ips": ["127.0.0.1"]}],
        [HERE, {"ssh": "a b", "ips": ["127.0.0.1"]}],
        [HERE, {"ssh": "a;b", "ips": ["127.0.0.1"]}],
        [HERE, {"ssh": "", "ips": ["127.0.0.1"]}],
        [HERE, {"ssh": "x\n", "ips": ["127.0.0.1"]}],
        {"hosts": [HERE, THERE], "backend": "mpi"},
        {"hosts": [HERE, THERE], "envs": ["LD_PRELOAD=/evil.so"]},
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: object) -> None:
    with pytest.raises(OvernightError) as caught:
        read_hosts(written(tmp_path, content))
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert '"ssh"' in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 60_000, b'"' + b"x" * (1 << 16)])
def test_a_file_of_rubbish(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "hosts.json").write_bytes(data)
    with pytest.raises(OvernightError) as caught:
        read_hosts(tmp_path / "hosts.json")
    assert caught.value.kind is ErrorKind.BAD_INPUT


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OvernightError) as caught:
        read_hosts(tmp_path / "gone.json")
    assert caught.value.kind is ErrorKind.PATH_MISSING
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OvernightError, match="no plain file"):
            read_hosts(path)


def test_the_first_machine_is_this_one_and_the_others_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = {"ssh": "far", "ips": ["192.0.2.7"]}
    with pytest.raises(OvernightError, match="not those of this machine"):
        read_hosts(written(tmp_path, [far, HERE]))
    with pytest.raises(OvernightError, match="cannot reach"):
        read_hosts(written(tmp_path, [HERE, far]))
    (address, *_) = psutil.net_if_addrs().popitem()[1]
    here = address._replace(address="192.0.2.1")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"en0": [here]})
    hosts = read_hosts(written(tmp_path, [{"ssh": "me", "ips": ["192.0.2.1"]}, far]))
    assert [host.ssh for host in hosts] == ["me", "far"]


def test_a_run_goes_on_with_the_machines_that_are_left(folder: JobFolder) -> None:
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    assert hosts_left(folder, spec) == TWO
    assert training_command(folder, spec) == TRAINING_TOGETHER
    go_on_with(folder, TWO[:1])
    assert hosts_left(folder, spec) == TWO[:1]
    assert training_command(folder, spec) == TRAINING
    assert spec.machines == 2, "a batch stays as large as it was"
    go_on_with(folder, TWO)
    assert training_command(folder, spec) == TRAINING_TOGETHER


def test_a_run_of_one_machine_starts_as_ever(tmp_path: Path) -> None:
    spec = TrainSpec(name="n", model="m")
    assert spec.machines == 1
    assert training_command(JobFolder.create(tmp_path, spec), spec) == TRAINING


def test_a_damaged_list_is_that_of_the_beginning(folder: JobFolder) -> None:
    (folder.path / "hosts.json").write_bytes(b"\xff[")
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    assert hosts_left(folder, spec) == TWO
