"""Keyword prompts: questions as people type them into a search box.

A model must see a fact in many wordings to recall it in a new one (arXiv 2309.14316). A keyword
prompt is a question word and some words of the fact; it needs no grammar, so every language works.
Each leaves out what it asks for. That is what people ask for most, names and numbers, in half of
the prompts, and any word in the others: a name that every prompt asked for would stand in none, and
would not lead to its fact when a person names it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.text.words import word_set

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
_ANY_WORD = ("what", "which", "who", "where", "when", "how", "how many")
_FEWEST_TERMS, _MOST_TERMS = 2, 5
_LONGEST_PHRASE = 6  # words

_FOR_ANY_WORD = 0.5
_IN_PHRASES = 0.5
_WITH_TITLE = 0.3
_WITH_SURROUNDINGS = 0.3
_MOST_AROUND = 2  # words


def keyword_prompts(
    title: str,
    text: str,
    count: int,
    generator: random.Random,
    around: str = "",
) -> list[tuple[str, str]]:
    """Up to `count` prompts that `text`, a statement of the note `title`, answers; with their keys.

    The key is the word or phrase of the statement that is asked for, "" where the prompt has it.
    `around` is what stands beside the statement. Some prompts have words of it, because people name
    what a pronoun stands for, or where something happened.
    """
    asked = [(answer.key, answer.question_words) for answer in answers_in(text)]
    any_words = [(word, ("what", "which")) for word in content_terms(text)]
    asked = asked or any_words[-2:]
    if not asked:
        return []
    found: dict[str, str] = {}
    for _ in range(count):
        is_any = len(any_words) > 1 and generator.random() < _FOR_ANY_WORD
        key, words = generator.choice(any_words if is_any else asked)
        terms = _terms(text, key, generator)
        if not terms:
            continue
        beside = _beside(title, around, terms, key, generator)
        parts = [beside, terms] if generator.random() < 0.5 else [terms, beside]
        terms = " ".join(part for part in parts if part)
        terms = terms.lower() if generator.random() < 0.5 else terms
        word = generator.choice(words if generator.random() < 0.75 else _ANY_WORD)
        prompt = generator.choice(_FORMS).format(word=word, terms=terms)
        prompt = f"{prompt[:1].upper()}{prompt[1:]}"
        found.setdefault(prompt, "" if key.casefold() in prompt.casefold() else key)
    return list(found.items())


def content_terms(text: str) -> list[str]:
    """The content words of a text, in order: all but function words."""
    return [word for word in _WORD.findall(text) if word.lower() not in _EMPTY]


def _terms(text: str, key: str, generator: random.Random) -> str:
    """Some words of a statement without its key, single or in phrases; "" without any."""
    if generator.random() < _IN_PHRASES:
        return _phrases(text.split(key), generator)
    answer = key.lower()
    others = [word for word in content_terms(text.replace(key, " ")) if word.lower() not in answer]
    number = min(len(others), generator.randint(_FEWEST_TERMS, _MOST_TERMS))
    places = sorted(generator.sample(range(len(others)), number))
    return " ".join(others[place] for place in places)


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
    while last < len(words) and sum(first <= i < last for i in content) < _FEWEST_TERMS:
        last += 1
    return " ".join(words[first:last])


def _beside(title: str, around: str, terms: str, key: str, generator: random.Random) -> str:
    """Words of the note's title or of what stands beside the statement; often none."""
    chosen = generator.random()
    if chosen < _WITH_TITLE:
        words = content_terms(title)
        return " ".join(words[-1:] if generator.random() < 0.3 else words)
    if chosen > _WITH_TITLE + _WITH_SURROUNDINGS or len(terms.split()) < _MOST_AROUND:
        return ""  # what stands beside it must not outweigh the statement
    words = [word for word in content_terms(around) if word.lower() not in key.lower()]
    number = min(len(words), generator.randint(1, _MOST_AROUND))
    return " ".join(generator.sample(words, number))
