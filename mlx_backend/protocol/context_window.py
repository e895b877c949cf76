"""Fitting a conversation into a model's context window: the oldest exchanges are left out.

An exchange is a question with its answer. More exchanges are left out at a time than necessary, so
that the prompt begins the same for the next few questions and the prompt cache can be reused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Turn

_LEAST_ANSWER = 64
"""Tokens. A question that leaves less room than this for its answer does not fit."""

_ANSWERS_SHARE = 4  # turns are left out for an answer of up to a quarter of the window
# Tokens that the template adds to a turn: an estimate, checked against the exact count.
_AROUND_A_TURN = 8
_WORDS_A_TOKEN = 0.75  # a rule of thumb for English

Prompt = Callable[[Sequence[Turn]], list[int]]
"""Encodes a conversation as token ids."""


@dataclass(frozen=True)
class Fitted:
    """The part of a conversation that fits.

    prompt: token ids; max_tokens: the room for the answer; left_out: how many of the first
    exchanges the model does not see.
    """

    prompt: list[int]
    max_tokens: int
    left_out: int


def fit(
    turns: Sequence[Turn],
    to_prompt: Prompt,
    count: Callable[[Sequence[str]], list[int]],
    limit: int,
    longest_answer: int,
) -> Fitted:
    """Leave out what does not fit into `limit` tokens together with the answer.

    `count` counts the tokens of each text. The answer gets the room that is left, `longest_answer`
    tokens at most. Raises OvernightError when the last question alone is too long.
    """
    prompt = to_prompt(turns)
    if len(prompt) + longest_answer <= limit:
        return Fitted(prompt, longest_answer, 0)
    room = limit - min(longest_answer, limit // _ANSWERS_SHARE)
    sizes = [size + _AROUND_A_TURN for size in count([turn.text for turn in turns])]
    left_out = left_out_of(sizes, room)
    prompt = to_prompt(turns[2 * left_out :])
    while len(prompt) > room and 2 * left_out + 1 < len(turns):
        left_out += 1  # the template adds more than estimated
        prompt = to_prompt(turns[2 * left_out :])
    answer = min(longest_answer, limit - len(prompt))
    if answer < least_answer(longest_answer):
        raise too_long(len(prompt), limit - least_answer(longest_answer))
    return Fitted(prompt, answer, left_out)


def left_out_of(sizes: Sequence[int], room: int) -> int:
    """How many of the first exchanges to leave out, so that the rest fits into `room` tokens.

    `sizes` are the tokens of its turns, alternating question and answer; the last is a question.
    The conversation is followed as it grew: each time it became too long, its oldest exchanges
    were left out until the others took half of the room. So the number seldom changes, and is the
    same when it is computed again for the same conversation.
    """
    left_out = earlier = 0
    for question in range(0, len(sizes), 2):
        if question:
            earlier += sizes[question - 2] + sizes[question - 1]
        if earlier + sizes[question] <= room:
            continue
        while earlier > max(0, room - sizes[question]) // 2:
            earlier -= sizes[2 * left_out] + sizes[2 * left_out + 1]
            left_out += 1
    return left_out


def left_out_sentence(count: int) -> str:
    """A sentence for the person when the first `count` exchanges were left out."""
    first = "question" if count == 1 else f"{count:,} questions"
    return f"The model no longer sees the first {first}."


def least_answer(longest: int) -> int:
    """The smallest room (tokens) that is enough for an answer of at most `longest` tokens."""
    return min(longest, _LEAST_ANSWER)


def too_long(tokens: int, limit: int) -> OvernightError:
    """The error for a question of `tokens` tokens where `limit` fit."""
    part = f"{tokens / limit:.0f} times" if tokens >= 2 * limit else "a little more than"
    if limit * 1.1 < tokens < 2 * limit:
        part = f"{round(100 * (tokens / limit - 1)):d} percent more than"
    return OvernightError(
        ErrorKind.TOO_LONG,
        "This question is too long for the model, which reads about"
        f" {_words(limit):,} words at once. It is {part} that.",
        "Shorten it, or ask about one part of it at a time.",
    )


def _words(tokens: int) -> int:
    """About how many English words this many tokens are, rounded to two digits."""
    words = max(1, round(tokens * _WORDS_A_TOKEN))
    return int(round(words, -max(0, len(str(words)) - 2)))
