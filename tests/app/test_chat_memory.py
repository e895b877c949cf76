from __future__ import annotations

from pathlib import Path

import pytest

from app.chat_memory import ChatMemory
from app.services import Services


@pytest.mark.parametrize("damage", [b"", b"{", b'{"drafts": {"new": "\xff\xfe"}}', b"[" * 100_000])
def test_a_damaged_file_is_one_without_memories(
    services: Services, tmp_path: Path, damage: bytes
) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(damage)
    assert ChatMemory(path, services.background).draft(None) == ""
