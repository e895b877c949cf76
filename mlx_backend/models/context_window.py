"""What of a conversation a model can read at once: the oldest exchanges go first, whole.

More is left out at a time than has to be, so that for some questions to come the beginning of what
the model reads stays the same, and is not computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Turn

_LEAST_ANSWER = 64
"""Tokens. A question that leaves less room than this for its answer does not fit."""

_ANSWERS_SHARE = 4  # turns are left out for an answer of up to this part of what fits
# What the template puts around a turn and before the first one; the exact count comes after.
_AROUND_A_TURN = 8
_WORDS_A_TOKEN = 0.75  # of English; a rule of thumb, told as one

Prompt = Callable[[Sequence[Turn]], list[int]]
"""A conversation as the tokens of a model."""


@dataclass(frozen=True)
class Fitted:
    """A conversation as far as it fits: `prompt` in tokens, and the room for the answer.

    `left_out` is how many exchanges, from the first on, the model does not see.
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
    """Leave out what does not fit into `limit` tokens with an answer of `longest_answer`.

    `count` counts the tokens of texts. The answer gets what room there is, `longest_answer` at
    most. Raises OvernightError when the last question is too long by itself.
    """
    prompt = to_prompt(turns)
    if len(prompt) + longest_answer <= limit:
        return Fitted(prompt, longest_answer, 0)
    room = limit - min(longest_answer, limit // _ANSWERS_SHARE)
    sizes = [size + _AROUND_A_TURN for size in count([turn.text for turn in turns])]
    left_out = left_out_of(sizes, room)
    prompt = to_prompt(turns[2 * left_out :])
    while len(prompt) > room and 2 * left_out + 1 < len(turns):
        left_out += 1  # the template takes more than was thought
        prompt = to_prompt(turns[2 * left_out :])
    answer = min(longest_answer, limit - len(prompt))
    if answer < least_answer(longest_answer):
        raise too_long(len(prompt), limit - least_answer(longest_answer))
    return Fitted(prompt, answer, left_out)


def left_out_of(sizes: Sequence[int], room: int) -> int:
    """How many exchanges of a conversation to leave out, from the first on, to keep within `room`.

    `sizes` are those of its turns, question and answer by turns, the last a question. Found by
    going through the conversation as it grew: where it became too long, half of what was there
    went. So the number stays the same for some questions, and any later one gives it again.
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
    """What a person should know when the first `count` questions were left out."""
    first = "question" if count == 1 else f"{count:,} questions"
    return f"The model no longer sees the first {first}."


def least_answer(longest: int) -> int:
    """The least room in tokens that an answer of at most `longest` needs."""
    return min(longest, _LEAST_ANSWER)


def too_long(tokens: int, limit: int) -> OvernightError:
    """The error for a question of so many tokens where `limit` fit."""
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
    """About how many words tokens stand for, to two digits."""
    words = max(1, round(tokens * _WORDS_A_TOKEN))
    return int(round(words, -max(0, len(str(words)) - 2)))
