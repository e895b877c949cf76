"""The study of a run: it writes samples about the notes and makes the dataset of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import mlx.core as mx
import msgspec

from mlx_backend import protocol
from mlx_backend.dataset import compose, general_samples
from mlx_backend.dataset.compose import Additions, Material
from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.dataset.reader_samples import passages_by_rule
from mlx_backend.dataset.recipe import recipe_for
from mlx_backend.dataset.samples import Dataset
from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.pace import Pace
from mlx_backend.library.drop_reasons import LEFT_OUT
from mlx_backend.library.home import Library
from mlx_backend.library.models import BaseModel
from mlx_backend.library.notes import Notes
from mlx_backend.library.sample_drafts import RULES
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import Yield, digest
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.starter import find_base_model
from mlx_backend.night.shares import Budget, answering_s, budget_of
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.study_clock import StudyClock
from mlx_backend.run.withdrawn import left_out_samples
from mlx_backend.study.by_model.writer import Writer
from mlx_backend.study.reader_study import ReaderStudy, passages_to_study
from mlx_backend.study.study import Study, StudyPlan, StudyProgress, study_by_rule

# Rough times to write about a passage and to write a general answer, without and with a GPU.
_SECONDS_A_PASSAGE = 8.0
_SECONDS_A_PASSAGE_GPU = 1.0
# A reader writes much more, and answers it: about 140 seconds of one core a passage, estimated from
# a few passages with 1.5 billion parameters in float32.
_READER_TAKES = 18.0
_SECONDS_AN_ANSWER = 0.5
_SECONDS_AN_ANSWER_GPU = 0.05
_EVERY_S = 0.2  # between two progress events


class Studied(msgspec.Struct, frozen=True):
    """The seconds that study took in all attempts, and how many samples there are by now.

    `answering_s` is the part of `seconds` that general answers took. `written` and `used` count
    samples, `dropped` those that were thrown out, by reason; `recipe` says in words what the
    dataset is made of.
    """

    seconds: float = 0.0
    answering_s: float = 0.0
    written: int = 0
    used: int = 0
    dropped: dict[str, int] = {}
    recipe: str = ""

    @property
    def studying_s(self) -> float:
        """The seconds without those of general answers."""
        return self.seconds - self.answering_s


def studied_before(folder: JobFolder) -> Studied:
    """The record of a run's study so far; an empty one where none can be read."""
    try:
        return msgspec.json.decode(folder.study_record.read_bytes(), type=Studied)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return Studied()


def budget(end: float | None, now: float) -> Budget:
    """What the parts of a run that must end by `end` (Unix time) may take, seen from `now`."""
    return budget_of(None if end is None else end - now)


def unstudied(samples: Samples, material: Material, model: BaseModel) -> int:
    """How many passages `model` has yet to write about; those that state nothing, it never will.

    Of a reader, passages that lack any genre.
    """
    if model.reads:
        return passages_to_study(samples, material.passages, model.card.name)
    nothing_to_ask = samples.studied(RULES) - samples.written_about(RULES)
    done = samples.studied(model.card.name) | nothing_to_ask
    return sum((p.note_id, digest(p)) not in done for p in material.passages)


def expected_writing(
    samples: Samples, material: Material, model: BaseModel, budget_s: float
) -> float:
    """About how long `model` takes to write about the notes what it has not; `budget_s` at most."""
    each = _SECONDS_A_PASSAGE_GPU if has_gpu() else _SECONDS_A_PASSAGE
    if model.reads:
        each *= _READER_TAKES
    return min(budget_s, unstudied(samples, material, model) * each)


def expected_answering(model: BaseModel, budget_s: float) -> float:
    """About how long `model` takes to write its missing general answers; `budget_s` at most."""
    answers = general_samples.answers_to_write(model.path, model.card.sha256)
    return min(budget_s, answers * (_SECONDS_AN_ANSWER_GPU if has_gpu() else _SECONDS_AN_ANSWER))


