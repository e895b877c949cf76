"""llama.cpp answers with an exported adapter as we do, token for token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.adapters.forms.gguf import names_for
from mlx_backend.library import Library
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.lora import LoraShape
from mlx_backend.protocol import Turn
from tests.mlx_backend.interop.llama_cpp import LlamaCpp, write_base
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.model_types import write_model

NEAR_TIE = 1e-2  # nats between the two likeliest tokens: either may be the greedy choice
CLOSE = 2e-2
PROMPT = [1, 50, 60, 70, 80]


def compare(loaded: LoadedModel, answer: list[dict[str, Any]], prompt: list[int]) -> int:
    """How many tokens are the same until the end or the first near tie, which may differ.

    All of its answer is read at once. llama.cpp was told to go on after an end; we stop there.
    """
    written = [int(token["id"]) for token in answer]
    logits = loaded.model(mx.array([[*prompt, *written[:-1]]]))[0, len(prompt) - 1 :]
    logits = logits.astype(mx.float32)
    logprobs = np.array(logits - mx.logsumexp(logits, axis=-1, keepdims=True))
    for place, (token, ours) in enumerate(zip(answer, logprobs, strict=True)):
        theirs = {each["id"]: each["logprob"] for each in token["top_logprobs"]}
        assert all(abs(ours[i] - value) < CLOSE for i, value in theirs.items())
        second, best = np.sort(ours)[-2:]
        if int(ours.argmax()) in loaded.tokenizer.eos_token_ids:
            return place
        if written[place] != int(ours.argmax()):
            assert best - second < NEAR_TIE
            return place
    return len(answer)


@pytest.mark.parametrize(
    "kind", ["llama", "qwen2", "qwen3", "seed_oss", "smollm3", "olmo2", "ernie4_5"]
)
def test_every_architecture_that_is_exported(
    kind: str, tiny_library: Library, tiny_folders: dict[str, Path], tmp_path: Path
) -> None:
    write_model(tiny_library.models / kind, kind, tiny_folders["tiny"])
    loaded = load_base_model(tiny_library, kind)
    base = tmp_path / "base.gguf"
    write_base(base, loaded)
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden")
    export_adapter(tiny_library, ExportOrder("Garden", "gguf", tmp_path / "out"))
    assert compare(loaded, LlamaCpp(base).continued(PROMPT, 10), PROMPT) >= 5
    lora.apply_adapters(loaded.model, [(adapter, 1.0)])
    answer = LlamaCpp(base, tmp_path / "out" / "adapter.gguf").continued(PROMPT, 10)
    assert compare(loaded, answer, PROMPT) >= 5


def test_no_other_architecture_is_exported() -> None:
    """`mistral` is computed as llama, here and there."""
    tried = {"llama", "mistral", "qwen2", "qwen3", "seed_oss", "smollm3", "olmo2", "ernie4_5"}
    from mlx_backend.adapters.forms import gguf

    assert set(gguf._KNOWN) == tried
    assert names_for("qwen3_moe") is None


QUESTIONS = (
    "What is the capital of France?",
    "Name three colours.",
    "How do I boil an egg?",
    "Who wrote Hamlet?",
    "Why is the sky blue?",
    "What do my notes say?",
    "Write a short poem about the sea.",
    "What is 12 plus 30?",
    "Translate 'good morning' into Spanish.",
    "Give me a name for a boat.",
)


@pytest.mark.slow
def test_the_starter_writes_the_same_fifty_tokens(starter_library: Library, tmp_path: Path) -> None:
    library, loaded = starter_library, load_base_model(starter_library, "starter")
    base = tmp_path / "base.gguf"
    write_base(base, loaded)
    # As strong as a trained one: stronger random ones turn every answer into noise.
    adapter = make_adapter(library.adapters, loaded, "Garden", shape=LoraShape(8, 0.05))
    export_adapter(library, ExportOrder("Garden", "gguf", tmp_path / "out"))
    lora.apply_adapters(loaded.model, [(adapter, 1.0)])
    llama = LlamaCpp(base, tmp_path / "out" / "adapter.gguf")
    same = 0
    for question in QUESTIONS:
        prompt = list(loaded.form.prompt([Turn(role="user", text=question)]))
        same += compare(loaded, llama.continued(prompt, 50), prompt)
    print(f"{same} tokens are the same, until the answers end or there is a near tie")
    assert same > 150
