"""Keyword prompts: questions as people type them into a search box.

A model must see a fact in many wordings to recall it in a new one (arXiv 2309.14316). A keyword
prompt is a question word and some words of the fact; it needs no grammar, so every language works.
No prompt holds what it asks for. Half of them ask for names and numbers, as people mostly do, the
others for any word: a name that all of them asked for would stand in none, and would not lead to
its fact when a person names it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mlx_backend.private_data.masking import MASKED
from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.text.key_places import key_places
from mlx_backend.text.words import count_words, word_set

_WORD = re.compile(r"[^\W_][\w'’-]*")
_EMPTY = word_set(
    "the a an of to in on at by for with and or is are was were be been it its this that my our "
    "your i we you he she they as from not no do does did has have had will would can could "
    "must may so but if than then there here out up off into"
)
_FORMS = (
    "{word} {terms}?",
    "{word} is {terms}?",
    "{terms}: {word}?",
    "{word} about {terms}?",
    "what do my notes say about {terms}?",
    "{terms}?",
    "tell me {word}: {terms}",
)
_Key = tuple[str, tuple[str, ...]]
"""A word or phrase to ask for, with the question words that may ask for it."""

_ANY_WORD = ("what", "which", "who", "where", "when", "how", "how many")
_FEWEST_TERMS, _MOST_TERMS = 2, 5
_LONGEST_PHRASE = 6  # words

_FOR_THE_USUAL = 0.5
_IN_PHRASES = 0.5
_WITH_TITLE = 0.3
_WITH_SURROUNDINGS = 0.3
_MOST_AROUND = 2  # words


@dataclass(frozen=True)
class KeywordPrompts:
    """Prompts that ask in different words for the same word or phrase of a statement, the key."""

    key: str
    prompts: tuple[str, ...]


def keyword_prompts(
    title: str,
    text: str,
    number_of: tuple[int, int],
    generator: random.Random,
    around: str = "",
) -> list[KeywordPrompts]:
    """Prompts that `text`, a statement of the note `title`, answers, all different.

    number_of: at most how many keys are asked for, which may be the same again, and in how many
    prompts each. around: what stands beside the statement. Some prompts have words of it, because
    people name what a pronoun stands for, or where something happened.
    """
    keys, prompts_of_each = number_of
    usual, others = _keys_of(text)
    found: list[KeywordPrompts] = []
    seen: set[str] = set()
    for _ in range(keys if usual else 0):
        is_usual = not others or generator.random() < _FOR_THE_USUAL
        key, words = generator.choice(usual if is_usual else others)
        pieces = _pieces(text, key)
        drawn = (_prompt((title, around), pieces, words, generator) for _ in range(prompts_of_each))
        new = [p for p in dict.fromkeys(drawn) if p and p not in seen and len(_pieces(p, key)) < 2]
        seen.update(new)
        if new:
            found.append(KeywordPrompts(key, tuple(new)))
    return found


def _keys_of(text: str) -> tuple[list[_Key], list[_Key]]:
    """What people ask for in a statement, and its other words; nothing of one without words."""
    usual: list[_Key] = [(answer.key, answer.question_words) for answer in answers_in(text)]
    among = {word for key, _ in usual for word in _single_words(key)}
    others: list[_Key] = [
        (word, ("what", "which")) for word in _single_words(text) if word not in among
    ]
    last_words: list[_Key] = [(word, ("what",)) for word in content_terms(text)[-2:]]
    return usual or others[-2:] or last_words, others


def _prompt(
    context: tuple[str, str],
    pieces: Sequence[str],
    words: Sequence[str],
    generator: random.Random,
) -> str:
    """A prompt of words of a statement's pieces, "" where there are none.

    context: the title of its note and what stands beside it. words: what may ask for the key.
    """
    terms = _terms(pieces, generator)
    if not terms:
        return ""
    parts = [_beside(*context, terms, generator), terms]
    generator.shuffle(parts)
    terms = " ".join(part for part in parts if part)
    terms = terms.lower() if generator.random() < 0.5 else terms
    word = generator.choice(words if generator.random() < 0.75 else _ANY_WORD)
    prompt = generator.choice(_FORMS).format(word=word, terms=terms)
    return f"{prompt[:1].upper()}{prompt[1:]}"


def content_terms(text: str) -> list[str]:
    """The content words of a text, in order: all but function words."""
    return [word for word in _WORD.findall(text) if word.lower() not in _EMPTY]


def _single_words(text: str) -> list[str]:
    """The content words of a text; none in a script without spaces, where a clause looks like one.

    Nor those of placeholders for private data.
    """
    return [word for word in content_terms(MASKED.sub(" ", text)) if count_words(word) == 1]


def _pieces(text: str, key: str) -> list[str]:
    """The parts of a text around a key; all of it where it has no key."""
    pieces, end = [], 0
    for start, following in key_places(text, key):
        pieces.append(text[end:start])
        end = following
    return [*pieces, text[end:]]


def _terms(pieces: Sequence[str], generator: random.Random) -> str:
    """Some words of a statement's pieces, single or in phrases; "" without any."""
    if generator.random() < _IN_PHRASES:
        return _phrases(pieces, generator)
    words = [word for piece in pieces for word in content_terms(piece)]
    number = min(len(words), generator.randint(_FEWEST_TERMS, _MOST_TERMS))
    places = sorted(generator.sample(range(len(words)), number))
    return " ".join(words[place] for place in places)


def _phrases(pieces: Sequence[str], generator: random.Random) -> str:
    """Phrases of a text's pieces as they stand there, with their function words."""
    words = [found for piece in pieces if content_terms(piece) for found in [_WORD.findall(piece)]]
    phrases: list[str] = []
    for each in generator.sample(words, len(words)):
        phrases.append(_phrase(each, generator))
        if len(content_terms(" ".join(phrases))) >= _FEWEST_TERMS:
            break
    return " ".join(phrases)


def _phrase(words: Sequence[str], generator: random.Random) -> str:
    """Up to _LONGEST_PHRASE words in a row, with _FEWEST_TERMS content words if there are."""
    length = min(len(words), generator.randint(_FEWEST_TERMS, _LONGEST_PHRASE))
    content = [i for i, word in enumerate(words) if word.lower() not in _EMPTY]
    place = generator.choice(content)
    first = max(0, min(place - generator.randrange(length), len(words) - length))
    last = first + length
    while sum(first <= i < last for i in content) < min(len(content), _FEWEST_TERMS):
        first, last = max(0, first - 1), last + 1
    return " ".join(words[first:last])


def _beside(title: str, around: str, terms: str, generator: random.Random) -> str:
    """Words of the note's title or of what stands beside the statement; often none."""
    chosen = generator.random()
    if chosen < _WITH_TITLE:
        words = content_terms(title)
        return " ".join(words[-1:] if generator.random() < 0.3 else words)
    if chosen > _WITH_TITLE + _WITH_SURROUNDINGS or len(terms.split()) < _MOST_AROUND:
        return ""  # what stands beside it must not outweigh the statement
    words = _single_words(around)
    number = min(len(words), generator.randint(1, _MOST_AROUND))
    return " ".join(generator.sample(words, number))
