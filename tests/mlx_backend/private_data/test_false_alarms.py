"""Text without secrets stays as it is."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import pytest

from mlx_backend.private_data.scan import find_secrets

_OTHER_NOTES = Path(
    os.environ.get(
        "OVERNIGHT_BENCHMARK_NOTES",
        Path(__file__).parents[4] / "shared" / "notes" / "til",
    )
)

HARMLESS = (
    "I forgot my password again and had to reset it.",
    "The password is stored in the keychain.",
    "The password is wrong, the page says.",
    "Your password must contain at least eight characters and a number.",
    "password = os.environ['DB_PASSWORD']",
    "password: ${{ secrets.DB_PASSWORD }}",
    'password = "changeme"',
    "PASSWORD=<your-password>",
    "api_key = 'your-api-key-goes-here-0000'",
    "def check_password(user, password_hash):",
    "Pass the `--force` flag to skip the check.",
    "token = get_token(request)",
    "export API_TOKEN=$(cat ~/.token)",
    "postgres://user:password@localhost/db",
    "https://user:$PASSWORD@example.org/",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "id: 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "The exit code is 127, the status code 404 and the zip code 94107.",
    "In 2019 we painted the front door, in 2021 the gate.",
    "The gate of 1874 was 3500 kg of iron.",
    "The safe way down is the path to the left.",
    "GPIO pin 13 is the built-in LED.",
    "The order 1234567890123456 left the shop on 2024-05-17 at 12:30.",
    "The invoice number is 20240517-001, the total 1250.00 EUR.",
    "Call me at +44 20 7946 0958 or 030 901820.",
    "Our passport photos are ready; the passport itself takes three weeks.",
    "ISBN 978-3-16-148410-0",
    "The key to the wifi problem is patience.",
    "Version 1.2.3-beta4 of the password manager is out.",
    "AKIAIOSFODNN7EXAMPLE is the one of all manuals.",
    "She pressed the doorbell and waited.",
    "The recovery took 12 weeks; the code review two.",
    "Login works with Firefox, not with Safari.",
)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_raises_no_alarm(text: str) -> None:
    assert find_secrets(text) == []


def test_sample_notes_raise_no_alarm() -> None:
    folder = resources.files("resources") / "sample_notes"
    with resources.as_file(folder) as path:
        notes = [file for file in path.rglob("*") if file.is_file()]
        assert notes
        for note in notes:
            assert find_secrets(note.read_text(encoding="utf-8")) == [], note.name


@pytest.mark.skipif(not _OTHER_NOTES.is_dir(), reason="the folder of other notes is not here")
def test_at_most_one_in_a_hundred_of_other_notes_raises_an_alarm() -> None:
    notes = list(_OTHER_NOTES.rglob("*.md"))
    alarms = [
        note.name for note in notes if find_secrets(note.read_text("utf-8", errors="replace"))
    ]
    print(f"\n{len(alarms)} of {len(notes)} notes: {alarms}")
    assert len(alarms) <= len(notes) / 100
