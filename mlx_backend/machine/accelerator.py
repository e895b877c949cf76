"""What MLX computes on, and a fast BLAS for it where that is a Linux CPU.

MLX's Linux wheel brings the reference BLAS, which is 40 times slower than OpenBLAS. The symbols of
a library that is loaded globally before MLX take precedence over those that MLX brings, so
`prepare` must run before the first import of `mlx.core`. This needs no root: the package
scipy-openblas32 has every symbol under the prefix `scipy_`, and patchelf makes a copy without the
prefix once.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib import metadata
from pathlib import Path

import platformdirs

from mlx_backend.machine.cores import limit_thread_pools, usable_cores

_log = logging.getLogger(__name__)

_PREFIX = b"scipy_"
_RUN_AHEAD_BYTES = 2 * 10**9
_SYSTEM_OPENBLAS = (
    "openblas-pthread/libblas.so.3",
    "openblas-openmp/libblas.so.3",
    "libopenblas.so.0",
)
# Options of glibc's malloc.h: M_MMAP_THRESHOLD (the size from which memory is mapped; its largest
# value), M_TRIM_THRESHOLD (when the end of the heap is given back; never) and M_ARENA_MAX (the
# number of heaps; one, because MLX frees in another thread).
_MALLOC_OPTIONS = ((-3, 32 << 20), (-1, 2**31 - 1), (-8, 1))


def prepare() -> str:
    """Load OpenBLAS in place of MLX's own BLAS on Linux; returns its path, "" if none was loaded.

    Elsewhere, and where there is no OpenBLAS, MLX keeps its own and everything still works. Also
    limits the threads of NumPy and the tokenizers to the cores that may be used.
    """
    limit_thread_pools()
    if sys.platform != "linux":
        return ""
    _keep_freed_memory()
    if "mlx.core" in sys.modules:
        _log.warning("MLX was imported before its BLAS could be replaced")
        return ""
    for candidate in (_renamed_copy(), *_system_copies()):
        if candidate is not None and _load(candidate):
            return str(candidate)
    return ""


def _keep_freed_memory() -> None:
    """Let the C library reuse freed memory instead of returning it to the system.

    MLX's CPU build allocates every result anew. If the system has to clear fresh pages each time,
    a training step takes 1.7 times as long. The peak stays the same.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return
    for option, value in _MALLOC_OPTIONS:
        set_option(option, value)


def has_gpu() -> bool:
    """Whether MLX computes on a GPU here (Metal or CUDA)."""
    import mlx.core as mx

    return bool(mx.default_device() == mx.Device(mx.gpu))


def bound_run_ahead() -> None:
    """Limit the memory that MLX allocates for operations that are queued ahead of a GPU.

    MLX allocates an operation's memory when it queues the operation, far ahead of the GPU. With
    this limit it waits for queued work instead: training a model of 8 billion parameters with
    gradient checkpointing took 24 GB of an H100 without it and 8.5 GB with it, at 7 percent less
    speed.
    """
    import mlx.core as mx

    if has_gpu():
        mx.set_memory_limit(mx.get_active_memory() + _RUN_AHEAD_BYTES)


def measure_gflops(size: int = 1024, repeats: int = 4) -> float:
    """The speed of MLX's float32 matrix products here, in 10^9 operations per second.

    The matrices are `size` by `size`; the fastest of `repeats` products counts.
    """
    import mlx.core as mx

    a = mx.random.normal((size, size))
    mx.eval(a, a @ a)
    best = float("inf")  # the others had to share the processor
    for _ in range(repeats):
        start = time.perf_counter()
        mx.eval(a @ a)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def advice_for_slow_blas() -> str:
    """What to install where matrix products are slow, as a sentence."""
    return (
        "Run `make run` again, which installs scipy-openblas32 and patchelf,"
        " or `sudo apt-get install libopenblas0-pthread`."
    )


def _load(path: Path) -> bool:
    try:
        library = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        _log.warning("cannot load %s: %s", path, error)
        return False
    # OpenBLAS's threads spin while they wait. Training and chat at once, each with a thread for
    # every core, would make both twenty times slower; with half of the cores each they do not.
    library.openblas_set_num_threads(max(1, usable_cores() // 2))
    return True


def _system_copies() -> list[Path]:
    folder = Path("/usr/lib") / f"{platform.machine()}-linux-gnu"
    return [folder / name for name in _SYSTEM_OPENBLAS if (folder / name).exists()]


def _renamed_copy() -> Path | None:
    """The copy of scipy-openblas32 without its prefix, made on first use; None if that fails."""
    found = importlib.util.find_spec("scipy_openblas32")
    if found is None or found.origin is None:
        return None
    original = Path(found.origin).parent / "lib" / "libscipy_openblas.so"
    version = metadata.version("scipy-openblas32")
    folder = platformdirs.user_cache_path("Overnight")
    copy = folder / f"libopenblas-{version}-{platform.machine()}.so"
    if copy.exists():
        return copy
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _rename_symbols(original, copy)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("cannot prepare OpenBLAS: %s", error)
        return None
    return copy


def _rename_symbols(original: Path, copy: Path) -> None:
    names = {match.decode() for match in re.findall(rb"scipy_\w+", original.read_bytes())}
    patchelf = Path(sysconfig.get_path("scripts")) / "patchelf"
    with tempfile.TemporaryDirectory(dir=copy.parent) as scratch:
        table = Path(scratch) / "names"
        table.write_text(
            "".join(f"{n} {n.removeprefix(_PREFIX.decode())}\n" for n in sorted(names))
        )
        renamed = Path(scratch) / copy.name
        subprocess.run(
            [patchelf, "--rename-dynamic-symbols", table, "--output", renamed, original],
            check=True,
            capture_output=True,
            timeout=120,
            env=os.environ | {"LC_ALL": "C"},
        )
        renamed.replace(copy)
