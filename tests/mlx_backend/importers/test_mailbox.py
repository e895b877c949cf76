"""Mailboxes, also those too large for memory."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlx_backend.importers import limits, reading_process
from mlx_backend.importers.document import THE_REST, Document, Item, SkippedFile, SkippedPart
from mlx_backend.importers.readers import mailbox
from mlx_backend.importers.sandbox import Sandbox
from tests.mlx_backend.importers import samples

_LINE_BETWEEN = b"From x Tue May  4 10:00:00 2021\n"
# The separator between mails, for a mailbox in memory: the reference for the reader.
_BETWEEN = re.compile(rb"(?:\A|\r?\n\r?\n)From [^\r\n]+\r?\n(?=[A-Za-z>][A-Za-z0-9-]*[: ])")
_PIECES: tuple[bytes, ...] = (
    b"From ",
    b"From x\n",
    b"From a b\r\n",
    b"To: y\n",
    b">From z\n",
    b"\n",
    b"\r\n",
    b"\r",
)
_PIECES += (b"Subject: s\r\n", b"word ", b"x" * 40, b" ", b"\n\nFrom q\nTo: r\n", b"\n\n\n")


@pytest.mark.parametrize("seed", range(200))
def test_mails_are_told_apart_wherever_pieces_end(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw = random.Random(seed)
    data = b"From a\nTo: b\n" * (seed % 2) + b"".join(draw.choices(_PIECES, k=60))
    monkeypatch.setattr(mailbox, "_CHUNK", draw.randint(1, 90))
    monkeypatch.setattr(mailbox, "_LONGEST_LINE", 200)
    found = list(mailbox._separators(io.BytesIO(data)))
    assert found == [match.span() for match in _BETWEEN.finditer(data)]


def write_large(path: Path) -> None:
    """A mailbox of three mails; the second is larger than any file that is read whole."""
    first, last = (
        samples.mail(samples.MARTA, samples.OSKAR, name, f"{name}.\n") for name in ("Oil", "Rope")
    )
    with path.open("wb") as file:
        file.write(_LINE_BETWEEN + first + b"\n" + _LINE_BETWEEN + b"Subject: Film\n\nA film\n")
        file.seek(limits.LARGEST_FILE + 5_000_000)
        file.write(b"\n\n" + _LINE_BETWEEN + last)


def test_a_large_mailbox_is_read_a_mail_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "all mail"
    write_large(path)
    with Sandbox() as sandbox:
        content = sandbox.read(tmp_path, path)
        again = sandbox.read(tmp_path, path, content.sha256)
    assert [document.title for document in content.documents] == ["Oil", "Rope"]
    ((part, reason),) = ((each.part, each.reason) for each in content.skipped)
    assert (part, reason) == ("mail 2", "The mail is larger than 40 MB")
    assert again.same


def test_a_mailbox_beyond_every_limit_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "all.mbox"
    with path.open("wb") as file:
        file.write(_LINE_BETWEEN + samples.mail(samples.MARTA, samples.OSKAR, "Oil", "Oil.\n"))
        file.truncate(limits.LARGEST_IN_PIECES + 1)
    with Sandbox() as sandbox, pytest.raises(SkippedFile, match="larger than 16 GB"):
        sandbox.read(tmp_path, path)


def test_what_takes_too_long_is_read_as_far_as_time_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter(range(0, 10_000, 400))
    clock = SimpleNamespace(monotonic=lambda: next(now))
    monkeypatch.setattr("mlx_backend.importers.reading_process.time", clock)
    items: list[Item] = [Document(str(number), "text", part=str(number)) for number in range(9)]
    *read, rest = reading_process._within_limits(iter(items), 0.0)
    assert read == items[:3]
    assert rest == SkippedPart(THE_REST, "Reading it took longer than 15 minutes")
