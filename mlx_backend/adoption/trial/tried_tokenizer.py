"""What a trial finds out about tokenizer and chat template, without the model's weights.

Templates are programs. transformers runs them in Jinja's immutable sandbox, which keeps them from
Python's objects; that they come to an end is seen to by the limits of the trial's process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2.exceptions import TemplateError
from mlx_lm.tokenizer_utils import TokenizerWrapper
from tokenizers import Tokenizer

from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.models.base_model import load_model_tokenizer
from mlx_backend.models.chat_form import TODAY, ChatForm
from mlx_backend.protocol import Turn

_QUESTION, _ANSWER, _SYSTEM = "Where is the lamp?", "It is on the pier.", "Speak plainly."
_MOST_QUESTIONS = 4  # with a system turn and the answers between, eight messages
_LONG = " The lamp is lit at dusk, and Marta writes it down in the red notebook." * 60

_REFUSALS = (TemplateError, TypeError, ValueError)

Messages = Sequence[dict[str, str]]


class UnfitError(Exception):
    """The model cannot be used; the message goes on after "... was tried, but"."""


@dataclass(frozen=True)
class TemplateAbilities:
    """What a template can, as in `Abilities`."""

    roles: tuple[str, ...]
    thinks: bool


def as_model(folder: Path, name: str) -> BaseModel:
    """The model in a folder that has no card yet."""
    card = ModelCard(name=name, title=name, licence="", source="", parameters=0, sha256="")
    return BaseModel(card, folder, 0, fits=True)


def load_tokenizer(folder: Path) -> TokenizerWrapper:
    """Load the tokenizer in a folder. Raises UnfitError where it would need code of its own."""
    try:
        return load_model_tokenizer(folder)
    except ValueError as error:
        if "trust_remote_code" in str(error):
            raise UnfitError("it asks to run program code of its own") from error
        raise


def check_tokenizer(folder: Path, tokenizer: TokenizerWrapper) -> None:
    """Raise UnfitError for a tokenizer that loses text, or that has no token to end a turn."""
    if tokenizer.eos_token_id is None:
        raise UnfitError("it has no token that ends an answer")
    text = f"{_QUESTION} {_ANSWER}"
    ids = (
        Tokenizer.from_file(str(folder / "tokenizer.json"))
        .encode(text, add_special_tokens=False)
        .ids
    )
    said = tokenizer.decode(ids, skip_special_tokens=True)
    if "".join(said.split()) != "".join(text.split()):
        raise UnfitError(f"it makes {said[:80]!r} of {text!r}")


def try_template(tokenizer: TokenizerWrapper, form: ChatForm) -> TemplateAbilities:
    """Write conversations of one to eight messages, short and long.

    Raises UnfitError where contents get lost, and whatever the template raises.
    """
    for questions in range(1, _MOST_QUESTIONS + 1):
        turns = _turns(questions)
        form.prompt(turns)
        _written(tokenizer, [_message("system", _SYSTEM), *_messages(turns, _LONG)])
    if not _shows(tokenizer, _QUESTION, [_message("user", _QUESTION)]):
        raise UnfitError("the question is not in what it wrote")
    return TemplateAbilities(_roles(tokenizer), form.can_think)


def ids_in_use(folder: Path, tokenizer: TokenizerWrapper, form: ChatForm) -> int:
    """The largest id that texts may become: of a token of text, of the template, of the end.

    Other control tokens do not count, because texts never become them: Gemma 3 has one for
    pictures beyond what its text model knows.
    """
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    added = plain.get_added_tokens_decoder()
    text = [number for number in plain.get_vocab(False).values() if number not in added]
    ends = [int(number) for number in tokenizer.eos_token_ids]
    return max((*text, *ends, *form.prompt(_turns(2))))


def _turns(questions: int) -> list[Turn]:
    """So many questions, with an answer to all but the last."""
    both = [Turn(role="user", text=_QUESTION), Turn(role="assistant", text=_ANSWER)]
    return (both * questions)[:-1]


def _messages(turns: Sequence[Turn], more: str = "") -> list[dict[str, str]]:
    return [_message(turn.role, turn.text + more) for turn in turns]


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _roles(tokenizer: TokenizerWrapper) -> tuple[str, ...]:
    """The roles whose contents the template writes; a question it does write."""
    question = _message("user", _QUESTION)
    found = ["user"]
    if _shows(tokenizer, _SYSTEM, [_message("system", _SYSTEM), question]):
        found.insert(0, "system")
    if _shows(tokenizer, _ANSWER, _messages(_turns(2))):
        found.append("assistant")
    return tuple(found)


def _shows(tokenizer: TokenizerWrapper, content: str, messages: Messages) -> bool:
    """Whether the template writes this content of messages, also if it wants a system turn."""
    with_system = [_message("system", ""), *messages]
    return any(content in (_written(tokenizer, each) or "") for each in (messages, with_system))


def _written(tokenizer: TokenizerWrapper, messages: Messages) -> str | None:
    """What the template makes of messages; None where it refuses them."""
    try:
        text: str = tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=False,
            enable_thinking=False,
            date_string=TODAY,
        )
    except _REFUSALS:
        return None
    return text
