from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers.attachment import MOST_KEPT, read_attachment


def test_a_file_is_read_as_for_an_import(tmp_path: Path) -> None:
    path = tmp_path / "tides.html"
    path.write_text("<html><body><p>High water at <b>noon</b>.</p><script>x</script></body></html>")
    attached = read_attachment(path)
    assert (attached.name, attached.path) == ("tides.html", str(path))
    assert "High water at" in attached.text
    assert "script" not in attached.text
    assert not attached.is_cut


def test_a_long_file_is_cut_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("A line of words.\n" * 40_000)
    attached = read_attachment(path)
    assert len(attached.text) == MOST_KEPT
    assert attached.is_cut


@pytest.mark.parametrize("content", [b"", b"\x7fELF\x00\x01\x02" * 100])
def test_what_holds_no_text_is_refused_with_a_reason(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "thing.bin"
    path.write_bytes(content)
    with pytest.raises(OvernightError, match="cannot be attached") as caught:
        read_attachment(path)
    assert caught.value.kind is ErrorKind.UNREADABLE
    assert caught.value.hint
