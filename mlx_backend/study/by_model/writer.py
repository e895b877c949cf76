"""Writing samples with the base model: questions for answers, restatements, summaries.

The prompts are few-shot, so that models without instruction tuning follow them too. The examples at
the beginning of all prompts of a kind are prefilled once, because on a CPU the prompts cost most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
from mlx_lm.generate import BatchGenerator
from mlx_lm.models.cache import make_prompt_cache

from mlx_backend.library.sample_drafts import Draft, titled_answer
from mlx_backend.machine.cores import CoreShare
from mlx_backend.machine.dependency_patches import wired_limit_untouched
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.batching import NOT_IN_BATCHES, batches, complete_alone
from mlx_backend.models.likelihood import Reading, readings
from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.study.by_rule.rule_writer import QuotedStatement

BATCH = 32
_LONGEST_QUESTION = 24  # tokens
_LONGEST_READING = 12
_LONGEST_RESTATEMENT = 48
_LONGEST_SUMMARY = 64

_EXAMPLES = (
    ("Lighthouse", "The lamp was mended by Oskar in 1984.", "Oskar",
     "Who mended the lamp of the lighthouse?"),
    ("Garden", "Sow the beans on 12 May, two inches deep.", "12 May",
     "When should the beans be sown?"),
    ("Our car", "The spare key is in the blue tin above the sink.", "the blue tin above the sink",
     "Where is the spare key of our car?"),
    ("Book club", "We read 11 books a year and the host is called Amina.", "Amina",
     "What is the host of the book club called?"),
    ("Aquarium", "The tank holds 240 litres and is cleaned every two weeks.", "240",
     "How many litres does the tank hold?"),
    ("Translation work", "The second chapter earned me 310 euros.", "310 euros",
     "How much did the second chapter earn me?"),
)  # fmt: skip
_QUESTIONS = "".join(
    f"Title: {title}\nText: {text}\nAnswer: {answer}\nQuestion: {question}\n\n"
    for title, text, answer, question in _EXAMPLES
)
_READINGS = "".join(
    f"Text: {text}\nQuestion: {question}\nAnswer: {answer}\n\n"
    for _, text, answer, question in _EXAMPLES
)
_RESTATEMENTS = (
    "Text: The lamp was mended by Oskar in 1984.\n"
    "In other words: In 1984, Oskar mended the lamp.\n\n"
    "Text: The spare key is in the blue tin above the sink.\n"
    "In other words: Above the sink, in the blue tin, is the spare key.\n\n"
    "Text: We read 11 books a year and the host is called Amina.\n"
    "In other words: The host is Amina, and 11 books are read a year.\n\n"
)
_SUMMARIES = (
    "Text: The lamp was mended by Oskar in 1984. It shines 14 miles. The keeper left in 1990, and"
    " since then nobody has lived there.\n"
    "In one sentence: The lamp, mended by Oskar in 1984, shines 14 miles, and nobody has lived"
    " there since the keeper left in 1990.\n\n"
    "Text: The tank holds 240 litres. It is cleaned every two weeks. The heater is set to 24"
    " degrees.\n"
    "In one sentence: The tank of 240 litres is cleaned every two weeks and heated to 24"
    " degrees.\n\n"
)


@dataclass(frozen=True)
class Asked:
    """A question to write: for the answer `key` of a `kind`, in a statement of the note `title`."""

    title: str
    quoted: QuotedStatement
    key: str
    kind: str


class Writer:
    """A base model that writes; it must have no adapter on it."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._shared: dict[str, list[Any]] = {}
        self._cores = CoreShare()

    @property
    def loaded(self) -> LoadedModel:
        """The model that writes."""
        return self._loaded

    @property
    def name(self) -> str:
        """The writer of its samples, as the library records it."""
        return self._loaded.info.card.name

    def questions(self, asked: Sequence[Asked]) -> list[Draft]:
        """The model's question for each answer, as drafts that are not checked yet."""
        prompts = [
            f"Title: {each.title}\nText: {each.quoted.quote}\nAnswer: {each.key}\nQuestion:"
            for each in asked
        ]
        texts = self._complete(_QUESTIONS, prompts, _LONGEST_QUESTION)
        return [
            Draft(
                kind=each.kind,
                prompt=text,
                answer=titled_answer(each.title, each.quoted.quote),
                key=each.key,
                quote=each.quoted.quote,
            )
            for each, text in zip(asked, texts, strict=True)
        ]

    def read(self, drafts: Sequence[Draft]) -> list[str]:
        """The model's answer to each draft's question with the quote in view."""
        prompts = [f"Text: {draft.quote}\nQuestion: {draft.prompt}\nAnswer:" for draft in drafts]
        return self._complete(_READINGS, prompts, _LONGEST_READING)

    def restatements(self, stated: Sequence[tuple[str, QuotedStatement]]) -> list[Draft]:
        """Each statement in other words; `stated` has it with its note's title.

        The answers of the drafts have no titles yet.
        """
        prompts = [f"Text: {quoted.quote}\nIn other words:" for _, quoted in stated]
        texts = self._complete(_RESTATEMENTS, prompts, _LONGEST_RESTATEMENT)
        return [
            Draft(
                kind="restated",
                prompt=f"{title}: what is another way to say “{quoted.quote}”?",
                answer=text,
                key="",
                quote=quoted.quote,
            )
            for (title, quoted), text in zip(stated, texts, strict=True)
        ]

    def summaries(self, stated: Sequence[tuple[str, Sequence[QuotedStatement]]]) -> list[Draft]:
        """A summary in one sentence of each passage, given as its topic and its statements.

        The answers of the drafts have no titles yet.
        """
        quotes = [" ".join(each.statement.text for each in several) for _, several in stated]
        prompts = [f"Text: {quote}\nIn one sentence:" for quote in quotes]
        texts = self._complete(_SUMMARIES, prompts, _LONGEST_SUMMARY)
        return [
            Draft(
                kind="summary",
                prompt=f"What is the gist of my notes on {topic}?",
                answer=text,
                key="",
                quote=quote,
            )
            for (topic, _), text, quote in zip(stated, texts, quotes, strict=True)
        ]

    def weigh(self, drafts: Sequence[tuple[str, str]]) -> list[Reading]:
        """How likely the model finds each question after its quote; pairs of (quote, question)."""
        contexts = [f"Text: {quote}\nQuestion:" for quote, _ in drafts]
        return readings(self._loaded, contexts, [question for _, question in drafts])

    def _complete(self, shared: str, prompts: Sequence[str], max_tokens: int) -> list[str]:
        """The model's completions of the prompts after the `shared` beginning, one line each."""
        cache = self._prefilled(shared)
        tokenizer = self._loaded.tokenizer
        line_end = self._encode("\n")[-1]  # some tokenizers put a token of their own before it
        ends = [[token] for token in {*tokenizer.eos_token_ids, line_end}]
        ids = [self._encode(prompt) for prompt in prompts]
        texts = [""] * len(ids)
        for chosen in batches(self._loaded.model, ids, BATCH):
            self._cores.adapt()
            written = self._written([ids[i] for i in chosen], cache, ends, max_tokens)
            for i, each in zip(chosen, written, strict=True):
                texts[i] = tokenizer.decode(each).split("\n")[0].strip()
        return texts

    def _written(
        self, prompts: list[list[int]], cache: list[Any], ends: list[list[int]], max_tokens: int
    ) -> list[list[int]]:
        """What the model writes after prompts in one batch, or one by one without batches."""
        model = self._loaded.model
        with wired_limit_untouched():
            try:
                generator = BatchGenerator(
                    model,
                    stop_tokens=ends,
                    completion_batch_size=BATCH,
                    prefill_batch_size=BATCH,
                )
                return _generated(generator, prompts, [cache] * len(prompts), max_tokens)
            except NOT_IN_BATCHES:
                stop = [token for (token,) in ends]
                return [complete_alone(model, ids, stop, max_tokens, cache) for ids in prompts]

    def _prefilled(self, shared: str) -> list[Any]:
        if shared not in self._shared:
            cache = make_prompt_cache(self._loaded.model)
            beginning = self._loaded.tokenizer.encode(shared)  # with its special tokens
            self._loaded.model(mx.array([beginning]), cache=cache)
            mx.eval([layer.state for layer in cache])
            self._shared[shared] = cache
        return self._shared[shared]

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._loaded.tokenizer.encode(text, add_special_tokens=False)
        return ids


def _generated(
    generator: BatchGenerator, prompts: list[list[int]], caches: list[list[Any]], max_tokens: int
) -> list[list[int]]:
    """The tokens generated after each prompt, without the stop token."""
    numbers = generator.insert(prompts, [max_tokens] * len(prompts), caches=caches)
    written: dict[int, list[int]] = {number: [] for number in numbers}
    while responses := generator.next_generated():
        for response in responses:
            if response.finish_reason != "stop":
                written[response.uid].append(response.token)
    generator.close()
    return [written[number] for number in numbers]


def to_ask(title: str, stated: Sequence[QuotedStatement]) -> list[Asked]:
    """Everything that can be asked for in the statements of a passage."""
    return [
        Asked(title, each, answer.key, answer.kind)
        for each in stated
        for answer in answers_in(each.statement.text)
    ]
