from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.private_data.printed import PrintedText, pump

# Assembled here, so that no secret scanner takes this file for a leak.
KEY = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"
PEM_LINES = "\n".join("Zq7Rk2Lp9Xw4Tn8Vb3Hd6Jf1Gm5Ys0Ca" * 2 for _ in range(20))
PEM = f"-----BEGIN PRIVATE KEY-----\n{PEM_LINES}\n-----END PRIVATE KEY-----\n"


def shown(pieces: list[bytes]) -> str:
    text = PrintedText()
    return b"".join([*map(text.feed, pieces), text.end()]).decode()


def test_harmless_text_comes_out_as_it_is_line_by_line() -> None:
    text = PrintedText()
    assert text.feed(b"step 1 of 20\nste") == b"step 1 of 20\n"
    assert text.feed("p 2 — done\r".encode()) == "step 2 — done\r".encode()
    assert text.feed(b"no end of line") == b""
    assert text.end() == b"no end of line"
    assert text.end() == b""


@given(st.lists(st.integers(0, len(PEM) + 60), max_size=12))
def test_secrets_are_masked_wherever_the_pipe_cuts_them(cuts: list[int]) -> None:
    printed = f"loading {KEY}\n{PEM}done, {KEY}".encode()
    edges = [0, *sorted(cuts), len(printed)]
    text = shown([printed[a:b] for a, b in itertools.pairwise(edges)])
    assert KEY not in text
    assert PEM_LINES[:64] not in text
    assert text.startswith("loading [AWS key removed]\n")
    assert text.endswith("done, [AWS key removed]")


@pytest.mark.parametrize(
    "crash", ["Fatal Python error: Aborted", "Traceback (most recent call last):"]
)
def test_a_crash_does_not_hide_what_stood_before_it(crash: str) -> None:
    printed = f"the key is {KEY}{crash}\n".encode()
    expected = f"the key is [AWS key removed]\n{crash}\n"
    assert shown([printed]) == shown([printed[:40], printed[40:]]) == expected


@pytest.mark.parametrize("place", [0, 65_500, 65_536, 131_000, 199_990])
def test_a_line_without_end_is_given_out_and_masked(place: int) -> None:
    line = ("wordy " * 33_334).encode()
    line = line[:place] + f" {KEY} ".encode() + line[place:]
    pieces = [line[at : at + 10_000] for at in range(0, len(line), 10_000)]
    text = PrintedText()
    early = b"".join(map(text.feed, pieces))
    assert len(early) > 100_000
    assert KEY.encode() not in early + text.end()


@given(st.binary(max_size=400))
def test_any_bytes_come_through(data: bytes) -> None:
    assert shown([data[:7], data[7:]]) == data.decode(errors="replace")


def test_a_full_disk_does_not_hold_up_whoever_prints() -> None:
    source, target = os.pipe()
    os.write(target, b"one\ntwo")
    os.close(target)
    pump(source, lambda _: (_ for _ in ()).throw(OSError(28, "")))
    os.close(source)


PRINTING = f"""
import ctypes, os, subprocess, sys
from mlx_backend.private_data.redacting import redact_output
redact_output()
print("printed {KEY}")
ctypes.CDLL(None).puts(b"by native code {KEY}")
ctypes.CDLL(None).fflush(None)
subprocess.run([sys.executable, "-c", "print('by a child {KEY}')"])
sys.stdout.flush()
os.write(2, b"the last words {KEY}\\n")
"""
ENDS = {
    "in order": "",
    "in an exception": "raise ValueError('{KEY}')",
    "in a native crash": "ctypes.string_at(0)",
    "killed": "import signal; os.killpg(0, signal.SIGTERM)",
}


@pytest.mark.parametrize("end", ENDS)
def test_all_that_a_process_prints_is_masked_to_its_last_word(tmp_path: Path, end: str) -> None:
    script = PRINTING + ENDS[end].replace("{KEY}", KEY)
    with (tmp_path / "job.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            cwd=Path(__file__).parents[3],
        )
        # The reader does not hold this pipe; it is done when the last line is in the log.
        assert process.communicate(timeout=60)[0] == b""
    code = process.returncode
    assert code == {"in order": 0, "in an exception": 1, "killed": -signal.SIGTERM}.get(end, code)
    written = wait_for(tmp_path / "job.log", "the last words [AWS key removed]")
    assert KEY not in written
    assert "printed [AWS key removed]\n" in written
    assert "by native code [AWS key removed]\n" in written
    assert "by a child [AWS key removed]\n" in written


def wait_for(log: Path, words: str) -> str:
    """The log, once it contains the words; gives up after a minute."""
    import time

    deadline = time.monotonic() + 60
    while words not in (written := log.read_text()):
        assert time.monotonic() < deadline, written
        time.sleep(0.02)
    return written
