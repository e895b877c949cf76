"""Answering many single questions, in batches of similar length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlx_lm.generate import batch_generate
from mlx_lm.sample_utils import make_sampler

from mlx_backend.machine.cores import CoreShare
from mlx_backend.machine.dependency_patches import wired_limit_untouched
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.batching import NOT_IN_BATCHES, batches, complete_alone
from mlx_backend.models.thoughts import answer_in
from mlx_backend.protocol import Turn

_BATCH = 32


def ignore(*_: object) -> None:
    """The callback where nobody listens."""


def answer_all(  # noqa: PLR0913, PLR0917 - those of `ChatModel.answer_all`, and the model
    loaded: LoadedModel,
    limit: int,
    prompts: Sequence[str],
    max_tokens: int,
    on_progress: Callable[[int, int], object] = ignore,
    temperature: float = 0.0,
    on_answer: Callable[[int, str], object] = ignore,
) -> list[str]:
    """As `ChatModel.answer_all`; `limit` is the context window in tokens."""
    form = loaded.form
    ids = [form.prompt([Turn(role="user", text=prompt)]) for prompt in prompts]
    readable = (i for i in range(len(ids)) if len(ids[i]) + max_tokens <= limit)
    by_length = sorted(readable, key=lambda i: len(ids[i]))
    texts = [""] * len(ids)
    in_thought = form.begins_in_thought(thinks=False)
    cores = CoreShare()
    done = 0
    for chosen in batches(loaded.model, ids, _BATCH, by_length):
        cores.adapt()
        together = _answered(loaded, [ids[i] for i in chosen], max_tokens, temperature)
        for i, text in zip(chosen, together, strict=True):
            texts[i] = answer_in(text, form.thought_marks, in_thought).strip()
            on_answer(i, texts[i])
        done += len(chosen)
        on_progress(done, len(by_length))
    return texts


def _answered(
    loaded: LoadedModel, prompts: list[list[int]], max_tokens: int, temperature: float
) -> Sequence[str]:
    """The answers to prompts in one batch, or one by one where the model takes no batches."""
    model, tokenizer = loaded.model, loaded.tokenizer
    sampler = make_sampler(temperature)
    with wired_limit_untouched():
        try:
            found: list[str] = batch_generate(
                model, tokenizer, prompts, max_tokens=max_tokens, sampler=sampler
            ).texts
            return found
        except NOT_IN_BATCHES:
            ends = list(tokenizer.eos_token_ids)
            return [
                tokenizer.decode(complete_alone(model, prompt, ends, max_tokens, sampler=sampler))
                for prompt in prompts
            ]
