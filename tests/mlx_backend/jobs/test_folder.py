from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.library import Library
from mlx_backend.protocol import ErrorReport, ImportSpec, TrainSpec

SPEC = TrainSpec(name="Garden", model="tiny")


@pytest.fixture
def folder(library: Library) -> JobFolder:
    return JobFolder.create(library.runs, SPEC)


def step(number: int) -> protocol.StepDone:
    return protocol.StepDone(
        step=number,
        steps=100,
        loss=2.0,
        learning_rate=1e-3,
        tokens_per_second=10.0,
        peak_bytes=1,
        elapsed_s=1.0,
        remaining_s=1.0,
    )


FAILED = protocol.Failed(error=ErrorReport(kind="disk_full", message="m"))
LAUNCHED_NOW = protocol.Launched()  # its time is set when it is told
STORIES: dict[str, tuple[list[protocol.JobEvent], JobState]] = {
    "finished": ([protocol.Started(pid=1), protocol.Finished(result={"a": 1})], JobState.FINISHED),
    "stopped": ([protocol.Started(pid=1), protocol.Stopped()], JobState.STOPPED),
    "failed": ([protocol.Started(pid=1), FAILED], JobState.FAILED),
    "died": ([protocol.Started(pid=1), step(5)], JobState.INTERRUPTED),
    "launched": ([LAUNCHED_NOW], JobState.STARTING),
    "launched long ago": ([protocol.Launched(at=time.time() - 3600)], JobState.INTERRUPTED),
    "never launched": ([], JobState.INTERRUPTED),
    "failed, then launched": ([FAILED, LAUNCHED_NOW], JobState.STARTING),
    "stopped, then died": ([protocol.Stopped(), protocol.Started(pid=2)], JobState.INTERRUPTED),
}


@pytest.mark.parametrize("name", STORIES)
def test_the_events_tell_the_state(folder: JobFolder, name: str) -> None:
    events, state = STORIES[name]
    for event in events:
        folder.append(protocol.Launched() if event is LAUNCHED_NOW else event)
    assert folder.status().state is state


@pytest.mark.parametrize("version", [0, protocol.VERSION + 1])
@pytest.mark.parametrize("name", ["finished", "stopped", "failed", "died"])
def test_a_run_of_another_version_keeps_its_state(
    library: Library, name: str, version: int
) -> None:
    events, state = STORIES[name]
    folder = JobFolder.create(library.runs, msgspec.structs.replace(SPEC, v=version))
    for event in events:
        folder.append(msgspec.structs.replace(event, v=version))
        with folder.events_path.open("ab") as file:
            file.write(b'{"event": "dreamt", "of": "sheep", "v": %d}\n' % version)
    assert folder.status().state is state
    spec = folder.spec()
    assert isinstance(spec, TrainSpec)
    assert spec.name == "Garden"


@pytest.mark.parametrize("job", [b"train", b"dance"])
def test_a_run_of_a_newer_version_is_not_resumed(folder: JobFolder, job: bytes) -> None:
    folder.append(protocol.Stopped(step=3))
    path = folder.path / "spec.json"
    path.write_bytes(b'{"job": "%s", "name": "n", "model": "m", "v": 99}' % job)
    with pytest.raises(OvernightError, match="newer version of Overnight"):
        launch(folder)
    assert folder.status().state is JobState.STOPPED
    assert len(folder.reader().read_new()) == 1


def test_the_lines_of_an_earlier_version_tell_its_report(folder: JobFolder) -> None:
    fields: dict[str, object] = {"adapter": "Garden", "exam_asked": 4, "exam_after": 3}
    folder.append(protocol.Finished(result=fields, v=0))
    report = folder.status().report
    assert (report.filed.adapter, report.exam.asked, report.exam.after) == ("Garden", 4, 3)


def test_a_held_lock_means_that_it_runs(folder: JobFolder) -> None:
    folder.append(protocol.Started(pid=1))
    lock = folder.lock()
    assert lock.acquire()
    assert folder.status().state is JobState.RUNNING
    lock.release()
    assert folder.status().state is JobState.INTERRUPTED


def test_status_adds_up_the_events(folder: JobFolder) -> None:
    for event in (
        protocol.Started(pid=1),
        protocol.StageBegan(stage="training"),
        protocol.Planned(notes=1, samples=2, held_out=0, steps=100),
        step(1),
        step(2),
        protocol.CheckpointSaved(step=2),
        protocol.Notice(text="Hello."),
        FAILED,
    ):
        folder.append(event)
    status = folder.status()
    assert (status.step, status.steps, status.checkpoint) == (2, 100, 2)
    assert status.stage == "training"
    assert status.notices == ["Hello."]
    assert status.error == FAILED.error
    status.apply(protocol.Started(pid=2))
    assert status.error is None


def test_a_line_still_being_written_waits(folder: JobFolder) -> None:
    reader = folder.reader()
    line = protocol.encode_line(protocol.Notice(text="whole"))
    with folder.events_path.open("ab") as file:
        file.write(line[:10])
        file.flush()
        assert reader.read_new() == []
        file.write(line[10:])
        file.flush()
        (event,) = reader.read_new()
    assert isinstance(event, protocol.Notice)
    assert reader.read_new() == []


