"""What the trial at adoption finds out of models that can be used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer

from mlx_backend.adoption.trial.memory import weights_in_memory
from mlx_backend.adoption.trial.trial import try_model
from mlx_backend.adoption.trial.tried_tokenizer import TemplateAbilities, as_model, try_template
from mlx_backend.adoption.trial.watched import TrialLimits
from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.models.base_model import load_model_tokenizer
from mlx_backend.models.chat_form import ChatForm
from mlx_backend.training.stop_requests import StoppedEarly
from mlx_backend.training.trial import TRIAL, kept_trial, tried_with
from tests.mlx_backend.adoption.trial.conftest import (
    ROOT,
    change_json,
    ignore,
    never,
    write_candidate,
)
from tests.mlx_backend.models.test_templates import (
    MERGING,
    NO_SYSTEM,
    PLAIN,
    START,
    STRICT,
    THINKING,
)

ONE_QUESTION = (
    "{% for m in messages if m.role != 'assistant' %}{{ m.role }}: {{ m.content }}<|im_end|>"
    "{% endfor %}assistant: "
)
LAYERS = {
    "llama": ("attention",),
    "qwen3": ("attention",),
    "gemma3_text": ("attention", "sliding attention"),
    "lfm2": ("attention", "recurrent"),
    "qwen3_moe": ("attention", "experts"),
}


@pytest.mark.parametrize("number_format", ["float32", "bfloat16", "4 bit"])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_trial_tells_what_a_model_is(
    tmp_path: Path, tiny_folders: dict[str, Path], kind: str, number_format: str
) -> None:
    folder = tmp_path / "candidate"
    write_candidate(folder, kind, tiny_folders["tiny"], number_format)
    found = try_model(folder, "one", ignore, never)
    assert found.layers == LAYERS[kind]
    assert found.packs is (kind != "lfm2")
    assert found.trims_cache is (kind in ("llama", "qwen3", "qwen3_moe"))
    assert found.encodes_parts
    assert found.roles == ("system", "user", "assistant")
    assert not found.thinks
    assert found.tried_with == tried_with()
    assert 0 < found.bytes_in_memory <= weights_in_memory(folder)
    assert not found.reading.is_passed
    assert found.reading.asked < 30  # it is lost long before
    kept = kept_trial(model_in(folder))
    assert kept is not None
    assert kept.packs is found.packs


def model_in(folder: Path) -> BaseModel:
    """The model when it has its card: with a hash that its trial did not know."""
    card = ModelCard(name="one", title="", licence="", source="", parameters=1, sha256="abc")
    return BaseModel(card, folder, 0, fits=True)


def test_a_trial_goes_from_step_to_step_and_is_kept_for_these_versions(candidate: Path) -> None:
    (candidate / TRIAL).write_text("what came with the model")
    told: list[tuple[int, int]] = []
    left: list[float | None] = []

    def tell(done: int, total: int, remaining: float | None) -> None:
        told.append((done, total))
        left.append(remaining)

    try_model(candidate, "one", tell, never)
    assert told == sorted(told)
    assert len({total for _, total in told}) == 1
    assert told[-1][0] <= told[-1][1]
    kept = json.loads((candidate / TRIAL).read_bytes())
    assert kept_trial(model_in(candidate)) is not None
    change_json(candidate / TRIAL, versions=["0", *kept["versions"][1:]])
    assert kept_trial(model_in(candidate)) is None


@pytest.mark.parametrize(
    ("template", "thinks"),
    [(PLAIN + START, False), (THINKING, True), (PLAIN + START + "<think>\n", True)],
)
def test_whether_it_thinks_is_seen_in_its_template(
    candidate: Path, template: str, thinks: bool
) -> None:
    change_json(candidate / "tokenizer_config.json", chat_template=template)
    add_tokens(candidate, "<think>", "</think>")
    assert template_of(candidate).thinks is thinks


@pytest.mark.parametrize(
    ("template", "roles"),
    [
        (PLAIN + START, ("system", "user", "assistant")),
        (MERGING, ("system", "user", "assistant")),
        (NO_SYSTEM, ("user", "assistant")),
        (STRICT, ("user", "assistant")),
        (ONE_QUESTION, ("system", "user")),
    ],
)
def test_the_roles_are_those_whose_contents_are_written(
    candidate: Path, template: str, roles: tuple[str, ...]
) -> None:
    change_json(candidate / "tokenizer_config.json", chat_template=template)
    assert template_of(candidate).roles == roles


def template_of(folder: Path) -> TemplateAbilities:
    """What the template of a model can."""
    tokenizer = load_model_tokenizer(folder)
    return try_template(tokenizer, ChatForm(tokenizer, as_model(folder, "one")))


def test_a_token_beyond_the_embeddings_counts_only_if_text_becomes_it(
    candidate: Path,
) -> None:
    """Gemma 3's tokenizer has a token for pictures that its text model has no output for."""
    add_tokens(candidate, "<picture>")
    assert try_model(candidate, "one", ignore, never).layers == ("attention",)


def add_tokens(folder: Path, *contents: str) -> None:
    """Give a tokenizer more control tokens."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens([AddedToken(content, special=True) for content in contents])
    tokenizer.save(str(folder / "tokenizer.json"))


def test_a_trial_can_be_stopped(candidate: Path) -> None:
    asked = iter([False, False, True])
    limits = TrialLimits(module="tests.mlx_backend.adoption.trial.misbehaving_trial")
    with pytest.raises(StoppedEarly):
        try_model(candidate, "hang", ignore, lambda: next(asked), limits)
    assert not (candidate / TRIAL).exists()


@pytest.mark.parametrize(
    ("module", "more"), [("trial.process", ["all"]), ("forms.quantising_process", ["/new", "4"])]
)
def test_the_process_ends_with_its_parent(candidate: Path, module: str, more: list[str]) -> None:
    read, write = os.pipe()
    command = [sys.executable, "-P", "-m", f"mlx_backend.adoption.{module}"]
    with subprocess.Popen(
        [*command, str(write), str(candidate), "one", str(4 << 30), *more],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        pass_fds=[write],
    ) as process:
        os.close(write)
        os.read(read, 1)  # it runs
        assert process.stdin is not None
        process.stdin.close()
        began = time.monotonic()
        process.wait(20)
        assert time.monotonic() - began < 20
    os.close(read)