class StudyStage:
    """Studies for one run. The samples go to the library, where later runs find them."""

    def __init__(
        self, library: Library, folder: JobFolder, spec: TrainSpec, stop: Callable[[], bool]
    ) -> None:
        self._library = library
        self._folder = folder
        self._spec = spec
        self._stop = stop
        self._began = time.time()
        self._answering_began: float | None = None
        self._before = studied_before(folder)
        self._told = 0.0
        self._clock = StudyClock(self._began, self._began)
        self._writer: Writer | None = None

    def dataset(self, notes: Notes, end: float | None) -> Dataset | None:
        """Study, and make the dataset; None when asked to stop first.

        `end` is when the whole run must be over (Unix time). Raises OvernightError when there is
        nothing to learn or the base model cannot be used.
        """
        material = compose.gather(notes)
        if not self._spec.study:
            dataset = compose.raw_dataset(material, self._spec.seed)
            return msgspec.structs.replace(dataset, left_out=())
        may_take = budget(end, self._began)
        samples = Samples(notes.connection)
        found = self._write(samples, material, may_take.study)
        if self._stop():
            return None
        general = self._general_answers(answering_s(may_take, self._studying_s))
        model = self._load_writer().loaded.info
        self._writer = None
        mx.clear_cache()
        if self._stop():
            return None
        material = material.without_withdrawn(notes)  # because study takes hours
        left_out = tuple(left_out_samples(notes.connection))
        studied = compose.studied_passages(samples, material.passages, material.answers_kept)
        recipe = recipe_for(studied, reads=model.reads).text
        self._record(found, recipe)
        self._tell(found, recipe)
        additions = Additions.of(model, general)
        self._tell_of_rules(studied, additions)
        dataset = compose.studied_dataset(studied, material, additions, self._spec.seed)
        return msgspec.structs.replace(dataset, left_out=left_out)

    def _write(self, samples: Samples, material: Material, budget_s: float) -> Yield:
        """Write samples about the notes, which come before everything else."""
        before = self._before
        deadline = self._began + budget_s - before.studying_s
        self._folder.append(protocol.StageBegan(stage="studying"))
        self._tell_expected(samples, material, deadline)
        found = self._study(samples, material, deadline)
        self._record(found, "")
        return found

    @property
    def _studying_s(self) -> float:
        """The seconds of study in all attempts, before general answers are written in this one."""
        return self._before.studying_s + time.time() - self._began

    def _study(self, samples: Samples, material: Material, deadline: float) -> Yield:
        """Study as suits the model: with what it writes itself if it reads, else with the rules."""
        plan = StudyPlan(deadline, self._spec.seed)
        writer = self._load_writer()
        if not writer.loaded.info.reads:
            study = Study(samples, plan, self._progressed, self._stop)
            return study.run(material.passages, self._load_writer)
        reader_study = ReaderStudy(samples, plan, self._progressed, self._stop)
        found = reader_study.run(material.passages, writer.loaded, material.places.pointed_to)
        if not self._stop():
            # What it did not write about is better learned by rote than not at all.
            study_by_rule(samples, material.passages)
        return found

    def _general_answers(self, budget_s: float) -> general_samples.GeneralAnswers:
        """The base model's general answers: those that are kept, and more while time is left."""
        self._answering_began = time.time()
        deadline = self._answering_began + budget_s - self._before.answering_s
        info = find_base_model(self._library, self._spec.model)
        if general_samples.answers_to_write(info.path, info.card.sha256):
            self._folder.append(protocol.StageBegan(stage="answering"))
        writer = self._load_writer()
        chat = ChatModel(writer.loaded)
        mx.random.seed(self._spec.seed)
        pace = Pace()

        def on_progress(done: int, total: int) -> None:
            now = time.time()
            left = pace.remaining(done, total, now)
            remaining_s = None if left is None else round(max(0.0, min(left, deadline - now)), 1)
            self._folder.append(
                protocol.Progress(done=done, total=total, unit="answers", remaining_s=remaining_s)
            )

        return general_samples.general_answers(
            info.path,
            info.card.sha256,
            lambda prompts: chat.answer_all(
                prompts, general_samples.LONGEST_ANSWER, temperature=general_samples.TEMPERATURE
            ),
            lambda: self._is_over(deadline),
            on_progress,
        )

    def _is_over(self, deadline: float) -> bool:
        """Called between answers; records the time spent, because it counts after a kill, too."""
        self._record(Yield(0, 0, {}), "")
        return self._stop() or time.time() >= deadline

    def _tell_expected(self, samples: Samples, material: Material, deadline: float) -> None:
        """Tell an estimate before there is any progress to estimate from."""
        model = find_base_model(self._library, self._spec.model)
        seconds = expected_writing(samples, material, model, max(0.0, deadline - self._began))
        self._clock = StudyClock(self._began + seconds, deadline)
        self._folder.append(
            protocol.Progress(done=0, total=0, unit="notes", remaining_s=round(seconds, 1))
        )

    def _load_writer(self) -> Writer:
        if self._writer is None:
            self._writer = Writer(load_base_model(self._library, self._spec.model))
        return self._writer

    def _progressed(self, progress: StudyProgress) -> None:
        now = time.time()
        remaining_s = self._clock.remaining(progress, now)
        if progress.done < progress.total and now - self._told < _EVERY_S:
            return
        self._told = now
        what = "passages" if progress.by_model else "notes"
        self._folder.append(
            protocol.Progress(
                done=progress.done,
                total=progress.total,
                unit=what,
                text=f"{progress.kept:,} samples kept",
                remaining_s=round(remaining_s, 1),
            )
        )
        self._record(Yield(0, 0, {}), "")

    def _record(self, found: Yield, recipe: str) -> None:
        now, before = time.time(), self._before
        answering_s = before.answering_s + now - (self._answering_began or now)
        studied = Studied(
            seconds=before.seconds + now - self._began,
            answering_s=answering_s,
            written=found.written,
            used=found.used,
            dropped=found.dropped,
            recipe=recipe,
        )
        write_atomically(self._folder.study_record, msgspec.json.encode(studied))

    def _tell_of_rules(self, studied: Sequence[StudiedPassage], additions: Additions) -> None:
        """Say where a model that reads learns the notes' own sentences, for want of its samples."""
        passages = passages_by_rule(studied, additions.writer) if additions.writer else 0
        if passages:
            self._folder.append(
                protocol.Notice(
                    text=f"The model has not yet written about {passages:,} of {len(studied):,}"
                    " passages. Of these it learns the notes' own sentences alone; a later night"
                    " goes on."
                )
            )

    def _tell(self, found: Yield, recipe: str) -> None:
        dropped = sum(number for why, number in found.dropped.items() if why != LEFT_OUT)
        # The numbers are of all nights, because nothing is studied twice.
        text = f"There are {found.written:,} samples about your notes, {found.used:,} of them kept."
        if dropped:
            text += f" {dropped:,} were not good enough; all can be read under Notes, Samples."
        self._folder.append(protocol.Notice(text=f"{text} The run learns {recipe}."))
