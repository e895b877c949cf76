"""The names of what can be asked: a base model, alone or with adapters.

`starter` is a base model by itself, `starter+my notes` is one with an adapter, and
`starter+my notes:0.5+work` with two, the first at half its weight. `:grounded` at the end has the
answers taken from the notes.

Names of models and adapters may contain "+" themselves, though no ":". So a name is read against
what there is: of several readings, those count in which the adapters fit the base, and of these the
one with the longest names from the left. A weight ends a name: with adapters "a", "b" and "a+b",
`starter+a+b` is the last one, and `starter+a:1+b` the first two.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapter_names import normal_name
from mlx_backend.library.adapters import Adapter, list_adapters
from mlx_backend.library.home import Library
from mlx_backend.library.models import CARD, STARTER, BaseModel, list_models

GROUNDED = ":grounded"
"""The end of the name of a model that answers from the notes."""

_LONGEST = 1000  # characters
_WEIGHT = re.compile(r":(-?\d{1,9}(?:\.\d{1,9})?)(?=\+|$)")
_LARGEST_WEIGHT = 10.0

Weighted = tuple[Adapter, float]


@dataclass(frozen=True)
class Answerer:
    """Who answers: a base model, with adapters at their weights, from the notes or not."""

    base: str
    adapters: tuple[Weighted, ...] = ()
    grounded: bool = False


@dataclass(frozen=True)
class Known:
    """The base models and adapters of a library at one moment, by their names."""

    bases: Mapping[str, BaseModel | None]
    adapters: Mapping[str, Adapter]

    @classmethod
    def of(cls, library: Library) -> Known:
        """What there is now. The starter always is: it is made when it is first needed."""
        bases: dict[str, BaseModel | None] = {STARTER: None}
        bases |= {normal_name(model.card.name): model for model in list_models(library.models)}
        adapters = {normal_name(each.name): each for each in list_adapters(library.adapters)}
        return cls(bases, adapters)

    def find(self, name: str) -> Answerer:
        """Who is meant by a name.

        Raises OvernightError when nobody is, or when an adapter belongs to another base model.
        """
        text = normal_name(name) if len(name) <= _LONGEST else ""
        found = self._read(text)
        if found is None and text.endswith(GROUNDED):
            found = self._read(text.removesuffix(GROUNDED), grounded=True)
        if found is None:
            raise _unknown(name)
        return self.checked(found)

    def name_of(self, answerer: Answerer) -> str:
        """A name by which `find` finds it."""
        short, whole = ("+".join(_parts(answerer, spelt_out)) for spelt_out in (False, True))
        is_clear = self._read(short, answerer.grounded) == answerer
        return (short if is_clear else whole) + GROUNDED * answerer.grounded

    def all(self) -> Iterator[Answerer]:
        """Every base model by itself, then with each of its adapters; plain, then grounded."""
        for base in self.bases:
            alone = [((each, 1.0),) for each in self._fitting(base).values()]
            for adapters in ((), *alone):
                yield Answerer(base, adapters)
                yield Answerer(base, adapters, grounded=True)

    def created(self, answerer: Answerer) -> int:
        """When its newest adapter was made, else its base model filed, in Unix time; 0: unknown."""
        if answerer.adapters:
            return int(max(each.card.created for each, _ in answerer.adapters))
        model = self.bases.get(answerer.base)
        with contextlib.suppress(OSError):
            return int((model.path / CARD).stat().st_mtime) if model else 0
        return 0

    def checked(self, answerer: Answerer) -> Answerer:
        """The same. Raises OvernightError where adapters and base do not go together."""
        model = self.bases[answerer.base]
        for adapter, weight in answerer.adapters:
            if not _fits(model, adapter):
                raise OvernightError(
                    ErrorKind.BAD_INPUT,
                    f"“{adapter.name}” was trained on the base model '{adapter.card.base}', not on"
                    f" '{answerer.base}'.",
                    "The list of models names each adapter with its base.",
                )
            if abs(weight) > _LARGEST_WEIGHT:
                message = f"The weight of “{adapter.name}” must be from -10 to 10."
                raise OvernightError(ErrorKind.BAD_INPUT, message, "1 is its full strength.")
        return answerer

    def _read(self, text: str, grounded: bool = False) -> Answerer | None:
        """The reading that counts: where there is one, one in which the adapters fit the base."""
        for all_fit in (True, False):
            for base in sorted(self.bases, key=len, reverse=True):
                if not text.startswith(base):
                    continue
                there = self._fitting(base) if all_fit else self.adapters
                adapters = _adapters_in(text[len(base) :], there)
                if adapters is not None:
                    return Answerer(base, adapters, grounded)
        return None

    def _fitting(self, base: str) -> Mapping[str, Adapter]:
        model = self.bases[base]
        return {name: each for name, each in self.adapters.items() if _fits(model, each)}


def chosen(base: str | None, adapters: Sequence[Weighted], known: Known, default: str) -> Answerer:
    """Whom the command line chose: these adapters on `base`, else on the base that is theirs.

    Without either, the base model `default` answers. Raises OvernightError where they do not go
    together, or where the base model is not there.
    """
    if base is None and adapters:
        card = adapters[0][0].card
        fitting = [name for name, model in known.bases.items() if _fits(model, adapters[0][0])]
        base = card.base if card.base in fitting or not fitting else fitting[0]
    answerer = Answerer(base or default, tuple(adapters))
    if answerer.base not in known.bases:
        raise OvernightError(
            ErrorKind.MODEL_UNKNOWN,
            f"There is no base model called '{answerer.base}'.",
            "`overnight models` lists all base models, `overnight bin` what was deleted.",
        )
    return known.checked(answerer)


def _adapters_in(text: str, adapters: Mapping[str, Adapter]) -> tuple[Weighted, ...] | None:
    """The adapters that a text such as "+a:0.5+b" names; None where it cannot be read so.

    Read from the right, so that each place is read once, however many readings there are.
    """
    by_length = sorted(adapters, key=len, reverse=True)
    readings: dict[int, tuple[Weighted, ...]] = {len(text): ()}
    for place in range(len(text) - 1, -1, -1):
        if text[place] != "+":
            continue
        for name in by_length:
            if not text.startswith(name, place + 1):
                continue
            end = place + 1 + len(name)
            weight = _WEIGHT.match(text, end)
            rest = readings.get(weight.end() if weight else end)
            if rest is not None:
                value = float(weight[1]) if weight else 1.0
                readings[place] = ((adapters[name], value), *rest)
                break
    return readings.get(0)


def _fits(model: BaseModel | None, adapter: Adapter) -> bool:
    """Whether an adapter was trained on this base model; the weights count, not the name."""
    return model is not None and adapter.card.base_sha256 == model.card.sha256


def _parts(answerer: Answerer, spelt_out: bool) -> Iterator[str]:
    """The names that make the name of an answerer; `spelt_out`: with all weights."""
    yield answerer.base
    for adapter, weight in answerer.adapters:
        number = f"{weight:.9f}".rstrip("0").rstrip(".")
        name = normal_name(adapter.name)
        yield f"{name}:{number}" if spelt_out or weight != 1.0 else name


def _unknown(name: str) -> OvernightError:
    shown = name if len(name) <= 100 else f"{name[:100]}…"
    return OvernightError(
        ErrorKind.MODEL_UNKNOWN,
        f"There is no model called '{shown}'.",
        "GET /v1/models lists those that there are.",
    )