def test_a_line_cut_short_by_a_crash_spoils_no_other(folder: JobFolder) -> None:
    folder.append(step(1))
    with folder.events_path.open("ab") as file:
        file.write(protocol.encode_line(step(2))[:20])
    assert folder.status().step == 1
    folder.seal_last_line()
    folder.append(step(3))
    assert folder.status().step == 3
    folder.seal_last_line()  # nothing to do
    assert folder.events_path.read_bytes().count(b"\n") == 3


def test_garbage_in_the_log_is_passed_over(folder: JobFolder) -> None:
    folder.append(step(1))
    with folder.events_path.open("ab") as file:
        file.write(b"\xff\xfe\n\n{}\n" + b"[" * 10_000 + b'\n{"event": "of a later version"}\n')
    folder.append(step(2))
    assert folder.status().step == 2


def test_a_long_log_comes_in_pieces(folder: JobFolder) -> None:
    for number in range(1, 51):
        folder.append(step(number))
    reader, seen = folder.reader(), 0
    while events := reader.read_new(limit=1000):
        assert len(events) < 50
        seen += len(events)
    assert seen == 50
    assert reader.offset == folder.events_path.stat().st_size


def test_no_log_is_no_events(folder: JobFolder) -> None:
    assert folder.reader().read_new() == []
    folder.seal_last_line()
    assert not folder.events_path.exists()


def test_the_spec_is_kept(folder: JobFolder, library: Library) -> None:
    assert folder.spec() == SPEC
    assert JobFolder.find(library.runs, folder.id).spec() == SPEC
    assert folder.home == library.home


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"job": "dance"}', b"[" * 100_000])
def test_a_damaged_spec_is_a_typed_error(folder: JobFolder, data: bytes) -> None:
    (folder.path / "spec.json").write_bytes(data)
    with pytest.raises(OvernightError) as caught:
        folder.spec()
    assert caught.value.kind is ErrorKind.RUN_UNKNOWN


@pytest.mark.parametrize("name", ["", ".", "..", "nobody", "../runs", "a/b", "/etc"])
def test_an_unknown_job(library: Library, folder: JobFolder, name: str) -> None:
    with pytest.raises(OvernightError) as caught:
        JobFolder.find(library.runs, name)
    assert caught.value.kind is ErrorKind.RUN_UNKNOWN


def test_all_jobs_the_newest_first(library: Library) -> None:
    for name in ("20260101-000000-aa", "20260301-000000-aa", "20260201-000000-aa"):
        JobFolder.create(library.jobs, ImportSpec(paths=("/a",)), name)
    (library.jobs / "stray").mkdir()
    assert [job.id[4:6] for job in JobFolder.all(library.jobs)] == ["03", "02", "01"]
    assert JobFolder.all(library.home / "gone") == []


def test_a_folder_is_made_once(library: Library) -> None:
    JobFolder.create(library.jobs, SPEC, "same")
    with pytest.raises(FileExistsError):
        JobFolder.create(library.jobs, SPEC, "same")


def test_ids_are_not_given_twice() -> None:
    ids = {JobFolder.new_id() for _ in range(50)}
    assert len(ids) == 50


def test_the_request_to_stop(folder: JobFolder) -> None:
    assert not folder.stop_requested()
    folder.request_stop()
    folder.request_stop()
    assert folder.stop_requested()
    folder.clear_stop_request()
    folder.clear_stop_request()
    assert not folder.stop_requested()


def test_the_request_to_pause(folder: JobFolder) -> None:
    assert not folder.pause_requested()
    folder.request_pause()
    folder.request_pause()
    assert folder.pause_requested()
    assert not folder.stop_requested()
    folder.clear_pause()
    folder.clear_pause()
    assert not folder.pause_requested()


def test_what_can_be_gone_on_with() -> None:
    resumable = {state for state in JobState if state.can_resume}
    assert resumable == {JobState.STOPPED, JobState.FAILED, JobState.INTERRUPTED}
    assert JobStatus().state is JobState.STARTING


def test_a_report_is_readable_json(folder: JobFolder) -> None:
    path: Path = folder.write_report({"steps": 3, "valid_loss": None})
    assert path.read_text().startswith("{\n")


@pytest.mark.parametrize(
    ("later", "saved"),
    [
        ([], 50),
        ([protocol.Started(pid=1, resumed_from=50)], 50),
        ([protocol.Started(pid=1)], None),  # it began anew, and dropped what was saved
        ([protocol.Started(pid=1, resumed_from=50), step(1)], None),
        ([protocol.Started(pid=1, resumed_from=50), step(41)], 40),  # the newest was damaged
        ([protocol.Started(pid=1, resumed_from=50), step(51)], 50),
    ],
)
def test_the_checkpoint_is_the_one_to_go_on_from(
    later: list[protocol.JobEvent], saved: int | None
) -> None:
    status = JobStatus()
    for event in (step(50), protocol.CheckpointSaved(step=50), *later):
        status.apply(event)
    assert status.checkpoint == saved
