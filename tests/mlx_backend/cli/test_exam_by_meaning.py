"""An exam from the notes finds them by meaning, however soon after their import it is taken."""

from __future__ import annotations

import pytest

from mlx_backend.cli.chat import _read_for_meaning
from mlx_backend.cli.console import Console
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.importers import meaning
from mlx_backend.library import Library, database
from mlx_backend.settings import change_settings

DAMAGED = OvernightError(ErrorKind.MODEL_DAMAGED, "It is another file.", "Fetch it.")


@pytest.mark.parametrize(
    ("is_wanted", "error", "said"),
    [
        (False, None, ""),
        (True, None, "Read 7 passages, to find them by what they mean."),
        (True, DAMAGED, "It is another file. Passages are found by their words alone."),
    ],
)
def test_missing_vectors_are_computed_before_the_exam(
    filled_library: Library,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_wanted: bool,
    error: OvernightError | None,
    said: str,
) -> None:
    def compute(_: object) -> int:
        if error is not None:
            raise error
        return 7

    monkeypatch.setattr(meaning, "compute_missing", compute)
    change_settings(filled_library.settings, search_by_meaning=is_wanted)
    with database.opened(filled_library.database) as connection:
        _read_for_meaning(filled_library, connection, Console(as_json=False))
    assert capsys.readouterr().err.strip() == said
