"""Every command, run in this process: what it prints and returns."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.cli.main import main
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import TrainSpec
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.protocol.contract import ADAPTED, ALWAYS, FACTS, GENERAL, LATER, MEASURED
from tests.mlx_backend.tiny import write_tiny_model


@pytest.fixture
def fail(run: Run) -> Callable[..., str]:
    """Runs a command that fails; returns the kind of its error."""

    def command(*words: object) -> str:
        error = run(*words, code=1)["error"]
        assert error.keys() == {"kind", "message", "hint"}
        assert error["message"]
        assert error["hint"]
        return str(error["kind"])

    return command


@pytest.fixture
def adapter(tiny_library: Library, loaded: LoadedModel) -> str:
    return make_adapter(tiny_library.adapters, loaded, "Made").card.name


def past_run(library: Library, *events: protocol.JobEvent) -> JobFolder:
    folder = JobFolder.create(library.runs, TrainSpec(name="Past", model="tiny"))
    for event in events:
        folder.append(event)
    return folder


def test_the_whole_journey(filled_library: Library, run: Run, tmp_path: Path) -> None:
    planned = run("plan", "--steps", 3)
    assert planned.keys() >= {"samples", "steps", "peak_bytes", "minutes", "fits"}
    assert planned["steps"] == 3
    trained = run("train", "--name", "Garden", "--steps", 3)
    names = {"run", "adapter", "steps", "train_loss", "valid_loss", "tokens_per_second"}
    assert trained.keys() >= names | {"peak_bytes", "report"}
    told = ALWAYS | ADAPTED | FACTS | GENERAL | {"report"}
    assert trained.keys() - MEASURED - LATER == told
    assert (trained["adapter"], trained["steps"]) == ("Garden", 3)
    assert Path(trained["report"]).is_file()
    (listed,) = run("runs")["runs"]
    assert (listed["id"], listed["status"], listed["step"], listed["steps"]) == (
        trained["run"],
        "finished",
        3,
        3,
    )
    (found,) = run("adapters")["adapters"]
    assert (found["name"], found["base"]) == ("Garden", "tiny")
    assert found["bytes"] > 0
    assert {note["status"] for note in run("notes")["notes"]} == {"learned"}
    exported = run("export", "Garden", "--format", "mlx", "--to", tmp_path / "out")
    assert exported["verified"]
    assert exported["max_logit_difference"] < 1e-3
    assert all(Path(file).is_file() for file in exported["files"])
    assert run("remove", "Garden", "--now") == {"removed": "Garden", "bin": []}
    assert run("adapters") == {"adapters": [], "damaged": []}


def test_a_name_that_a_run_will_take_first_is_said(
    filled_library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = past_run(filled_library, protocol.Started(pid=os.getpid())).lock()
    assert lock.acquire()
    late = ("--start-at", "2990-01-01T23:00", "--detach")
    for name, says in (("Other", False), ("Past", True)):
        assert main(["train", "--name", name, *late]) == 0
        assert ("is saved as 'Past 2'" in capsys.readouterr().err) is says
    lock.release()
    for folder in JobFolder.all(filled_library.runs):
        if not folder.status().state.is_over:
            main(["stop", folder.id])


def test_import_and_notes(tiny_library: Library, notes_folder: Path, run: Run) -> None:
    (notes_folder / "film.mp4").write_bytes(b"\0")
    first = run("import", notes_folder)
    assert (first["notes"], first["added"], first["unchanged"]) == (3, 3, 0)
    assert first["changed"] == first["removed"] == 0
    ((skipped),) = first["skipped"]
    assert skipped.keys() == {"path", "reason"}
    assert run("import", notes_folder)["unchanged"] == 3
    listed = run("notes")["notes"]
    assert len(listed) == 3
    assert listed[0].keys() == {"id", "title", "path", "words", "tokens", "status", "why"}


def test_chat(tiny_library: Library, adapter: str, run: Run) -> None:
    words = ("--prompt", "Who?", "--temperature", 0, "--max-tokens", 6)
    base = run("chat", *words)
    names = {"text", "citations", "prompt_tokens", "cached_tokens", "ttft_ms", "tokens_per_second"}
    assert base.keys() >= names
    assert run("chat", *words)["text"] == base["text"]
    assert run("chat", *words, "--adapter", adapter)["text"] != base["text"]
    assert run("chat", *words, "--adapter", f"{adapter}:0")["text"] == base["text"]
    assert run("chat", "--prompt", b"\xff\xfe".decode(errors="surrogateescape"), "--max-tokens", 2)
    both = ("--adapter", adapter, "--adapter", f"{adapter}:-1")
    assert run("chat", *words, *both)["text"] == base["text"]


def test_exam(tiny_library: Library, adapter: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("Who?\tMarta|Oskar\nWhere?\t\n")
    found = run("exam", tmp_path / "q.tsv", "--adapter", adapter)
    assert (found["asked"], found["correct"], found["accuracy"]) == (2, 0, 0.0)
    assert found["items"][0].keys() == {"question", "answers", "text", "right", "citations"}
    assert found["items"][0]["answers"] == ["Marta", "Oskar"]


def test_chat_and_exam_of_a_chosen_base_model(
    tiny_library: Library, adapter: str, run: Run, said: Said, tmp_path: Path
) -> None:
    write_tiny_model(tiny_library.models / "other", "other", seed=8)
    (tmp_path / "q.tsv").write_text("Who?\tMarta\n")
    words = ("--prompt", "Who?", "--temperature", 0, "--max-tokens", 6)
    other = run("chat", *words, "--model", "other")["text"]
    assert other != run("chat", *words)["text"]
    asked = [run("exam", tmp_path / "q.tsv", *model) for model in ((), ("--model", "other"))]
    assert asked[0]["items"][0]["text"] != asked[1]["items"][0]["text"]

    trained_on = run("adapters")["adapters"][0]["base"]
    assert run("chat", *words, "--adapter", adapter, "--model", trained_on)["text"]
    for command in (("chat", *words), ("exam", tmp_path / "q.tsv")):
        failed = said(*command, "--adapter", adapter, "--model", "other", code=1)
        assert f"trained on the base model '{trained_on}', not on 'other'" in failed
    assert "There is no base model called 'gone'" in said("chat", *words, "--model", "gone", code=1)
    assert "cannot think aloud" in said("chat", *words, "--think", code=1)


def test_models_and_doctor(tiny_library: Library, run: Run) -> None:
    models = run("models")["models"]
    assert {model["name"] for model in models} == {"starter", "tiny"}
    assert models[0].keys() >= {"name", "bytes", "licence", "fits"}
    checks = run("doctor")["checks"]
    assert all(check.keys() == {"name", "ok", "detail"} for check in checks)
    assert all(check["detail"] for check in checks)


def test_an_empty_library_has_nothing_and_says_so(
    library: Library, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("notes") == {"notes": []}
    assert run("adapters") == {"adapters": [], "damaged": []}
    assert run("runs") == {"runs": []}
    for command in ("notes", "adapters", "runs"):
        assert main([command]) == 0
        assert "overnight" in capsys.readouterr().out


def test_notes_can_be_left_out_and_say_why(
    filled_library: Library, run: Run, fail: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = [note["id"] for note in run("notes")["notes"]]
    why = {note["id"]: note["why"] for note in run("notes", "--leave-out", first)["notes"]}
    assert why == {first: "You left it out."} | dict.fromkeys(others, "")
    assert main(["notes"]) == 0
    assert "You left it out." in capsys.readouterr().out
    taken_in = run("notes", "--take-in", first)["notes"]
    assert not any(note["why"] for note in taken_in)
    assert fail("notes", "--leave-out", first, 10**6) == "bad_input"
    assert run("notes")["notes"] == taken_in


def test_runs_name_the_stage_of_what_goes_on(filled_library: Library, run: Run) -> None:
    going_on = past_run(
        filled_library,
        protocol.Started(pid=os.getpid()),
        protocol.StageBegan(stage="studying"),
    )
    lock = going_on.lock()
    assert lock.acquire()
    (row,) = run("runs")["runs"]
    assert (row["status"], row["stage"]) == ("running", "studying")
    lock.release()
    (row,) = run("runs")["runs"]
    assert (row["status"], row["stage"]) == ("interrupted", "")


def test_a_stopped_run_can_be_resumed_and_only_a_running_one_stopped(
    filled_library: Library, run: Run, fail: Callable[..., str]
) -> None:
    assert fail("resume", "nobody") == "run_unknown"
    assert fail("stop", "nobody") == "run_unknown"
    finished = past_run(filled_library, protocol.Finished(result={}))
    assert fail("resume", finished.id) == "run_state"
    assert fail("stop", finished.id) == "run_state"
    interrupted = past_run(filled_library, protocol.Started(pid=1))
    states = {row["id"]: row["status"] for row in run("runs")["runs"]}
    assert states == {finished.id: "finished", interrupted.id: "interrupted"}


def test_what_cannot_be_trained(
    filled_library: Library, adapter: str, fail: Callable[..., str]
) -> None:
    assert fail("train", "--name", "../evil") == "bad_input"
    assert fail("train", "--name", adapter) == "adapter_exists"
    assert fail("train", "--name", "New", "--model", "nobody") == "model_unknown"
    assert fail("train", "--name", "New", "--from", "nobody") == "adapter_unknown"
    for option in ("--start-at", "--finish-by"):
        assert fail("train", "--name", "New", option, "2020-01-01T07:00") == "bad_input"
    late_start = ("--start-at", "2990-01-02T07:00", "--finish-by", "2990-01-01T07:00")
    assert fail("train", "--name", "New", *late_start) == "bad_input"
    assert fail("train", "--name", "New", "--hosts", "/no/file") == "path_missing"
    assert list(filled_library.runs.iterdir()) == []


def test_without_notes(tiny_library: Library, fail: Callable[..., str]) -> None:
    assert fail("train", "--name", "New") == "no_notes"
    assert fail("plan") == "no_notes"


def test_what_cannot_be_imported(
    tiny_library: Library, fail: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert fail("import", tmp_path / "empty") == "no_notes"
    assert fail("import", tmp_path / "gone") == "path_missing"


def test_unknown_and_damaged_adapters(
    tiny_library: Library, adapter: str, fail: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "q.tsv").write_text("Who?\tMarta\n")
    prompt = ("chat", "--prompt", "Who?", "--adapter")
    assert fail(*prompt, "nobody") == "adapter_unknown"
    assert fail("exam", tmp_path / "q.tsv", "--adapter", "nobody") == "adapter_unknown"
    assert fail("export", "nobody", "--to", tmp_path / "out") == "adapter_unknown"
    assert fail("remove", "nobody") == "adapter_unknown"
    assert fail("export", adapter, "--to", tmp_path) == "bad_input"
    assert fail("exam", tmp_path / "gone.tsv") == "path_missing"
    (tiny_library.adapters / adapter / "adapters.safetensors").write_bytes(b"x")
    assert fail(*prompt, adapter) == "adapter_damaged"
    (tiny_library.adapters / adapter / "card.json").write_bytes(b"\xff")
    assert fail(*prompt, adapter) == "adapter_damaged"


def test_a_base_that_is_missing_or_half_written(
    tiny_library: Library, adapter: str, fail: Callable[..., str], tmp_path: Path
) -> None:
    model = tiny_library.models / "tiny"
    whole = model.resolve()
    model.unlink()
    (tiny_library.models / "starter").unlink()  # the same weights
    assert fail("chat", "--prompt", "Who?") == "model_unknown"
    assert fail("chat", "--prompt", "Who?", "--adapter", adapter) == "model_unknown"
    assert fail("export", adapter, "--to", tmp_path / "out") == "model_unknown"
    shutil.copytree(whole, model)
    (model / "model.safetensors").write_bytes(b"half")
    assert fail("chat", "--prompt", "Who?") == "model_damaged"
    (model / "tokenizer.json").unlink()
    assert fail("chat", "--prompt", "Who?") == "model_damaged"


def test_a_damaged_library(library: Library, fail: Callable[..., str], notes_folder: Path) -> None:
    library.database.write_bytes(b"This is no database." * 500)
    assert fail("notes") == "library_damaged"
    assert fail("import", notes_folder) == "library_damaged"
    assert fail("train", "--name", "New") == "library_damaged"


def test_a_library_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail: Callable[..., str]
) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("OVERNIGHT_HOME", str(tmp_path / "file"))
    for command in ("notes", "adapters", "runs"):
        assert fail(command) == "missing_library"


def test_errors_for_people_name_the_log(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.database.write_bytes(b"This is no database." * 500)
    assert main(["notes"]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    log = library.logs / "overnight.log"
    assert str(log) in errors
    assert "Traceback" not in errors
    assert "Traceback" in log.read_text()


def test_the_log_tells_nothing_private(
    library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"  # put together, so that no scanner takes it for a leak
    questions = tmp_path / f"{key}.tsv"
    questions.write_bytes(b"\xff\xfe\xfd not text")
    assert main(["exam", str(questions)]) == 1
    capsys.readouterr()
    log = (library.logs / "overnight.log").read_text()
    assert "[AWS key removed].tsv" in log
    assert key not in log
