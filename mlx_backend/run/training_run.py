"""A training run from notes to a filed adapter, stage by stage; each stage can be resumed."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import mlx.core as mx
import msgspec

from mlx_backend import __version__, protocol
from mlx_backend.adapters.filing import adapter_readme, check_adapter
from mlx_backend.dataset.samples import Dataset, Sample, load_dataset, save_dataset
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.exam.verdict import advice, verdict
from mlx_backend.files import remove_tree, write_atomically, write_folder_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.memory_ladder import Lowered, lowered_memory
from mlx_backend.jobs.memory_wait import NoRoomYet
from mlx_backend.library import adapters, database
from mlx_backend.library.adapter_names import normal_name
from mlx_backend.library.adapters import Adapter, AdapterCard
from mlx_backend.library.home import Library
from mlx_backend.library.notes import Notes
from mlx_backend.locks import held
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.cores import CoreShare, fix_cores, fixed_cores, free_cores
from mlx_backend.models import lora
from mlx_backend.models.inference import ChatModel
from mlx_backend.night.deadline import check_time_is_left, latest_end, training_deadline
from mlx_backend.night.overtime import keep_time_granted, with_time_granted
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.assessment import Assessment, assess, assess_once
from mlx_backend.run.kept_private import keeps_private
from mlx_backend.run.plan import RunPlan, plan_what_fits
from mlx_backend.run.preparation import Preparation, down_to, prepare, takes_least
from mlx_backend.run.reporting import (
    comparison,
    study_report,
    what_it_took,
    what_was_left_out,
    why_it_ended,
)
from mlx_backend.run.room import check_fit, check_room
from mlx_backend.run.study_stage import StudyStage, studied_before
from mlx_backend.training.batches import ROW_LENGTHS
from mlx_backend.training.checkpoints import elapsed_before
from mlx_backend.training.end import End
from mlx_backend.training.hosts.crew import Crew
from mlx_backend.training.loop import LoopPlan, TrainingLoop
from mlx_backend.training.stopping import StoppedEarly, check_of, never

_LANE_PATIENCE_S = 2.0
# Tokens of what the model says to the run's prompt at a checkpoint.
_LONGEST_WORDS = 64
_BEFORE = "before.json"
_CORES = "cores"
_T = TypeVar("_T")


class TrainingRun:
    """One run in its folder, on this machine or together with a crew of others."""

    def __init__(
        self, library: Library, folder: JobFolder, spec: TrainSpec, crew: Crew | None = None
    ) -> None:
        self._library = library
        self._folder = folder
        self._spec = spec
        self._crew = crew
        self._began = time.time()
        self._before = Assessment()
        self._check = never
        # What earlier attempts spent on it counts against the hours of the run.
        self._studied_s = studied_before(folder).seconds

    def run(self, stop_requested: Callable[[], bool]) -> dict[str, object] | None:
        """Work until done; returns the result, or None when stopped before.

        Raises OvernightError: another run holds the lane, no notes, a damaged model, no memory.
        """
        with held(self._library.lane, _LANE_PATIENCE_S) as alone:
            if not alone:
                raise OvernightError(
                    ErrorKind.BUSY,
                    "Another run is training with this library.",
                    "Wait until it is done, or stop it: `overnight runs`, `overnight stop RUN`.",
                )
            self._check = check_of(stop_requested)
            self._spec = with_time_granted(self._folder, self._spec)
            try:
                return self._run(stop_requested)
            except StoppedEarly:
                self._dismiss_crew()
                return None
            except NoRoomYet:
                self._dismiss_crew()
                keep_time_granted(self._folder)
                raise

    def _run(self, stop_requested: Callable[[], bool]) -> dict[str, object] | None:
        if not self._folder.newest_checkpoint():  # what has learned something files that
            check_time_is_left(self._spec, self._began)
        dataset = self._dataset(stop_requested)
        if dataset is None:
            return None
        self._stage("preparing")
        self._keep_to_cores()
        plan, preparation = self._plan(dataset)
        self._assess_before(dataset, preparation)
        self._tell_what_is_not_learned(dataset, preparation)
        loop = self._loop(plan, preparation)
        self._stage("training")
        mx.reset_peak_memory()
        end = loop.run(stop_requested)
        self._dismiss_crew()
        if end is End.STOPPED:
            return None
        for text in why_it_ended(end, loop.state, plan.steps):
            self._notice(text)
        self._stage("saving")
        filed = self._filed()
        if filed is None:
            card = self._card(dataset, preparation, loop)
            self._file_adapter(card, preparation, dataset)
        else:  # what is filed is judged, whatever is left of its checkpoints
            card = filed.card
            lora.load_factors(preparation.loaded.model, filed)
        self._mark_learned(card, dataset, preparation)
        self._stage("checking")
        self._tell_remaining(self._before.again_s)
        after = assess(preparation, dataset, self._spec.hours, check=self._check)
        report: dict[str, object] = {
            "run": self._folder.id,
            "path": str(self._library.adapters / card.name),
        }
        report |= what_it_took(card, plan, loop.state, end)
        report |= what_was_left_out(dataset, preparation)
        report |= comparison(self._before, after)
        report |= study_report(studied_before(self._folder))
        report |= {"verdict": verdict(report), "advice": advice(report)}
        return report | {"report": str(self._folder.write_report(report))}

    def _dismiss_crew(self) -> None:
        if self._crew is not None:
            self._crew.dismiss()

    def _mark_learned(self, card: AdapterCard, dataset: Dataset, preparation: Preparation) -> None:
        with database.opened(self._library.database) as connection:
            notes = _notes_of(self._learned(dataset, preparation, card.steps))
            versions = {note: dataset.versions[note] for note in notes}
            Notes(connection).mark_learned(card.name, versions)

    def _dataset(self, stop_requested: Callable[[], bool]) -> Dataset | None:
        """The samples, written at the run's first start and frozen; None when stopped before."""
        path = self._folder.path / "samples.json"
        with database.opened(self._library.database) as connection:
            if path.exists():
                frozen = _frozen(path, load_dataset)
                if self._filed() or keeps_private(frozen, connection):
                    return frozen
                self._begin_anew()
                check_time_is_left(self._spec, self._began)
            stage = StudyStage(self._library, self._folder, self._spec, stop_requested)
            dataset = stage.dataset(Notes(connection), latest_end(self._spec, self._began))
        if dataset is not None:
            save_dataset(path, dataset)
        return dataset

    def _keep_to_cores(self) -> None:
        """Compute on as many cores as at the first start: the number shows in the last bits."""
        if has_gpu():
            return
        path = self._folder.path / _CORES
        if not fixed_cores():
            if not path.exists():
                write_atomically(path, str(free_cores()).encode())
            text = path.read_text(encoding="ascii", errors="replace")
            fix_cores(int(text) if text.isdecimal() else free_cores())
        CoreShare()  # also for what is computed before the first step

    def _begin_anew(self) -> None:
        """Drop what was learned from samples that tell what is private by now."""
        self._notice(
            "What is masked in your notes has changed since this run began."
            " It starts again from the beginning, so that nothing private is learned."
        )
        # The samples go last, when they are written again: cut short here, this is done once more.
        if self._folder.checkpoints.exists():
            remove_tree(self._folder.checkpoints, must_succeed=True)
        for name in ("plan.json", _BEFORE):
            (self._folder.path / name).unlink(missing_ok=True)

    def _plan(self, dataset: Dataset) -> tuple[RunPlan, Preparation]:
        """The plan, frozen likewise: a resumed run has as many steps as it was begun with.

        What the supervisor gave up since to save memory comes on top of what the plan did.
        """
        path = self._folder.path / "plan.json"
        lowered = lowered_memory(self._folder)
        waits = self._spec.patience.when_memory_is_short
        if path.exists():
            plan = _frozen(path, lambda p: msgspec.json.decode(p.read_bytes(), type=RunPlan))
            # What it takes since something was given up is not known.
            if waits and lowered == Lowered() and self._learns_more():
                check_room(plan, not takes_least(self._spec, plan.down))
            preparation = self._prepare(dataset, down_to(self._spec, plan.down, lowered))
        else:
            down = down_to(self._spec, 0, lowered)
            preparation = self._prepare(dataset, down)
            self._assess_before(dataset, preparation)
            plan, preparation = plan_what_fits(
                self._spec, dataset, preparation, self._deadline(), down, self._check
            )
            check_fit(plan, waits)
            # What was lowered so far is in the plan; only what comes later is added to it.
            before = lowered.rung + lowered.further
            plan = msgspec.structs.replace(plan, down=plan.down - before)
            write_atomically(path, msgspec.json.encode(plan))
        self._folder.append(
            protocol.Planned(
                notes=plan.notes,
                samples=plan.samples,
                held_out=plan.held_out,
                steps=plan.steps,
                peak_bytes=plan.peak_bytes,
                machine_bytes=plan.machine_bytes,
            )
        )
        return plan, preparation

    def _learns_more(self) -> bool:
        """Whether steps are still to be taken: all else hardly needs any memory."""
        deadline = self._deadline()
        return not self._filed() and (deadline is None or time.time() < deadline)

    def _prepare(self, dataset: Dataset, down: int) -> Preparation:
        return prepare(self._library, self._spec, dataset, down, self._crew, self._check)

    def _tell_what_is_not_learned(self, dataset: Dataset, preparation: Preparation) -> None:
        total = len(dataset.train)
        if preparation.cut:
            self._notice(
                f"{len(preparation.cut)} of {total} samples were longer than the model is trained"
                " on; their ends are not learned."
            )
        if preparation.unlearnable:
            self._notice(
                f"{len(preparation.unlearnable)} of {total} samples hold nothing to learn, as"
                " their question alone is too long; the report lists them."
            )

    def _loop(self, plan: RunPlan, preparation: Preparation) -> TrainingLoop:
        loop = TrainingLoop(
            preparation.training,
            preparation.batches,
            preparation.held_out,
            LoopPlan(
                steps=plan.steps,
                learning_rate=self._spec.learning_rate,
                checkpoint_every=self._spec.checkpoint_every,
                checkpoints=self._folder.checkpoints,
                # Should the machine be slower than was measured. What is filed learns no more.
                deadline=0.0 if self._filed() else self._deadline(),
                prompt=self._spec.prompt,
                ask=functools.partial(_ask, ChatModel(preparation.loaded)),
            ),
            self._folder.append,
        )
        # What measuring the plan drew must not count: a run that is cut short before its first
        # checkpoint does not measure again, and ends with the same adapter all the same.
        mx.random.seed(self._spec.seed)
        if loop.resume():
            self._notice("Going on from what was saved last.")
        return loop

    def _assess_before(self, dataset: Dataset, preparation: Preparation) -> None:
        """Measure the model before anything is learned; frozen as the samples are."""
        path, is_base = self._folder.path / _BEFORE, self._spec.start_from is None
        self._before = assess_once(
            path, preparation, dataset, self._spec.hours, is_base, self._check
        )

    def _deadline(self) -> float | None:
        """When the training ends at the latest: what is measured after it is in the hours, too."""
        spent = elapsed_before(self._folder.checkpoints) + self._studied_s
        deadline = training_deadline(self._spec, self._began, spent)
        if deadline is None:
            return None
        return deadline - self._before.again_s

    def _card(self, dataset: Dataset, preparation: Preparation, loop: TrainingLoop) -> AdapterCard:
        state = loop.state
        info = preparation.loaded.info
        learned = self._learned(dataset, preparation, state.step)
        return AdapterCard(
            name=self._free_name(),
            id=adapters.new_id(),
            base=info.card.name,
            base_sha256=info.card.sha256,
            created=time.time(),
            run=self._folder.id,
            rank=preparation.shape.rank,
            scale=preparation.shape.scale,
            decomposed=preparation.shape.decomposed,
            steps=state.step,
            notes=len(_notes_of(learned)),
            samples=len(learned),
            train_loss=state.train_loss,
            valid_loss=state.valid_loss,
            base_valid_loss=state.base_valid_loss,
            overnight=__version__,
        )

    def _learned(self, dataset: Dataset, preparation: Preparation, steps: int) -> Sequence[Sample]:
        """The samples that training saw: all of them, unless the night was short."""
        return [dataset.train[i] for i in preparation.batches.seen(steps)]

    def _free_name(self) -> str:
        """The name asked for, or with a number behind it where it was taken meanwhile."""
        return adapters.free_name(self._library.adapters, normal_name(self._spec.name))

    def _filed(self) -> Adapter | None:
        """The adapter that this run filed already, if it was cut short only after that."""
        for adapter in adapters.list_adapters(self._library.adapters):
            if adapter.card.run == self._folder.id:
                return adapter
        return None

    def _file_adapter(self, card: AdapterCard, preparation: Preparation, dataset: Dataset) -> None:
        loaded, sample = preparation.loaded, dataset.train[0]
        model = loaded.model
        (ids, _), *_ = loaded.form.samples([(sample.prompt, sample.answer)])
        ids = ids[: ROW_LENGTHS[-1]]
        weights = lora.adapter_weights(model)
        config = lora.mlx_lm_config(model, preparation.shape)

        def fill(beside: Path) -> None:
            lora.write_adapter_files(beside, weights, config)
            write_atomically(beside / adapters.CARD, adapters.encode_card(card))
            write_atomically(beside / "README.md", adapter_readme(card).encode())
            check_adapter(loaded, Adapter(card, beside, 0), ids)

        write_folder_atomically(self._library.adapters / card.name, fill)

    def _notice(self, text: str) -> None:
        self._folder.append(protocol.Notice(text=text))

    def _tell_remaining(self, seconds: float) -> None:
        self._folder.append(protocol.Progress(done=0, total=0, unit="steps", remaining_s=seconds))

    def _stage(self, name: str) -> None:
        self._folder.append(protocol.StageBegan(stage=name))


def _notes_of(samples: Sequence[Sample]) -> set[int]:
    return {sample.note for sample in samples if sample.note}


def _ask(chat: ChatModel, prompt: str) -> str:
    (text,) = chat.answer_all([prompt], _LONGEST_WORDS)
    return text


def _frozen(path: Path, read: Callable[[Path], _T]) -> _T:
    """What a run froze at its first start. Raises OvernightError when it cannot be read."""
    try:
        return read(path)
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN,
            f"The file {path} of this run is damaged.",
            "Start a new run; the notes are all there.",
            str(error),
        ) from error
