"""The commands that ask a model: chat and exam."""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tqdm import tqdm

from mlx_backend.cli import piped
from mlx_backend.cli.console import Console
from mlx_backend.cli.printing import one_line
from mlx_backend.cli.talking import Ask, readable, talk
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import Adapter, read_adapter
from mlx_backend.models.listener import Listener
from mlx_backend.protocol import Citation, Sampling, Turn
from mlx_backend.protocol.context_window import left_out_sentence
from mlx_backend.settings import load_settings

if TYPE_CHECKING:
    from mlx_backend.exam.marking import Item
    from mlx_backend.models.answer import Answer
    from mlx_backend.models.inference import ChatModel


def chat(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight chat`: answer --prompt or standard input once, or talk in the terminal."""
    library = Library.open()
    adapters = [(read_adapter(library.adapters, name), w) for name, w in options.adapters]
    sampling = _sampling(library, options)
    is_talk = options.prompt is None and piped.is_terminal()
    question = "" if is_talk else _question(options.prompt, console)
    model = _load(library, adapters, options.model)
    if options.think:
        _require_thinking(model)
    way = _Way(options.grounded, options.think)
    with _asker(library, model, way, console) as ask:
        if is_talk:
            return talk(ask, sampling, console)
        return ask([Turn(role="user", text=question)], sampling)


def exam(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight exam FILE.tsv`: ask each question greedily and mark the answers."""
    from mlx_backend.exam.marking import LONGEST_ANSWER, mark, read_questions, take_exam

    library = Library.open()
    questions = read_questions(options.file)
    adapters = [(read_adapter(library.adapters, options.adapter), 1.0)] if options.adapter else []
    model = _load(library, adapters, options.model)
    from mlx_backend.asking.retrieval import retriever_of
    from mlx_backend.exam.grounded import take_grounded_exam

    with (
        tqdm(total=len(questions), unit="questions", file=sys.stderr, disable=None) as bar,
        database.opened(library.database) as connection,
    ):

        def heard(item: Item) -> None:
            bar.clear()
            console.say(_line(item))
            bar.update(1)

        if options.grounded:
            retriever = retriever_of(library, connection)
            _read_for_meaning(library, connection, console)
            items = take_grounded_exam(
                questions,
                model,
                retriever,
                lambda prompts: model.answer_all(prompts, LONGEST_ANSWER),
                heard,
            )
        else:
            items = take_exam(
                questions,
                lambda prompts: model.answer_all(
                    prompts,
                    LONGEST_ANSWER,
                    on_answer=lambda i, text: heard(mark(questions[i], text)),
                ),
            )
    unread = sum(not (item.text or model.fits(item.question, LONGEST_ANSWER)) for item in items)
    if unread:
        console.note(f"Too long for the model, and so not answered: {_count_of_questions(unread)}.")
    return _marked(items, console)


def _read_for_meaning(library: Library, connection: sqlite3.Connection, console: Console) -> None:
    """Compute the vectors that are missing, so that an exam is the same whenever it is taken."""
    from mlx_backend.importers.meaning import compute_missing

    if not load_settings(library.settings).search_by_meaning:
        return
    try:
        if count := compute_missing(connection):
            console.note(f"Read {count:,} passages, to find them by what they mean.")
    except OvernightError as error:
        console.note(f"{error.message} Passages are found by their words alone.")


def _marked(items: Sequence[Item], console: Console) -> dict[str, object]:
    """Print how many answers were right; return the fields of all for --json."""
    correct = sum(item.right for item in items)
    console.say(f"{correct} of {len(items)} right.")
    return {
        "asked": len(items),
        "correct": correct,
        "accuracy": correct / len(items),
        "items": [
            {
                "question": item.question,
                "answers": list(item.answers),
                "text": item.text,
                "right": item.right,
                "citations": _citations(item.citations),
            }
            for item in items
        ],
    }


def _line(item: Item) -> str:
    """A question with its answer: + for a right one, - for a wrong one."""
    return f"{'+' if item.right else '-'} {one_line(item.question)}  {one_line(item.text)[:100]}"


def _question(prompt: str | None, console: Console) -> str:
    """The question: the prompt, then what is piped in, if anything.

    Raises OvernightError if both are empty.
    """
    if prompt is None:
        text = piped.read_all().text
        hint = "Pipe a question in, or ask with: --prompt TEXT"
        if not text.strip():
            raise OvernightError(ErrorKind.BAD_INPUT, "Standard input has no question.", hint)
        return text.strip()
    if not prompt.strip():
        hint = 'Ask something: --prompt "TEXT"'
        raise OvernightError(ErrorKind.BAD_INPUT, "The prompt is empty.", hint)
    found = piped.read_if_any(piped.PATIENCE_S)
    if found.given_up:
        console.note(
            f"Standard input said nothing for {piped.PATIENCE_S:.0f} seconds; answering without it."
            " With `< /dev/null` there is no wait."
        )
    given = f"{prompt}\n\n{found.text.strip()}" if found.text.strip() else prompt
    return readable(given)


def _count_of_questions(count: int) -> str:
    return "1 question" if count == 1 else f"{count:,} questions"


@dataclass(frozen=True)
class _Way:
    """How questions are answered: from the notes, and after thinking aloud."""

    grounded: bool
    thinks: bool


@contextlib.contextmanager
def _asker(library: Library, model: ChatModel, way: _Way, console: Console) -> Iterator[Ask]:
    """A function that answers the last turn, prints that, and returns the fields for --json."""
    with database.opened(library.database) as connection:
        if way.grounded:
            from mlx_backend.asking.answering import answer_from_notes
            from mlx_backend.asking.retrieval import retriever_of

            retriever = retriever_of(library, connection)

        told_left_out = 0

        def tell_left_out(answer: Answer) -> None:
            nonlocal told_left_out
            if answer.left_out > told_left_out:
                console.note(left_out_sentence(answer.left_out))
            told_left_out = answer.left_out

        def ask(
            turns: Sequence[Turn],
            sampling: Sampling,
            cancelled: Callable[[], bool] = lambda: False,
        ) -> dict[str, object]:
            on_thought = console.stream_thought if way.thinks else None
            listener = Listener(console.stream, cancelled, on_thought)
            if not way.grounded:
                answer = model.answer(turns, sampling, listener)
                console.end_stream()
                tell_left_out(answer)
                return _fields(answer, ())
            found = answer_from_notes(model, retriever, turns, sampling, listener)
            if found.from_notes:
                console.stream(found.answer.text)
            console.end_stream()
            tell_left_out(found.answer)
            for title in dict.fromkeys(citation.title for citation in found.citations):
                console.note(f"From: {title}")
            return _fields(found.answer, found.citations)

        yield ask


def _load(library: Library, adapters: list[tuple[Adapter, float]], chosen: str | None) -> ChatModel:
    """The model that answers: the base of the adapters, else `chosen`, else as in the settings.

    Raises OvernightError where the adapters were trained on another base than `chosen`.
    """
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.models.base_model import base_for, load_base_model
    from mlx_backend.models.inference import ChatModel

    default = chosen or load_settings(library.settings).base_model
    base = base_for(library, [adapter for adapter, _ in adapters], default)
    if chosen is not None and base != chosen:
        name = adapters[0][0].name
        raise OvernightError(
            ErrorKind.WRONG_USAGE,
            f"“{name}” was trained on the base model '{base}', not on '{chosen}'.",
            "Leave out --model, or choose adapters of that base: `overnight adapters` shows it.",
        )
    model = ChatModel(load_base_model(library, base))
    model.use(adapters)
    return model


def _require_thinking(model: ChatModel) -> None:
    """Raise OvernightError where the model cannot think aloud."""
    if not model.can_think:
        raise OvernightError(
            ErrorKind.WRONG_USAGE,
            f"The base model '{model.info.card.name}' cannot think aloud.",
            "Leave out --think, or choose a model that can: `overnight models` shows it.",
        )


def _sampling(library: Library, options: argparse.Namespace) -> Sampling:
    settings = load_settings(library.settings)

    def chosen(option: float | None, setting: float) -> float:
        return setting if option is None else option

    return Sampling(
        temperature=chosen(options.temperature, settings.temperature),
        top_p=chosen(options.top_p, settings.top_p),
        max_tokens=options.max_tokens or settings.max_tokens,
        seed=options.seed,
    )


def _citations(citations: Sequence[Citation]) -> list[dict[str, object]]:
    return [{"note": c.title, "passage": c.passage, "path": c.path} for c in citations]


def _fields(answer: Answer, citations: Sequence[Citation]) -> dict[str, object]:
    return {
        "text": answer.text,
        "citations": _citations(citations),
        "prompt_tokens": answer.prompt_tokens,
        "cached_tokens": answer.cached_tokens,
        "generated_tokens": answer.generated_tokens,
        "ttft_ms": answer.ttft_ms,
        "tokens_per_second": answer.tokens_per_second,
        "ended": answer.ended,
        "left_out": answer.left_out,
        "thoughts": answer.thoughts,
    }
