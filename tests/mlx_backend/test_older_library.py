"""A library of version 0.1.0: all that is in it is still there, and half-way runs go on.

`tests/data/README.md` tells where it comes from.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlx_backend.cli.main import main
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.jobs.memory_ladder import SHORT_ROW, MemoryWay, read_way
from mlx_backend.library import Library, database
from mlx_backend.library.conversations import Conversations
from mlx_backend.library.sample_browsing import SampleBrowsing, SampleFilter
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.protocol import ImportSpec, TrainSpec
from mlx_backend.settings import load_settings
from tests.data.unpacking import unpack
from tests.mlx_backend.arrays import numpy, relative_error

Overnight = Callable[..., dict[str, Any]]

STATES = {
    "Early": JobState.FINISHED,
    "Harbour": JobState.FINISHED,
    "Cut": JobState.INTERRUPTED,
    "Frugal": JobState.STOPPED,
    "Waiting": JobState.STOPPED,
}
CLOSE = 2e-3  # in another way of computing, what Frugal has learned differs by ten times that


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """The library, opened by this version, which is also the one that commands take."""
    home = unpack(tmp_path)
    monkeypatch.setenv("OVERNIGHT_HOME", str(home))
    monkeypatch.setenv("OVERNIGHT_CORES", "1")
    return Library.open()


@pytest.fixture
def overnight(older: Library, capsys: pytest.CaptureFixture[str]) -> Overnight:
    """Runs a command in the library; returns what it says with --json."""

    def run(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        code = main([*words, "--json"])
        output, errors = capsys.readouterr()
        assert code == 0, errors
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found

    return run


def runs(library: Library) -> dict[str, JobFolder]:
    """The runs by the names of their adapters."""
    folders = {}
    for folder in JobFolder.all(library.runs):
        spec = folder.spec()
        assert isinstance(spec, TrainSpec)
        folders[spec.name] = folder
    return folders


def lines_of(folder: JobFolder) -> list[dict[str, Any]]:
    """The lines of a job's log, read by nobody else."""
    return [json.loads(line) for line in folder.events_path.read_bytes().splitlines()]


def test_notes_and_what_was_decided_about_them_are_there(overnight: Overnight) -> None:
    notes = {note["title"]: note for note in overnight("notes")["notes"]}
    assert {title: note["status"] for title, note in notes.items()} == {
        "Draft": "excluded",
        "Garden plan": "learned",
        "Lighthouse": "learned",
        "The ferry": "learned",
        "The rope shop": "learned",
    }
    assert notes["Lighthouse"]["path"] == "/home/person/overnight/notes/lighthouse.md"


def test_samples_and_conversations_are_there(older: Library) -> None:
    with database.opened(older.database) as connection:
        browsing = SampleBrowsing(connection)
        overview = browsing.overview()
        changed = browsing.rows(browsing.ids(SampleFilter(group="changed"))).values()
        conversations = Conversations(connection)
        (conversation,) = conversations.all()
        turns = conversations.turns(conversation.id)
    assert overview.written > overview.kept > 10
    assert {sample.choice for sample in changed} == {"drop", "edited"}
    assert conversation.title == "When was the lamp lit?"
    assert [turn.role for turn in turns] == ["user", "assistant"] * 2
    assert [turn.adapter for turn in turns] == [None, "Harbour"] * 2
    (citation,) = turns[1].citations
    assert citation.title == "Lighthouse"
    assert turns[1].quote == "Marta lit the lamp of Amber Cove at 18:40."
    assert turns[1].from_notes
    assert turns[3].left_out == 1


def test_settings_are_in_force(older: Library) -> None:
    settings = load_settings(older.settings)
    assert (settings.base_model, settings.rank, settings.hours) == ("tiny", 1, 0.25)


