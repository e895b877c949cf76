"""A model that reads, as a writer of samples: it writes, answers and judges in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlx_backend.library.sample_drafts import Draft
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.study.by_model.reader.completing import Completer, Conversation
from mlx_backend.study.by_model.reader.genres import Genre
from mlx_backend.study.by_model.reader.items import beginning_of
from mlx_backend.study.by_model.reader.judging import Pair, agreement
from mlx_backend.study.by_model.reader.prompting import reading_turns, writing_turns
from mlx_backend.study.by_model.reader.views import View

_LONGEST_READING = 48  # tokens; a genre whose replies are long has long answers
_SHARE_OF_REPLY = 0.4


class StopAskedError(Exception):
    """Study was asked to stop in the middle of a group."""


class Reader:
    """A base model without adapters that writes about what it reads.

    stops: asked between batches. Once it says so, whatever is under way raises StopAskedError.
    """

    def __init__(self, loaded: LoadedModel, stops: Callable[[], bool] = lambda: False) -> None:
        self._loaded = loaded
        self._completer = Completer(loaded)
        self._stops = stops

    @property
    def name(self) -> str:
        """The writer of its samples, as the library records it."""
        return self._loaded.info.card.name

    def write(self, genre: Genre, views: Sequence[View], languages: Sequence[str]) -> list[str]:
        """The model's reply about each view, in a language given by its name."""
        replies = [""] * len(views)
        for language in dict.fromkeys(languages):
            places = [i for i, each in enumerate(languages) if each == language]
            found = self._write(genre, [views[i] for i in places], language)
            for i, reply in zip(places, found, strict=True):
                replies[i] = reply
        return replies

    def _write(self, genre: Genre, views: Sequence[View], language: str) -> list[str]:
        asked = []
        for view in views:
            begun = beginning_of(view.sentence, view.key) if view.sentence else ""
            asked.append(Conversation(writing_turns(genre, view.shown, language), begun))
        # The examples are in another order in another language.
        replies = self._completed(f"{genre.name} {language}", views, asked, genre.tokens)
        return [each.begun + reply for each, reply in zip(asked, replies, strict=True)]

    def read(self, genre: Genre, views: Sequence[View], drafts: Sequence[Draft]) -> list[str]:
        """The model's answer to each draft's question with its view before it."""
        asked = [
            Conversation(reading_turns(view.shown, draft.prompt))
            for view, draft in zip(views, drafts, strict=True)
        ]
        most = max(_LONGEST_READING, int(_SHARE_OF_REPLY * genre.tokens))
        return self._completed("reading", views, asked, most)

    def agreement(self, pairs: Sequence[Pair]) -> list[float]:
        """By how much the model finds that two answers say the same, as `judging.agreement`."""
        if self._stops():
            raise StopAskedError
        return agreement(self._loaded, pairs) if pairs else []

    def _completed(
        self, kind: str, views: Sequence[View], asked: Sequence[Conversation], most: int
    ) -> list[str]:
        """What the model goes on with, the conversations put together by what is in view."""
        if not asked:
            return []
        families: dict[str, list[int]] = {}
        for i, view in enumerate(views):
            families.setdefault(view.shown, []).append(i)
        found = self._completer.complete(
            kind, [[asked[i] for i in family] for family in families.values()], most, self._stops
        )
        if found is None:
            raise StopAskedError
        replies = [""] * len(asked)
        for family, texts in zip(families.values(), found, strict=True):
            for i, text in zip(family, texts, strict=True):
                replies[i] = text
        return replies
