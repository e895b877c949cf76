"""What to search for when a question leans on the conversation before it.

For example "And when did he leave?" A model that reads writes the question anew so that it stands
alone; for others, the nouns and names of the last turns are searched for along with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlx_backend.asking.retrieval import content_words
from mlx_backend.errors import OvernightError
from mlx_backend.models.listener import NOBODY, Listener
from mlx_backend.protocol import Sampling, Turn
from mlx_backend.text.dictionary import could_be_noun, is_common_word
from mlx_backend.text.words import bare_words, end_of, folded_words, word_set

if TYPE_CHECKING:
    from mlx_backend.models.inference import ChatModel

_LOOKED_AT = 64  # words, as many as retrieval looks up
_FEW_WORDS = 2  # with fewer content words, a question says too little by itself
_SHORT = 8  # words: a longer question in an unknown language hardly leans on another one
_MOST_ADDED = 12  # words of earlier turns
_STANDS_FOR = word_set("it its he him his she her hers they them their theirs")
_AT_THE_END = word_set("this that these those there then one ones")
_BEGINS = re.compile(r"\s*(?:and|but|so|or|what about|how about)\b", re.IGNORECASE)
_IS_ENGLISH = word_set("what which who whose when where why how is are was were do does did the")
_REWRITING = (
    "Write the question below anew, so that it can be understood without our conversation: replace"
    " words like 'it' or 'she' by what they mean. Do not answer it. Give the question alone, in its"
    " own language.\n\nQuestion: {}"
)
_LABEL = re.compile(r"^[\w ]{0,20}:\s+")
_LONGEST_REWRITTEN = 64  # tokens
_KNOWN_SHARE = 0.5  # of its content words are from the conversation; else the model answered


def search_text(turns: Sequence[Turn]) -> str:
    """What to search for to answer the last turn, for models that do not read."""
    *earlier, last = turns
    if not earlier or not leans(last.text):
        return last.text
    return " ".join([last.text, *_subjects(earlier)])


def rewritten(model: ChatModel, turns: Sequence[Turn], listener: Listener = NOBODY) -> str:
    """What to search for to answer the last turn: if it leans, also as the model rewrites it.

    As `search_text` where the model's words are of no use. Nobody hears them, but the listener may
    end them early.
    """
    *earlier, last = turns
    if not earlier or not (leans(last.text) or _might_lean(last.text)):
        return last.text
    asked = Turn(role="user", text=_REWRITING.format(end_of(last.text, _LOOKED_AT)))
    sampling = Sampling(temperature=0.0, max_tokens=_LONGEST_REWRITTEN, seed=0)
    try:
        # After the same turns as the answer, so that their cache serves both.
        answer = model.answer([*earlier, asked], sampling, Listener(cancelled=listener.cancelled))
    except OvernightError:  # there is no room for it
        return search_text(turns)
    question = _LABEL.sub("", answer.text.strip().partition("\n")[0].strip().strip('"'))
    if answer.ended != "stop" or not _is_of(question, turns):
        return search_text(turns)
    return f"{last.text} {question}"


def leans(question: str) -> bool:
    """Whether a question cannot be understood without what was said before it."""
    words = folded_words(end_of(question, _LOOKED_AT))
    return (
        len(content_words(" ".join(words))) < _FEW_WORDS
        or bool(_STANDS_FOR & set(words))
        or words[-1] in _AT_THE_END
        or _BEGINS.match(question) is not None
    )


def _might_lean(question: str) -> bool:
    """Whether a question may lean, in a language of which the pronouns are not known here."""
    words = folded_words(end_of(question, _LOOKED_AT))
    return len(words) <= _SHORT and not _IS_ENGLISH & set(words)


def _subjects(earlier: Sequence[Turn]) -> list[str]:
    """The nouns and names of the last two questions, and the names in the last answer."""
    asked = [turn.text for turn in earlier if turn.role == "user"][-2:]
    answered = [turn.text for turn in earlier if turn.role == "assistant"][-1:]
    found: dict[str, None] = {}
    for text in reversed(asked):
        found |= dict.fromkeys(w for w in content_words(end_of(text, _LOOKED_AT)) if _is_thing(w))
    for text in answered:
        found |= dict.fromkeys(_names(end_of(text, _LOOKED_AT)))
    return list(found)[:_MOST_ADDED]


def _is_thing(word: str) -> bool:
    """Whether a word in lower case can be a noun, or is in no English dictionary, as names are."""
    return could_be_noun(word) or not is_common_word(word)


def _names(text: str) -> list[str]:
    """The words with a capital that do not begin a sentence, in lower case."""
    words = bare_words(text)
    begins = {match[1] for match in re.finditer(r"(?:^|[.!?:]\s+)\W*(\w+)", text)}
    return [w.lower() for w in words if w[0].isupper() and (w not in begins or len(words) == 1)]


def _is_of(question: str, turns: Sequence[Turn]) -> bool:
    """Whether a rewritten question is made of what was said."""
    words = content_words(question)
    said = set(content_words(" ".join(end_of(turn.text, 4 * _LOOKED_AT) for turn in turns)))
    return bool(words) and sum(word in said for word in words) >= _KNOWN_SHARE * len(words)
