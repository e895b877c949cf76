"""Questions that study's filters dropped, as further wordings of good ones about the same words.

A model recalls a fact in a new wording if it saw many (arXiv 2309.14316), and a question that reads
badly is still one. It is never trained where there is no good prompt for its statement, nobody is
shown it, and the exam asks none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from mlx_backend.dataset.ambiguity import NotesByWord
from mlx_backend.dataset.facts import StudiedPassage, titled_question
from mlx_backend.dataset.samples import KEYWORDS, Sample, fact_of
from mlx_backend.dataset.statement_index import StatementIndex
from mlx_backend.library.stored_samples import StoredSample
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.text.answer_matching import is_right

_MOST = 8  # with more, a sample's own wording would hardly be seen in the passes of a night
_PROMPTS_IN_ALL = 24_000
_LONGEST = 200  # characters
_BESIDE = frozenset({"opening", "restated", "summary", "mention", "linked"})


def with_crooked(samples: Sequence[Sample], studied: Sequence[StudiedPassage]) -> list[Sample]:
    """The samples, some with crooked questions about the same fact as further rewordings.

    Questions of study take them; where a fact has none, its keyword prompts do. A question goes to
    a sample that asks for the same key, if there is one, and never to one whose key it tells.
    """
    takers = _takers(samples)
    most = max(1, min(_MOST, _PROMPTS_IN_ALL // max(1, len(samples))))
    added: defaultdict[int, list[str]] = defaultdict(list)
    known = {(prompt, s.fact) for s in samples for prompt in (s.prompt, *s.rewordings)}
    for fact, key, prompt in _prompts(studied):
        able = [
            number
            for number in takers.get(fact, ())
            if len(added[number]) < most and not is_right(prompt, (samples[number].key,))
        ]
        if able and (prompt, fact) not in known:
            known.add((prompt, fact))
            place = min(able, key=lambda i: (samples[i].key != key, len(added[i]), i))
            added[place].append(prompt)
    return [
        msgspec.structs.replace(sample, rewordings=(*sample.rewordings, *added.get(number, ())))
        for number, sample in enumerate(samples)
    ]


def _takers(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """By fact, the numbers of the samples that may take crooked questions."""
    questions: defaultdict[str, list[int]] = defaultdict(list)
    keywords: defaultdict[str, list[int]] = defaultdict(list)
    for number, sample in enumerate(samples):
        if sample.fact and sample.kind not in _BESIDE:
            (keywords if sample.kind == KEYWORDS else questions)[sample.fact].append(number)
    return keywords | questions


def _prompts(studied: Sequence[StudiedPassage]) -> Iterator[tuple[str, str, str]]:
    """(fact, key, prompt) of crooked questions that point to their own statement alone."""
    index = StatementIndex(studied)
    by_word = NotesByWord(each.passage for each in studied)
    for each in studied:
        note, title = each.passage.note_id, each.passage.note_title
        taught = {quoted.quote for quoted in each.taught}
        for stored in each.crooked:
            if stored.quote not in taught or not _is_readable(stored):
                continue
            titled = titled_question(title, stored.prompt)
            bare = () if by_word.is_ambiguous(stored.prompt, note) else (stored.prompt,)
            for prompt in dict.fromkeys((*bare, titled)):
                if index.points_to(prompt, note, stored.quote):
                    yield fact_of(note, stored.quote), stored.key, prompt


def _is_readable(stored: StoredSample) -> bool:
    """Whether it is one line without its key and without what looks private: models make it up."""
    prompt = stored.prompt
    is_line = prompt.strip() == prompt != "" and prompt.isprintable() and len(prompt) <= _LONGEST
    return is_line and not is_right(prompt, (stored.key,)) and not find_secrets(prompt)
