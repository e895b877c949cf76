from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mlx_backend.protocol import Patience
from mlx_backend.settings import Settings, load_settings, save_settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sub" / "settings.json"


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_what_is_saved_is_loaded(path: Path) -> None:
    settings = Settings(hours=2.5, base_model="tiny", appearance="dark", rank=4, passes=3)
    save_settings(path, settings)
    assert load_settings(path) == settings


def test_no_file_means_defaults(path: Path) -> None:
    assert load_settings(path) == Settings()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"hours": NaN}',
        b'{"base_model": "\xff"}',
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_json_object_means_defaults(path: Path, data: bytes) -> None:
    assert load_settings(write(path, data)) == Settings()


def test_a_file_that_cannot_be_read_means_defaults(path: Path) -> None:
    path.mkdir(parents=True)
    assert load_settings(path) == Settings()


def test_unknown_fields_are_passed_over(path: Path) -> None:
    data = b'{"of_a_later_version": {"deep": [1]}, "rank": 8}'
    assert load_settings(write(path, data)) == Settings(rank=8)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hours", -1),
        ("hours", 25),
        ("hours", "8"),
        ("hours", None),
        ("temperature", 2.01),
        ("top_p", 0),
        ("max_tokens", 15),
        ("max_tokens", 1e9),
        ("passes", 0),
        ("rank", 257),
        ("rank", 4.5),
        ("learning_rate", 0),
        ("appearance", "purple"),
        ("wait_on_battery", 1),
        ("wait_when_hot", "false"),
        ("go_on_after_restart", None),
        ("base_model", 3),
        ("base_model", ["starter"]),
    ],
)
def test_a_bad_value_falls_back_alone(path: Path, field: str, value: object) -> None:
    data = msgspec.json.encode({"seed_of_nothing": 1, "passes": 3} | {field: value})
    found = load_settings(write(path, data))
    assert getattr(found, field) == getattr(Settings(), field)
    assert field == "passes" or found.passes == 3


def test_every_default_is_in_its_own_range() -> None:
    msgspec.convert(msgspec.to_builtins(Settings()), Settings)


def test_every_setting_says_what_it_is() -> None:
    properties = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    assert properties.keys() == set(Settings.__struct_fields__)
    for name, schema in properties.items():
        assert {"title", "description", "group"} <= schema.keys(), name


def test_what_a_run_waits_for_follows_from_the_settings() -> None:
    assert Settings().patience == Patience()
    hasty = Settings(wait_on_battery=False, wait_when_hot=False, wait_when_memory_is_short=False)
    assert hasty.patience == Patience(on_battery=False, when_hot=False, when_memory_is_short=False)


def test_nothing_starts_after_a_restart_without_being_asked_to() -> None:
    assert not Settings().go_on_after_restart