def test_jobs_stand_as_they_were_left_and_each_event_is_read(
    older: Library, overnight: Overnight
) -> None:
    found = runs(older)
    assert {name: folder.status().state for name, folder in found.items()} == STATES
    listed = {run["name"]: run for run in overnight("runs")["runs"]}
    assert {name: run["status"] for name, run in listed.items()} == STATES
    assert [listed[name]["step"] for name in ("Early", "Harbour", "Frugal")] == [2, 36, 13]
    others = JobFolder.all(older.jobs)
    assert sum(isinstance(folder.spec(), ImportSpec) for folder in others) == 1
    assert [folder.status().state for folder in others] == [JobState.FINISHED] * 2
    for folder in (*found.values(), *others):
        assert len(folder.reader().read_new()) == len(lines_of(folder)) > 3
    for name in ("Early", "Harbour"):
        report = json.loads((found[name].path / "report.json").read_bytes())
        assert found[name].status().result["verdict"] == report["verdict"]
        assert report["adapter"] == name
        assert report["exam_asked"] == len(report["exam"])
        assert report["valid_loss"] < report["base_valid_loss"]


def test_an_adapter_answers(overnight: Overnight) -> None:
    (adapter,) = overnight("adapters")["adapters"]
    assert (adapter["name"], adapter["base"]) == ("Harbour", "tiny")
    asked = ("chat", "--prompt", "When was the lamp lit?", "--temperature", "0")
    few = ("--max-tokens", "6")
    with_adapter = overnight(*asked, "--adapter", "Harbour", *few)
    alone = overnight(*asked, *few)
    assert with_adapter["prompt_tokens"] == alone["prompt_tokens"] > 0
    assert with_adapter["text"] != alone["text"]


def test_all_that_is_in_the_bin_comes_back(older: Library, overnight: Overnight) -> None:
    binned = overnight("bin")["bin"]
    kinds = sorted(item["kind"] for item in binned)
    assert kinds == ["adapter", "conversation", "note", "sample"]
    for item in binned:
        left = overnight("bin", "--restore", item["id"])["bin"]
        assert item["id"] not in {each["id"] for each in left}
    assert {a["name"] for a in overnight("adapters")["adapters"]} == {"Early", "Harbour"}
    assert "Old list" in {note["title"] for note in overnight("notes")["notes"]}
    with database.opened(older.database) as connection:
        assert len(Conversations(connection).all()) == 2
    assert overnight("chat", "--prompt", "Lamp?", "--adapter", "Early", "--max-tokens", "2")


def resumed(library: Library, overnight: Overnight, name: str) -> dict[str, Any]:
    """Go on with a run; returns its result, once it is sure that it went on where it was."""
    expected = json.loads((library.home.parent / "expected.json").read_bytes())[name]
    folder = runs(library)[name]
    before = len(lines_of(folder))
    result = overnight("resume", folder.id)
    events = lines_of(folder)[before:]
    started = [event["resumed_from"] for event in events if event["event"] == "started"]
    steps = [event["step"] for event in events if event["event"] == "step"]
    assert started == [expected["checkpoint"]]
    assert steps == list(range(expected["checkpoint"] + 1, expected["steps"] + 1))
    assert folder.status().state is JobState.FINISHED
    assert result["adapter"] == name
    assert result["valid_loss"] < result["base_valid_loss"]
    if not has_gpu():  # which has more in a batch
        for loss in ("train_loss", "valid_loss", "base_valid_loss"):
            assert result[loss] == pytest.approx(expected[loss], rel=CLOSE)
    return result


def test_a_killed_run_goes_on_and_learns_the_same(older: Library, overnight: Overnight) -> None:
    resumed(older, overnight, "Cut")
    if has_gpu():
        return
    found, whole = (
        load_tensors(older.adapters / name / "adapters.safetensors") for name in ("Cut", "Harbour")
    )
    assert found.keys() == whole.keys()
    for name, array in found.items():  # on the machine that made it, to the last bit
        assert relative_error(numpy(array), numpy(whole[name])) < 1e-2, name


def test_a_run_stays_as_frugal_with_memory_as_it_was(older: Library, overnight: Overnight) -> None:
    folder = runs(older)["Frugal"]
    given_up = json.loads((folder.path / "frugality.json").read_bytes())
    assert given_up == {"rung": 2, "smaller": True, "further": 1}
    told = len(folder.status().notices)
    resumed(older, overnight, "Frugal")
    notices = folder.status().notices[told:]
    # Only in the last of all ways are there shorter rows than the longest samples.
    assert any("longer than the model is trained on" in notice for notice in notices)
    plan = json.loads((folder.path / "plan.json").read_bytes())
    assert (plan["down"], plan["way"]) == (1, "with less memory, a little slower")
    assert read_way(folder) == MemoryWay("layer", SHORT_ROW, SHORT_ROW)
