"""A model that reads, as a writer of samples: it writes, answers and judges in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.models.base_model import LoadedModel
from mlx_backend.study.by_model.reader.completing import Completer, Conversation
from mlx_backend.study.by_model.reader.genres import Genre
from mlx_backend.study.by_model.reader.items import beginning_of
from mlx_backend.study.by_model.reader.judging import Pair, agreement
from mlx_backend.study.by_model.reader.prompting import reading_turns, writing_turns
from mlx_backend.study.by_model.reader.views import View

_LONGEST_READING = 48  # tokens; a genre whose replies are long has long answers
_SHARE_OF_REPLY = 0.4


@dataclass(frozen=True)
class Request:
    """Questions of a genre to be written about a view, in a language given by its English name."""

    genre: Genre
    view: View
    language: str

    @property
    def kind(self) -> str:
        """Requests of one kind have the same examples before them, in the same order."""
        what = "two" if self.view.other else "key" if self.view.key else "one"
        return f"{what} {self.language}"


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

    def write(self, requests: Sequence[Request]) -> list[str]:
        """The model's reply to each request."""
        replies = [""] * len(requests)
        kinds = [each.kind for each in requests]
        for kind in dict.fromkeys(kinds):
            places = [i for i, each in enumerate(kinds) if each == kind]
            found = self._write(kind, [requests[i] for i in places])
            for i, reply in zip(places, found, strict=True):
                replies[i] = reply
        return replies

    def _write(self, kind: str, requests: Sequence[Request]) -> list[str]:
        asked = []
        for each in requests:
            view = each.view
            begun = beginning_of(view.sentence, view.key) if view.sentence else ""
            is_keyed = bool(view.key)
            turns = writing_turns(each.genre, view.shown, each.language, key_first=is_keyed)
            asked.append(Conversation(turns, begun))
        most = max(each.genre.tokens for each in requests)
        replies = self._completed(kind, [each.view for each in requests], asked, most)
        return [each.begun + reply for each, reply in zip(asked, replies, strict=True)]

    def read(self, requests: Sequence[Request], questions: Sequence[str]) -> list[str]:
        """The model's answer to each question with the view of its request before it."""
        asked = [
            Conversation(reading_turns(each.view.shown, question))
            for each, question in zip(requests, questions, strict=True)
        ]
        longest = max((each.genre.tokens for each in requests), default=0)
        most = max(_LONGEST_READING, int(_SHARE_OF_REPLY * longest))
        return self._completed("reading", [each.view for each in requests], asked, most)

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
