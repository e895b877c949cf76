from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.chat.drafts_and_choices import DraftsAndChoices
from app.services import Services


@pytest.mark.parametrize("damage", [b"", b"{", b"[" * 100_000, b'{"drafts": 3}'])
def test_a_damaged_file_is_one_without_memories(
    services: Services, tmp_path: Path, damage: bytes
) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(damage)
    assert DraftsAndChoices(path, services.background).draft(None) == ""


@pytest.mark.parametrize(
    "damage", [b'{"drafts": {"new": "Typed.",},}', b'{"drafts": {"new": "Typed."}, "adapter": "N']
)
def test_what_can_be_read_of_a_damaged_file_is_there_and_the_file_is_kept(
    services: Services, tmp_path: Path, qtbot: QtBot, damage: bytes
) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(damage)
    with qtbot.waitSignal(services.background.failed) as told:
        memory = DraftsAndChoices(path, services.background)
        memory.set_grounded(False)
        memory.flush()
    (aside,) = tmp_path.glob("chat (damaged *).json")
    assert str(aside) in told.args[0].hint
    assert aside.read_bytes() == damage
    qtbot.waitUntil(lambda: b"grounded" in path.read_bytes())
    later = DraftsAndChoices(path, services.background)
    assert later.draft(None) == "Typed."
    assert not later.grounded


def test_fields_of_a_later_version_stay(services: Services, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "chat.json"
    path.write_bytes(b'\xef\xbb\xbf{"of_a_later_version": [1], "compare": true}')
    memory = DraftsAndChoices(path, services.background)
    assert memory.compare
    memory.set_draft(None, "Typed.")
    memory.flush()
    qtbot.waitUntil(lambda: b"Typed." in path.read_bytes())
    fields = msgspec.json.decode(path.read_bytes())
    assert fields == {"of_a_later_version": [1], "compare": True, "drafts": {"new": "Typed."}}
