from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlx_backend.cli import doctor
from mlx_backend.library import Library
from mlx_backend.machine import accelerator

_SCRIPT = """
import ctypes
from mlx_backend.machine import accelerator

class Place(ctypes.Structure):
    _fields_ = [("file", ctypes.c_char_p), ("at", ctypes.c_void_p),
                ("name", ctypes.c_char_p), ("address", ctypes.c_void_p)]

loaded = accelerator.prepare()
import mlx.core as mx
assert (mx.ones((64, 64)) @ mx.ones((64, 64))).sum().item() == 64**3
symbols, place = ctypes.CDLL(None), Place()
found = symbols.dladdr(ctypes.cast(symbols.cblas_sgemm, ctypes.c_void_p), ctypes.byref(place))
print(accelerator.has_gpu())
print(loaded)
print(place.file.decode() if found else "")
"""
_ROOT = Path(__file__).parents[3]


def in_front() -> tuple[bool, str, str]:
    """Of a fresh process: whether it has a GPU, what it loaded, and whose products MLX calls."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, cwd=_ROOT
    )
    gpu, loaded, product = done.stdout.splitlines()
    return gpu == "True", loaded, product


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere MLX comes with a fast BLAS")
def test_on_linux_openblas_stands_in_front_of_the_slow_blas() -> None:
    gpu, loaded, product = in_front()
    if gpu:
        pytest.skip("products are computed on the GPU")
    assert "openblas" in loaded
    assert Path(product).samefile(loaded)


def test_once_mlx_is_imported_nothing_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    import mlx.core  # noqa: F401

    assert accelerator.prepare() == ""
    if sys.platform == "linux":
        assert "before its BLAS could be replaced" in caplog.text


@pytest.mark.parametrize(
    ("platform", "loaded", "advice"),
    [
        ("linux", "", "libopenblas0-pthread"),
        ("linux", "/somewhere/libopenblas.so", "keep the processor busy"),
        ("darwin", "", "keep the processor busy"),
    ],
)
def test_the_doctor_advises_where_products_are_slow(
    tiny_library: Library,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    loaded: str,
    advice: str,
) -> None:
    monkeypatch.setattr(accelerator, "prepare", lambda: loaded)
    monkeypatch.setattr(accelerator, "measure_gflops", lambda: 3.0)
    monkeypatch.setattr(sys, "platform", platform)
    (speed,) = (check for check in doctor.run_checks() if check.name == "speed")
    assert not speed.ok
    assert "3 GFLOP/s" in speed.detail
    assert advice in speed.detail


def test_the_doctor_is_content_where_products_are_fast(
    tiny_library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerator, "measure_gflops", lambda: 200.0)
    (speed,) = (check for check in doctor.run_checks() if check.name == "speed")
    assert speed.ok
    assert "install" not in speed.detail


def test_only_a_gpu_is_kept_from_running_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    import mlx.core as mx

    before = mx.set_memory_limit(2**50)
    try:
        accelerator.bound_run_ahead()
        assert mx.set_memory_limit(2**50) == 2**50
        monkeypatch.setattr(accelerator, "has_gpu", lambda: True)
        accelerator.bound_run_ahead()
        assert mx.get_active_memory() < mx.set_memory_limit(2**50) < 2**40
    finally:
        mx.set_memory_limit(before)
