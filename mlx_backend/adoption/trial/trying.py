"""A trial from its first stage to its last, in the trial's own process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import mlx.core as mx
from msgspec.structs import replace

from mlx_backend.adoption.trial import stages
from mlx_backend.adoption.trial.declining import measured_least_odds
from mlx_backend.adoption.trial.messages import (
    Asked,
    Began,
    Outcome,
    Passed,
    Readable,
    TrialReply,
)
from mlx_backend.adoption.trial.reading_exam import result_of, take_reading_exam
from mlx_backend.adoption.trial.refusing import refused
from mlx_backend.adoption.trial.stages import Extent, Stage
from mlx_backend.adoption.trial.tried_model import (
    check_answers,
    check_outputs,
    check_weights,
    kinds_of_layers,
    try_cache,
)
from mlx_backend.adoption.trial.tried_tokenizer import (
    TemplateAbilities,
    as_model,
    check_tokenizer,
    ids_in_use,
    load_tokenizer,
    try_template,
)
from mlx_backend.asking.answerability import odds_of_telling
from mlx_backend.library.abilities import Abilities, Reading
from mlx_backend.models.base_model import LoadedModel, load_weights
from mlx_backend.models.chat_form import ChatForm
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import Turn
from mlx_backend.training.trial import tried_with, try_training

_LAZILY_LOADED = ("transformers.models.auto.tokenization_auto", "jinja2.sandbox", "psutil")


def load_libraries() -> None:
    """Import what the libraries would import later, which their first use of the system needs."""
    for name in _LAZILY_LOADED:
        import_module(name)


@dataclass
class Trying:
    """The trial of the model in a folder."""

    folder: Path
    name: str
    tell: Callable[[TrialReply], object]
    extent: Extent = "all"
    stage: Stage = field(default=stages.START)

    def run(self) -> Passed | Readable:
        """Try it. Raises UnfitError, OvernightError, or whatever a library raises."""
        info = as_model(self.folder, self.name)
        self._begin(stages.TOKENIZER)
        tokenizer = load_tokenizer(self.folder)
        check_tokenizer(self.folder, tokenizer)
        self._begin(stages.TEMPLATE)
        form = ChatForm(tokenizer, info)
        template = try_template(tokenizer, form)
        largest_id = ids_in_use(self.folder, tokenizer, form)
        if self.extent == "tokenizer":
            return Readable()
        self._begin(stages.WEIGHTS)
        loaded = LoadedModel(load_weights(self.folder), tokenizer, form, info)
        check_weights(loaded.model)
        self._begin(stages.OUTPUTS)
        check_outputs(loaded, largest_id)
        return self._passed(loaded, template)

    def _passed(self, loaded: LoadedModel, template: TemplateAbilities) -> Passed:
        """What the model itself can, after it has once computed something."""
        self._begin(stages.MEMORY)
        trims = try_cache(loaded)
        self._begin(stages.TRAINING)
        training = try_training(loaded)
        mx.clear_cache()
        self._begin(stages.ANSWERS)
        check_answers(loaded)
        self._begin(stages.READING)
        abilities = Abilities(
            tried_with=tried_with(),
            layers=kinds_of_layers(loaded.model),
            packs=training.packs,
            trims_cache=trims,
            encodes_parts=loaded.form.encodes_parts,
            roles=template.roles,
            thinks=template.thinks,
            bytes_in_memory=loaded.bytes,
            reading=self._reading(ChatModel(loaded)),
        )
        return Passed(abilities, training)

    def _reading(self, chat: ChatModel) -> Reading:
        def on_progress(done: int, total: int) -> None:
            self.tell(Asked(done, total))

        reading = result_of(take_reading_exam(chat.answer_all, on_progress))
        if not reading.is_passed:
            return reading

        def odds_of(prompt: str) -> float | None:
            return odds_of_telling(chat, [Turn(role="user", text=prompt)])

        return replace(reading, least_odds=measured_least_odds(odds_of, on_progress))

    def _begin(self, stage: Stage) -> None:
        self.stage = stage
        self.tell(Began(stage.name))


def outcome_of(trying: Trying) -> Outcome:
    """Run a trial; whatever is raised becomes a refusal."""
    try:
        return trying.run()
    except (Exception, SystemExit) as error:  # mlx-lm's `olmo` ends the process without ai2-olmo
        return refused(error, trying.folder)
