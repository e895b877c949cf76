"""Lines that another version of Overnight wrote."""

from __future__ import annotations

import json

import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import VERSION, upgrades
from mlx_backend.protocol.upgrades import Fields

OTHERS = [0, VERSION + 1, -1, 10**9]


def line_of(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def text_of(line: bytes) -> str | None:
    """The text of a notice."""
    event = protocol.decode_event(line)
    assert event is None or isinstance(event, protocol.Notice)
    return event.text if event else None


@pytest.mark.parametrize("version", OTHERS)
def test_an_event_of_another_version_is_read(version: int) -> None:
    line = protocol.encode_line(protocol.Notice(text="t", v=version))
    assert text_of(line) == "t"


@pytest.mark.parametrize("version", OTHERS)
def test_a_worker_message_of_another_version_is_dropped(version: int) -> None:
    request = protocol.encode_line(protocol.CancelRequest(id="1", v=version))
    reply = protocol.encode_line(protocol.ModelReleased(id="1", v=version))
    assert protocol.decode_request(request) is None
    assert protocol.decode_reply(reply) is None


def test_of_a_newer_version_what_is_unknown_is_ignored() -> None:
    newer = {"v": VERSION + 1, "at": 5.0}
    known = protocol.decode_event(line_of(event="stopped", step=3, mood="calm", **newer))
    assert known == protocol.Stopped(step=3, at=5.0, v=VERSION + 1)
    assert protocol.decode_event(line_of(event="dreamt", of="sheep", **newer)) is None
    assert protocol.decode_event(line_of(event="stage", stage=["a", "b"], **newer)) is None


def _notice_had_words(fields: Fields) -> Fields:
    return {"event": "notice", "text": fields["words"]}


def _notice_had_no_end(fields: Fields) -> Fields:
    return fields | {"text": f"{fields['text']}."}


@pytest.fixture
def two_upgrades(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there had been two versions before this one."""
    table = {VERSION - 1: _notice_had_no_end, VERSION - 2: _notice_had_words}
    monkeypatch.setattr(upgrades, "EVENT_UPGRADES", table)


@pytest.mark.usefixtures("two_upgrades")
def test_an_earlier_event_goes_through_all_upgrades_in_order() -> None:
    assert text_of(line_of(event="says", words="Hello", v=VERSION - 2)) == "Hello."
    assert text_of(line_of(event="says", words="Hello", v=VERSION - 7)) == "Hello."
    assert text_of(line_of(event="notice", text="Hello", v=VERSION - 1)) == "Hello."


@pytest.mark.usefixtures("two_upgrades")
def test_an_upgraded_event_is_one_of_this_version() -> None:
    event = protocol.decode_event(line_of(event="notice", text="a", at=1.0, v=VERSION - 1))
    assert event == protocol.Notice(text="a.", at=1.0)


@pytest.mark.usefixtures("two_upgrades")
@pytest.mark.parametrize("version", [VERSION, VERSION + 1])
def test_only_earlier_events_are_upgraded(version: int) -> None:
    assert text_of(line_of(event="notice", text="Hello", v=version)) == "Hello"


@pytest.mark.usefixtures("two_upgrades")
@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b'{"v": 0',
        line_of(event="notice", v=VERSION - 1),
        line_of(v=VERSION - 2),
    ],
)
def test_an_earlier_event_that_cannot_be_upgraded_is_dropped(line: bytes) -> None:
    assert protocol.decode_event(line) is None


def test_an_earlier_spec_is_upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {VERSION - 1: lambda fields: fields | {"hours": 1}}
    monkeypatch.setattr(upgrades, "SPEC_UPGRADES", table)
    data = line_of(job="train", name="n", model="m", v=VERSION - 1)
    assert protocol.decode_spec(data) == protocol.TrainSpec(name="n", model="m", hours=1)


@pytest.mark.parametrize("version", OTHERS)
def test_a_spec_of_another_version_can_be_shown(version: int) -> None:
    spec = protocol.TrainSpec(name="n", model="m", v=version)
    assert protocol.decode_spec(protocol.encode_line(spec)) == spec


@pytest.mark.parametrize("spec", [{"job": "train", "name": "n", "model": "m"}, {"job": "dance"}])
def test_a_spec_of_a_newer_version_is_not_worked_on(spec: dict[str, object]) -> None:
    with pytest.raises(OvernightError, match="newer version of Overnight") as caught:
        protocol.check_version(line_of(v=VERSION + 1, **spec))
    assert caught.value.kind is ErrorKind.RUN_UNKNOWN
    assert caught.value.hint
    for version in (VERSION, VERSION - 1):
        protocol.check_version(line_of(v=version, **spec))


def test_a_spec_that_only_a_newer_version_understands_says_so() -> None:
    with pytest.raises(OvernightError, match="newer version of Overnight"):
        protocol.decode_spec(line_of(job="dance", v=VERSION + 1))
    with pytest.raises(OvernightError, match="damaged"):
        protocol.decode_spec(line_of(job="dance", v=VERSION))
