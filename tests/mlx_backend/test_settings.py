from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from mlx_backend.protocol import Patience
from mlx_backend.settings import Settings, change_settings, load_settings, mend_settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sub" / "settings.json"


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_what_is_saved_is_loaded(path: Path) -> None:
    wanted = {"hours": 2.5, "base_model": "tiny", "appearance": "dark", "rank": 4, "passes": 3}
    assert change_settings(path, **wanted) == Settings(**wanted)  # type: ignore[arg-type]
    assert load_settings(path) == Settings(**wanted)  # type: ignore[arg-type]


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
        b"\xff\xfe\xff",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"hours": NaN}',
        b'{"base_model": "\xff"}',
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_no_json_object_means_defaults(path: Path, data: bytes) -> None:
    assert load_settings(write(path, data)) == Settings(bin_days=0)


def test_a_file_that_cannot_be_read_means_defaults(path: Path) -> None:
    path.mkdir(parents=True)
    assert load_settings(path) == Settings(bin_days=0)


@pytest.mark.parametrize(
    ("data", "days"),
    [
        (b'{"rank": 8}', 30),
        (b'{"bin_days": 365}', 365),
        (b'{"bin_days": 365, "rank": 8,}', 365),
        (b'{"bin_days": "0"}', 0),
        (b'{"bin_days": 0.0}', 0),
        (b'{"bin_days": 5000}', 0),
        (b'{"bin_days": null}', 0),
        (b'{"bin_days": 36', 0),
        (b'{"bin_days": 36\0\0\0', 0),
        (b'{"bin_days": 365, "ran', 365),
        (b'{"rank": 8, "bin', 0),
        (b"", 0),
        (b"\0\0\0\0", 0),
    ],
    ids=repr,
)
def test_nothing_is_thrown_out_unless_it_is_known_that_it_may_be(
    path: Path, data: bytes, days: int
) -> None:
    assert load_settings(write(path, data)).bin_days == days
    mend_settings(path)
    assert load_settings(path).bin_days == days
    assert change_settings(path, rank=3).bin_days == days
    assert load_settings(path).bin_days == days


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


def test_invented_codes_are_trained_only_where_the_person_agreed(path: Path) -> None:
    assert not Settings().canaries
    assert not load_settings(write(path, b'{"hours": 2.5}')).canaries
    change_settings(path, canaries=True)
    assert load_settings(path) == Settings(hours=2.5, canaries=True)


def test_nothing_starts_after_a_restart_without_being_asked_to() -> None:
    assert not Settings().go_on_after_restart


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_read(path: Path, encoding: str) -> None:
    write(path, '{"hours": 2.5, "base_model": "größer"}'.encode(encoding))
    assert load_settings(path) == Settings(hours=2.5, base_model="größer")
    assert mend_settings(path) == ""
    assert change_settings(path, rank=8) == Settings(hours=2.5, base_model="größer", rank=8)


def test_a_change_leaves_what_others_wrote(path: Path) -> None:
    write(path, b'{"of_a_later_version": {"deep": [1]}, "hours": "eight", "rank": 8}')
    change_settings(path, passes=3)
    change_settings(path, go_on_after_restart=True)
    assert msgspec.json.decode(path.read_bytes()) == {
        "of_a_later_version": {"deep": [1]},
        "hours": "eight",
        "rank": 8,
        "passes": 3,
        "go_on_after_restart": True,
    }


DAMAGED = [
    b'{"rank": 8, "hours": 2.5,}',
    b'{"rank": 8, "hours": 2.5, "passes": 3',
    b'{"rank": 8,, "hours": 2.5}',
    b'// mine\n{"rank": 8, "hours": 2.5}',
    b'{"rank": 8 "hours": 2.5, "base_model": \'x\'}',
    b'{"base_model": "\xff", "rank": 8, "hours": 2.5}',
]


@pytest.mark.parametrize("data", DAMAGED, ids=repr)
def test_a_damaged_file_is_put_aside_and_said_once(path: Path, data: bytes) -> None:
    write(path, data)
    found = load_settings(path)
    assert (found.rank, found.hours) == (8, 2.5)
    sentence = mend_settings(path)
    (aside,) = path.parent.glob("settings (damaged *).json")
    assert str(aside) in sentence
    assert aside.read_bytes() == data
    assert load_settings(path) == found
    assert mend_settings(path) == ""


def test_no_damaged_file_is_written_over_by_a_later_one(path: Path) -> None:
    for number in range(3):
        write(path, b'{"rank": %d,' % number)
        change_settings(path, hours=3.5)
        assert load_settings(path).hours == 3.5
    kept = sorted(each.read_bytes() for each in path.parent.glob("settings (damaged *.json"))
    assert kept == [b'{"rank": %d,' % number for number in range(3)]


def test_what_cannot_be_put_aside_is_not_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(path, b'{"rank": 8,')
    monkeypatch.setattr("mlx_backend.json_file.shutil.copyfileobj", full)
    assert mend_settings(path) == ""
    with pytest.raises(OSError, match="space"):
        change_settings(path, hours=3.5)
    assert path.read_bytes() == b'{"rank": 8,'
    assert [each.name for each in path.parent.iterdir() if each.name[0] != "."] == [path.name]


def test_what_cannot_be_written_is_not_put_aside_again_and_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(path, b'{"rank": 8,')
    monkeypatch.setattr("mlx_backend.json_file.write_atomically", full)
    for _ in range(2):
        with pytest.raises(OSError, match="space"):
            change_settings(path, hours=3.5)
    assert [each.name for each in path.parent.iterdir() if each.name[0] != "."] == [path.name]
    assert path.read_bytes() == b'{"rank": 8,'


def test_two_processes_lose_none_of_each_others_changes(path: Path) -> None:
    write(path, b"{}")
    code = (
        "import sys; from pathlib import Path; from mlx_backend.settings import change_settings\n"
        "for n in range(1, 41): change_settings(Path(sys.argv[1]), **{sys.argv[2]: n})"
    )
    names = ("rank", "passes")
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in names]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert load_settings(path) == Settings(rank=40, passes=40)
