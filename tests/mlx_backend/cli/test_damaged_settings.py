from __future__ import annotations

import pytest

from mlx_backend.cli.main import main
from mlx_backend.library import Library


def test_a_command_says_once_where_damaged_settings_are_kept(
    tiny_library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_library.settings.write_bytes(b'{"base_model": "tiny", "rank": 8,}')
    assert main(["notes", "--json"]) == 0
    assert "settings (damaged" in capsys.readouterr().err
    assert main(["notes", "--json"]) == 0
    assert "damaged" not in capsys.readouterr().err
