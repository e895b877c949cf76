"""Makes `library_0_1.tar.gz`: a library as version 0.1.0 left it, for tests of later versions.

It was run once, with the code of 0.1.0, and stays to tell how the data came about: run with other
code, it would make a library of that code. Run it on Linux with `python -m
tests.data.make_library_0_1`, on one core (`taskset -c 0`).

What the archive holds:

- `library/`, with notes, samples, conversations, adapters, a bin, and five runs: `Early` and
  `Harbour` are finished, `Cut` was killed while it learned, `Frugal` ran short of memory again and
  again and was then stopped, `Waiting` was stopped before its first step.
- `expected.json`: what the code of 0.1.0 makes of `Cut` and `Frugal` when it goes on with them.

`Cut` is to learn the very same as `Harbour` did, so that it has to end with the same weights.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import msgspec
from mlx.utils import tree_flatten, tree_map
from mlx_lm.models import llama

from mlx_backend import protocol
from mlx_backend.dataset.upkeep import GENERAL_ANSWERS, GeneralAnswers
from mlx_backend.files import sha256_of_file
from mlx_backend.jobs import JobFolder, JobState, JobStatus, launch
from mlx_backend.jobs.supervisor import Persistence, Supervisor
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import WEIGHTS
from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.library.models import CARD, ModelCard
from mlx_backend.library.notes import Notes
from mlx_backend.night.surroundings import surroundings_of
from mlx_backend.protocol import Citation, ExportSpec, ImportSpec, JobSpec, TrainSpec
from mlx_backend.settings import change_settings
from mlx_backend.study.browsing import SampleBrowsing, SampleFilter
from mlx_backend.study.store import Samples, StoredSample
from mlx_backend.training.probe import GENERAL_PROBE, KeptProbes, digest_of
from tests.data.contents_0_1 import (
    CUT,
    CUT_AFTER,
    EARLY,
    FRUGAL,
    FRUGAL_UNTIL,
    HARBOUR,
    HARD_TIMES,
    LONG_ANSWER,
    NOTES,
    SHORTENED,
)
from tests.mlx_backend.tiny import write_tiny_model

ARCHIVE = Path(__file__).with_name("library_0_1.tar.gz")
PERSON = "/home/person/overnight"
# As long as the path that takes its place, so that this can be done byte by byte.
ROOT = Path("/tmp/older-" + "x" * (len(PERSON) - len("/tmp/older-")))
ROOT_TIME = 1_700_000_000  # of all files in the archive


def main() -> None:
    """Make the library, and what is expected of it, and pack both."""
    os.environ.pop("OVERNIGHT_CORES", None)
    shutil.rmtree(ROOT, ignore_errors=True)
    os.environ[HOME_VARIABLE] = str(ROOT / "library")
    library = Library.open()
    write_smallest_model(library.models / "tiny")
    (library.models / "starter").symlink_to("tiny")  # imports count its tokens
    change_settings(library.settings, base_model="tiny", rank=1, max_tokens=16, hours=0.25)
    read_notes(library)
    train(library, EARLY)
    decide(library)
    command("remove", "Early")
    train(library, HARBOUR)
    talk(library)
    run(library, ExportSpec(name="Harbour", format="mlx", to=str(ROOT / "exported")))
    cut_short(library)
    run_out_of_memory(library)
    stop_at_once(library)
    remember_the_window(library)
    (library.models / "starter").unlink()
    (ROOT / "expected.json").write_text(json.dumps(expected(library), indent=1))
    tidy(library)
    pack()
    shutil.rmtree(ROOT)


def write_smallest_model(folder: Path) -> None:
    """The tiny model of the tests in an even smaller shape, in 16 bits."""
    write_tiny_model(folder)
    config = json.loads((folder / "config.json").read_bytes())
    config |= {"hidden_size": 32, "intermediate_size": 48}
    config |= {"num_attention_heads": 2, "num_key_value_heads": 1}
    mx.random.seed(7)
    model = llama.Model(llama.ModelArgs.from_dict(config))
    half = tree_map(lambda array: array.astype(mx.bfloat16), model.parameters())
    weights = folder / "model.safetensors"
    mx.save_safetensors(str(weights), dict(tree_flatten(half)), metadata={"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(config))
    sha256 = sha256_of_file(weights)
    card = msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
    card = msgspec.structs.replace(card, parameters=30_000, sha256=sha256)
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    answers = msgspec.json.decode((folder / GENERAL_ANSWERS).read_bytes(), type=GeneralAnswers)
    pairs = tuple((prompt, "A lamp.") for prompt, _ in answers.pairs)
    answers = msgspec.structs.replace(answers, sha256=sha256, pairs=pairs)
    (folder / GENERAL_ANSWERS).write_bytes(msgspec.json.encode(answers))
    probes = msgspec.json.decode((folder / GENERAL_PROBE).read_bytes(), type=KeptProbes)
    probes = msgspec.structs.replace(probes, sha256=digest_of(sha256))
    (folder / GENERAL_PROBE).write_bytes(msgspec.json.encode(probes))


def read_notes(library: Library) -> None:
    for name, text in NOTES.items():
        path = ROOT / "notes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (ROOT / "notes" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    run(library, ImportSpec(paths=(str(ROOT / "notes"),)))


def decide(library: Library) -> None:
    """What the person does with notes and samples once they have looked at them."""
    notes = {note["title"]: note["id"] for note in command("notes")["notes"]}  # type: ignore[attr-defined]
    command("notes", "--delete", str(notes["Old list"]))
    command("notes", "--leave-out", str(notes["Draft"]))
    with database.opened(library.database) as connection:
        samples, browsing = Samples(connection), SampleBrowsing(connection)
        listed = sorted(browsing.rows(browsing.ids(SampleFilter(group="kept"))).items())
        left_out, edited, deleted = (number for number, _ in _one_of_each(listed))
        samples.choose(left_out, "drop")
        samples.edit(edited, "What do you know of the lamp?", LONG_ANSWER)
        Bin(library, connection).delete_samples([deleted])


def _one_of_each(listed: list[tuple[int, StoredSample]]) -> list[tuple[int, StoredSample]]:
    """Three samples, far from each other."""
    return [listed[0], listed[len(listed) // 2], listed[-1]]


def talk(library: Library) -> None:
    """A conversation that was answered from a note, and another one that was deleted."""
    with database.opened(library.database) as connection:
        (note,) = (n for n in Notes(connection).summaries() if n.title == "Lighthouse")
        quote = "Marta lit the lamp of Amber Cove at 18:40."
        start = Notes(connection).text(note.id).find(quote)
        cited = Citation(
            note=note.id,
            passage=1,
            title=note.title,
            path=note.path,
            start=start,
            end=start + len(quote),
        )
        conversations = Conversations(connection)
        kept = conversations.begin(StoredTurn("user", "When was the lamp lit?", None))
        conversations.add(
            kept,
            StoredTurn("assistant", f"Lighthouse: {quote}", "Harbour", (cited,), quote, True),
        )
        conversations.add(kept, StoredTurn("user", "And who lit it?", None))
        conversations.add(kept, StoredTurn("assistant", "Marta.", "Harbour", left_out=1))
        deleted = conversations.begin(StoredTurn("user", "What is a harbour?", None))
        conversations.add(deleted, StoredTurn("assistant", "A place for boats.", None))
        Bin(library, connection).delete_conversations([deleted])


def cut_short(library: Library) -> None:
    """Kill a run between two checkpoints, with its processes, as a power cut does."""
    folder = begin(library, CUT)
    pid = launch(folder)
    wait(folder, lambda status: status.step > CUT_AFTER)
    os.kill(pid, signal.SIGKILL)
    status = wait(folder, lambda status: status.state.is_over)
    assert status.state is JobState.INTERRUPTED
    assert status.checkpoint == CUT_AFTER
    assert status.step < HARBOUR.steps, "slower, please"  # type: ignore[operator]
    wait_for_children(folder)


def run_out_of_memory(library: Library) -> None:
    """A run that the supervisor made more frugal with memory, three times."""
    folder = begin(library, FRUGAL)
    folder.append(protocol.Launched())
    lock = folder.lock()
    assert lock.acquire()
    end = Supervisor(
        folder,
        surroundings_of(library, folder, FRUGAL),
        leave=lambda: False,
        persistence=Persistence(rests=(0.1,)),
        command=(sys.executable, "-c", HARD_TIMES),
    ).run()
    lock.release()
    assert isinstance(end, protocol.Stopped)
    assert end.step is not None
    assert FRUGAL_UNTIL <= end.step < FRUGAL_UNTIL + 9
    notices = folder.status().notices
    assert sum(SHORTENED in notice for notice in notices) == 2  # at the third start and the fourth


def stop_at_once(library: Library) -> None:
    """A run that was asked to wait for a later hour, and then stopped while it waited."""
    spec = msgspec.structs.replace(EARLY, name="Waiting", start_at=time.time() + 3600)
    folder = begin(library, spec)
    launch(folder)
    wait(folder, lambda status: status.waiting is not None)
    command("stop", folder.id)


def remember_the_window(library: Library) -> None:
    """What the window keeps beside the library, in a process that may load Qt."""
    subprocess.run(
        [sys.executable, "-m", "tests.data.make_window_files_0_1", str(library.home)],
        check=True,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )


def expected(library: Library) -> dict[str, object]:
    """What comes of the runs that are half-way, in a copy of the library."""
    copy = ROOT / "copy"
    shutil.copytree(library.home, copy)
    os.environ[HOME_VARIABLE] = str(copy)
    found: dict[str, object] = {}
    for folder in JobFolder.all(Library.open().runs):
        spec = folder.spec()
        assert isinstance(spec, TrainSpec)
        if spec.name not in ("Cut", "Frugal"):
            continue
        checkpoint = folder.newest_checkpoint()
        result = command("resume", folder.id)
        found[spec.name] = {
            "checkpoint": checkpoint,
            "steps": result["steps"],
            "train_loss": result["train_loss"],
            "valid_loss": result["valid_loss"],
            "base_valid_loss": result["base_valid_loss"],
            "weights_sha256": sha256_of_file(copy / "adapters" / spec.name / WEIGHTS),
        }
    os.environ[HOME_VARIABLE] = str(library.home)
    assert weights(copy, "Cut") == weights(library.home, "Harbour")
    return found


def weights(home: Path, name: str) -> dict[str, object]:
    arrays = mx.load(str(home / "adapters" / name / WEIGHTS))
    assert isinstance(arrays, dict)
    return {key: array.tolist() for key, array in arrays.items()}


def tidy(library: Library) -> None:
    """Leave the person's paths instead of those of the machine that made all this."""
    with sqlite3.connect(library.database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for path in library.home.rglob("*"):
        if path.is_file():
            data = path.read_bytes().replace(str(ROOT).encode(), PERSON.encode())
            path.write_bytes(data)
    for beside in library.home.glob("*.sqlite-*"):
        beside.unlink()
    connection = sqlite3.connect(library.database)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    for beside in library.home.glob("*.sqlite-*"):
        beside.unlink()


def pack() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("expected.json", "library"):
            archive.add(ROOT / name, name, filter=_anonymous)
    ARCHIVE.write_bytes(gzip.compress(buffer.getvalue(), 9, mtime=0))
    print(f"{ARCHIVE.stat().st_size:,} bytes")


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = ROOT_TIME
    return member


def begin(library: Library, spec: TrainSpec) -> JobFolder:
    """A run's folder; it computes on one core, as at its first start on a machine with one."""
    folder = JobFolder.create(library.runs, spec)
    (folder.path / "cores").write_text("1")
    return folder


def train(library: Library, spec: TrainSpec) -> None:
    folder = begin(library, spec)
    launch(folder)
    _finished(folder)


def run(library: Library, spec: JobSpec) -> None:
    folder = JobFolder.create(library.jobs, spec)
    launch(folder)
    _finished(folder)


def _finished(folder: JobFolder) -> None:
    status = wait(folder, lambda status: status.state.is_over)
    assert status.state is JobState.FINISHED, (status, folder.log_path.read_text())
    wait_for_children(folder)


def wait(folder: JobFolder, until: Callable[[JobStatus], bool]) -> JobStatus:
    while not until(status := folder.status()):
        time.sleep(0.002)
    return status


def wait_for_children(folder: JobFolder) -> None:
    """Until no process works in a folder any more."""
    look = ["pgrep", "-f", str(folder.path)]
    while subprocess.run(look, check=False, stdout=subprocess.DEVNULL).returncode == 0:
        time.sleep(0.05)


def command(*words: str) -> dict[str, object]:
    """What an `overnight` command says with --json."""
    script = "import sys; from mlx_backend.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, *words, "--json"], check=True, stdout=subprocess.PIPE
    )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
