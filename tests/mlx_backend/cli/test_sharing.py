"""The commands that give adapters away, take them in, and make one of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.cli import following
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter, read_adapter
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import Notice, Progress, Waiting
from mlx_backend.receiving import receive as receiving
from mlx_backend.receiving.receive import ReceiveOrder, Watch
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.receiving.tried import try_in_this_process


@pytest.fixture
def adapter(tiny_library: Library, loaded: LoadedModel) -> Adapter:
    return make_adapter(tiny_library.adapters, loaded, "Garden")


@pytest.fixture(autouse=True)
def trial_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    try_in_this_process(monkeypatch)


@pytest.mark.parametrize("form", ["mlx", "peft", "gguf", "fused", "bundle"])
def test_export_tells_what_the_contract_names(
    adapter: Adapter, run: Run, tmp_path: Path, form: str
) -> None:
    to = tmp_path / "out"
    result = run("export", "Garden", "--format", form, "--to", str(to))
    assert {Path(file).exists() for file in result["files"]} == {True}
    assert result["verified"] is True
    assert result["max_logit_difference"] < 1e-3
    assert result["privacy"]["is_clear"] is True


def test_export_to_something_that_is_there(adapter: Adapter, run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    words = ("export", "Garden", "--format", "bundle", "--to", str(tmp_path / "mine"))
    assert run(*words, code=1)["error"]["kind"] == "bad_input"
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("form", ["mlx", "bundle"])
@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("notes.txt/out", "notes.txt is a file"),
        ("notes.txt/deep/out", "notes.txt is a file"),
        ("n" * 300, "too long"),
        ("n" * 300 + "/out", "too long"),
        ("/proc/out", "does not let Overnight write at /proc/out"),
        ("out\udcff", "UTF-8"),
    ],
)
def test_a_place_where_nothing_can_be_written(
    adapter: Adapter, run: Run, tmp_path: Path, form: str, place: str, says: str
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    words = ("export", "Garden", "--format", form, "--to", tmp_path / place)
    error = run(*words, code=1)["error"]
    assert says in error["message"]
    assert error["hint"]
    assert [path.name for path in tmp_path.iterdir() if path.name != "library"] == ["notes.txt"]


def test_a_bundle_is_named_as_one(adapter: Adapter, said: Said, tmp_path: Path) -> None:
    words = ("export", "Garden", "--format", "bundle", "--to")
    assert f"to {tmp_path}/garden.overnight." in said(*words, tmp_path / "garden")
    assert (tmp_path / "garden.overnight").is_file()
    said(*words, tmp_path / "Own.OVERNIGHT")
    assert (tmp_path / "Own.OVERNIGHT").is_file()
    assert "already something at" in said(*words, tmp_path / "garden.overnight", code=1)


@pytest.mark.parametrize("words", [("stop",), ("resume",), ("pause",), ("models", "--remove")])
def test_a_name_of_three_hundred_letters_is_unknown(
    tiny_library: Library, run: Run, words: tuple[str, ...]
) -> None:
    assert run(*words, "n" * 300, code=1)["error"]["kind"] in ("run_unknown", "model_unknown")


def test_a_key_says_what_is_wrong_with_its_name(tiny_library: Library, run: Run) -> None:
    for name, says in (("", "needs a name"), ("n" * 300, "too long"), ("a\u200bb", "invisible")):
        assert says in run("key", "--make", name, code=1)["error"]["message"]
    assert run("key")["by"] is None


def test_received_merged_and_exported_again(
    tiny_library: Library, adapter: Adapter, run: Run, tmp_path: Path
) -> None:
    key = run("key", "--make", "Ana")
    bundle = tmp_path / "garden.overnight"
    run("export", "Garden", "--format", "bundle", "--to", str(bundle))
    result = run("receive", str(bundle), "--name", "Theirs")
    assert result["adapter"] == "Theirs"
    assert result["base"] in ("tiny", "starter")  # of the same weights here
    assert result["warnings"] == []
    assert (result["signed_by"], result["fingerprint"]) == ("Ana", key["fingerprint"])
    merged = run("merge", "Both", "Garden:0.7", "Theirs:0.5")
    told = {"rank": 8, "lost": 0.0, "exact_rank": 8, "close_rank": 8}
    assert merged == {"adapter": "Both", **told}
    small = run("merge", "Small", "Garden", "Theirs", "--rank", "2")
    assert (small["rank"], small["close_rank"]) == (2, 4)  # they are the same adapter twice
    run("export", "Both", "--format", "peft", "--to", str(tmp_path / "peft"))
    run("receive", str(tmp_path / "peft"), "--name", "Back")
    assert read_adapter(tiny_library.adapters, "Back").card.rank == 8


def test_what_is_fetched_and_waited_for_is_shown(
    tiny_library: Library, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(_: Library, order: ReceiveOrder, watch: Watch) -> dict[str, object]:
        watch.tell(Progress(done=2_000_000, total=9_000_000, unit="bytes"))
        watch.on_stage("downloading")
        watch.tell(Notice(text="The connection broke; trying again."))
        watch.tell(Waiting(reason="turn", text="It waits for the training to finish."))
        watch.on_stage("trying")
        told = {"adapter": order.name, "base": "tiny", "warnings": []}
        return told | {"signed_by": None, "fingerprint": None}

    monkeypatch.setattr(receiving, "receive", receive)
    said: list[str] = []
    monkeypatch.setattr(following, "_to_stderr", said.append)
    run("receive", "ana/garden", "--name", "Theirs")
    assert said == [
        "2.0 MB of 9.0 MB.",
        "Downloading ...",
        "The connection broke; trying again.",
        "It waits for the training to finish. Ctrl-C cancels.",
        "Trying it out ...",
    ]


def test_what_cannot_be_received(adapter: Adapter, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source, kind in (
        (str(tmp_path / "nothing"), "path_missing"),
        (str(tmp_path / "empty"), "bad_input"),
    ):
        assert run("receive", source, "--name", "Theirs", code=1)["error"]["kind"] == kind
    folder = str(tmp_path / "out")
    run("export", "Garden", "--to", folder)
    for name, kind in (("Garden", "adapter_exists"), ("../x", "bad_input")):
        assert run("receive", folder, "--name", name, code=1)["error"]["kind"] == kind


def test_a_key_is_made_once(tiny_library: Library, run: Run) -> None:
    assert run("key") == {"by": None, "fingerprint": None}
    made = run("key", "--make", " Ana  B. ")
    assert made["by"] == "Ana B."
    assert run("key") == made
    assert run("key", "--make", "Eve", code=1)["error"]["kind"] == "bad_input"
    assert run("key") == made
