"""Models that are refused, each within its limits, by a process that may crash."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import mlx.core as mx
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Regex, Tokenizer, normalizers
from transformers.utils import chat_template_utils

from mlx_backend.adoption.trial import trial
from mlx_backend.adoption.trial.trial import try_model
from mlx_backend.adoption.trial.tried_tokenizer import UnfitError, as_model, try_template
from mlx_backend.adoption.trial.watched import TrialLimits
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.machine.arrays import load_tensors
from mlx_backend.models.base_model import load_model_tokenizer
from mlx_backend.models.chat_form import ChatForm
from tests.mlx_backend.adoption.trial.conftest import (
    Refusal,
    change_json,
    change_weights,
    ignore,
    never,
    write_candidate,
)

MISBEHAVING = "tests.mlx_backend.adoption.trial.misbehaving_trial"
MESSAGES = "{% for m in messages %}{{ m.content }}{% endfor %}"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("crash", "Loading it was tried, but the process crashed (signal 11)."),
        ("abort", "Loading it was tried, but the process crashed (signal 6)."),
        ("exit", "Loading it was tried, but the process ended early (code 3)."),
        ("hang", "Loading it was tried, but it took longer than 1 seconds."),
        ("spin", "Loading it was tried, but it took longer than 1 seconds."),
        ("lie nonsense", "Loading it was tried, but its process said something odd."),
        ("lie {}", "Loading it was tried, but its process said something odd."),
        ('lie {"type": "Began", "stage": "?"}', "but its process said something odd."),
    ],
)
def test_what_happens_to_the_process_is_told(refusal: Refusal, act: str, sentence: str) -> None:
    seconds = 1.0 if act in ("hang", "spin") else 30.0
    limits = {"patience": 1.0} if act == "hang" else {}
    error = refusal(act, module=MISBEHAVING, seconds=seconds, **limits)
    assert sentence in error.message


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("grow", "Loading it was tried, but it needed more than 0.5 GB of memory."),
        ("die", "Loading it was tried, but the system ended its process, as it does when memory"),
        (
            'lie {"type": "Refused", "reason": "it needs more", "kind": "no_memory"}',
            "Loading it was tried, but it needs more.",
        ),
    ],
)
def test_a_shortage_of_memory_is_no_fault_of_the_model(
    refusal: Refusal, act: str, sentence: str
) -> None:
    error = refusal(act, ErrorKind.NO_MEMORY, module=MISBEHAVING, seconds=30.0, memory=500_000_000)
    assert "cannot be tried now" in error.message
    assert sentence in error.message
    assert "Close other large programs, then go on" in error.hint


def test_the_process_reaches_nothing(refusal: Refusal, candidate: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("The secret.")
    with socket.create_server(("127.0.0.1", 0)) as server:
        acts = [
            f"open {secret}",
            "open /etc/passwd",
            f"write {tmp_path / 'new'}",
            f"write {candidate / 'new'}",
            f"delete {candidate / 'config.json'}",
            f"list {tmp_path}",
            f"connect {server.getsockname()[1]}",
            "run /bin/true",
            "fork",
            f"kill {os.getpid()}",
        ]
        message = refusal("\n".join(acts), module=MISBEHAVING).message
    assert message.count("PermissionError") == len(acts)
    assert "succeeded" not in message
    assert "succeeded" in refusal(f"open {candidate / 'config.json'}", module=MISBEHAVING).message


def test_templates_run_in_the_immutable_sandbox() -> None:
    compiled = chat_template_utils._compile_jinja_template("{{ messages }}")
    assert isinstance(compiled.environment, ImmutableSandboxedEnvironment)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}",
            "was tried, but it",  # takes too long, or too much memory
        ),
        ("{{ 'a' * (10 ** 12) }}", "memory"),
        ("{% set a = namespace(t='aaaaaaaa') %}{% for i in range(60) %}"
         "{% set a.t = a.t ~ a.t %}{% endfor %}{{ a.t }}", "was tried, but"),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "recursion"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "takes no question"),
    ],
)  # fmt: skip
def test_templates_that_are_bombs(
    refusal: Refusal, candidate: Path, template: str, reason: str
) -> None:
    change_json(candidate / "tokenizer_config.json", chat_template=template)
    message = refusal(seconds=3.0).message
    assert reason in message
    assert "hat template" in message


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages.append(messages) }}" + MESSAGES,
        "{{ cycler.__init__.__globals__.os.system('true') }}" + MESSAGES,
        "{{ '%s' | format(lipsum.__globals__) }}",
        "{{ (messages | map(attribute='__class__.__mro__') | list)[0] }}",
        "{{ '{0.__class__.__mro__}'.format(messages) }}",
        "{% include '/etc/passwd' %}" + MESSAGES,
        "{% import 'os' as os %}" + MESSAGES,
        "{% for a in range(10 ** 12) %}{{ a }}{% endfor %}" + MESSAGES,
        "{% for %}",
        "{{ raise_exception('never') }}",
        "Hello.",
        "",
    ],
)
def test_templates_that_write_no_question(candidate: Path, template: str) -> None:
    change_json(candidate / "tokenizer_config.json", chat_template=template)
    tokenizer = load_model_tokenizer(candidate)
    with pytest.raises((OvernightError, UnfitError, OverflowError)):
        try_template(tokenizer, ChatForm(tokenizer, as_model(candidate, "one")))


def test_a_tokenizer_that_multiplies_its_text(refusal: Refusal, candidate: Path) -> None:
    tokenizer = Tokenizer.from_file(str(candidate / "tokenizer.json"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("e", "e" * 50)] * 12)
    tokenizer.save(str(candidate / "tokenizer.json"))
    message = refusal(seconds=10.0).message
    assert "tokenizer was tried, but" in message


def test_a_tokenizer_that_takes_for_ever(refusal: Refusal, candidate: Path) -> None:
    tokenizer = Tokenizer.from_file(str(candidate / "tokenizer.json"))
    longer = [normalizers.Replace("e", "ee")] * 20
    tokenizer.normalizer = normalizers.Sequence(longer + longer_to_read() * 2000)
    tokenizer.save(str(candidate / "tokenizer.json"))
    message = refusal(seconds=3.0).message
    assert "Loading its tokenizer was tried, but it took longer than 3 seconds." in message


def longer_to_read() -> list[normalizers.Normalizer]:
    return [normalizers.Replace(Regex("e(?=z)"), "")]


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000])
def test_a_tokenizer_that_is_none(refusal: Refusal, candidate: Path, content: bytes) -> None:
    (candidate / "tokenizer.json").write_bytes(content)
    assert "Loading its tokenizer was tried, but" in refusal(seconds=20.0).message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(refusal: Refusal, candidate: Path, value: float) -> None:
    change_weights(candidate, lambda array: mx.where(mx.arange(array.shape[-1]) == 3, value, array))
    assert "Loading it was tried, but some of its numbers" in refusal().message


def test_weights_whose_shapes_do_not_fit(refusal: Refusal, candidate: Path) -> None:
    change_json(candidate / "config.json", intermediate_size=128)
    assert "Loading it was tried, but it failed: Expected shape" in refusal().message


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 2**60},
        {"model_type": "unheard_of"},
        {"model_type": "../../../tmp/evil"},
        {"num_attention_heads": 0},
    ],
)
def test_configurations_that_make_no_model(
    refusal: Refusal, candidate: Path, change: dict[str, object]
) -> None:
    change_json(candidate / "config.json", **change)
    assert "was tried, but" in refusal(seconds=20.0).message


def test_a_tokenizer_with_more_tokens_than_the_model(refusal: Refusal, candidate: Path) -> None:
    file = candidate / "model.safetensors"
    tensors = load_tensors(file)
    tensors["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"][:300]
    mx.eval(tensors)
    mx.save_safetensors(str(file), tensors, metadata={"format": "mlx"})
    change_json(candidate / "config.json", vocab_size=300)
    assert "its tokenizer has tokens up to number" in refusal().message


def test_outputs_that_are_not_finite(refusal: Refusal, candidate: Path) -> None:
    change_weights(
        candidate, lambda array: mx.full(array.shape, 3e38) if array.ndim == 1 else array
    )
    assert "Reading a text with it was tried, but its outputs are not finite" in refusal().message


def test_weights_that_are_cut_short(refusal: Refusal, candidate: Path) -> None:
    file = candidate / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert "Loading it was tried, but its files are not what they say" in refusal().message


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("phi3small", "was tried, but"),  # corrupts memory in MLX
        ("afm7", "Asking it several questions at once was tried, but"),
        ("gemma3n", "in training it would compute something else than in an answer"),
        ("dbrx", "cannot be trained. A step with an adapter was tried, but"),
    ],
)
def test_architectures_that_crash_or_compute_otherwise(
    tmp_path: Path, tiny_folders: dict[str, Path], kind: str, reason: str
) -> None:
    folder = tmp_path / "candidate"
    write_candidate(folder, kind, tiny_folders["tiny"], "float32")
    with pytest.raises(OvernightError) as caught:
        try_model(folder, "one", ignore, never)
    assert reason in caught.value.message
    assert caught.value.kind is ErrorKind.BAD_INPUT


def test_a_model_larger_than_the_machine_is_not_tried(
    candidate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "limit_for", lambda weights: weights - 1)
    with pytest.raises(OvernightError, match="GB of memory here") as caught:
        try_model(candidate, "one", ignore, never, TrialLimits())
    assert caught.value.kind is ErrorKind.NO_MEMORY
