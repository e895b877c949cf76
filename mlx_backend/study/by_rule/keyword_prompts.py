"""Keyword prompts: questions as people type them into a search box.

A model must see a fact in many wordings to recall it in a new one (arXiv 2309.14316). A keyword
prompt is a question word and some words of the fact; it needs no grammar, so every language works.
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
_MOST_TERMS = 4


def keyword_prompts(
    title: str, text: str, count: int, generator: random.Random
) -> list[tuple[str, str]]:
    """Up to `count` prompts that `text`, a statement of the note `title`, answers; with their keys.

    The key is the word or phrase of the statement that is asked for, "" where the prompt has it.
    """
    asked = [(answer.key, answer.question_words) for answer in answers_in(text)]
    asked = asked or [(word, ("what",)) for word in content_terms(text)[-2:]]
    if not asked:
        return []
    found: dict[str, str] = {}
    for _ in range(count):
        key, words = generator.choice(asked)
        terms = _terms(title, text.replace(key, " "), key, generator)
        if not terms:
            continue
        word = generator.choice(words if generator.random() < 0.75 else _ANY_WORD)
        prompt = generator.choice(_FORMS).format(word=word, terms=terms)
        prompt = f"{prompt[:1].upper()}{prompt[1:]}"
        found.setdefault(prompt, "" if key.casefold() in prompt.casefold() else key)
    return list(found.items())


def content_terms(text: str) -> list[str]:
    """The content words of a text, in order: all but function words."""
    return [word for word in _WORD.findall(text) if word.lower() not in _EMPTY]


def _terms(title: str, rest: str, key: str, generator: random.Random) -> str:
    """Some content words of a statement, often with some of its note's title; "" without any."""
    answer = key.lower()
    others = [word for word in content_terms(rest) if word.lower() not in answer]
    number = min(len(others), generator.randint(1, _MOST_TERMS))
    places = sorted(generator.sample(range(len(others)), number))
    chosen = [others[place] for place in places]
    if not chosen:
        return ""  # the title alone would ask for every statement of the note
    if generator.random() < 0.6 or len(chosen) < 2:
        chosen = _with_title(content_terms(title), chosen, generator)
    terms = " ".join(chosen)
    return terms.lower() if generator.random() < 0.5 else terms


def _with_title(title: Sequence[str], chosen: list[str], generator: random.Random) -> list[str]:
    part = list(title[-1:]) if generator.random() < 0.3 else list(title)
    return [*part, *chosen] if generator.random() < 0.5 else [*chosen, *part]
