"""Models that a person can get, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """A model to get.

    key: what it is recognised by: its repository, or its folder. facts: size, languages and the
    like, in one line. fit: what this computer can do with it; is_fitting: whether that is enough.
    licence: a warning where it is not open source, to be read at licence_link; "" where it is.
    missed: why it cannot be got, "" where it can.
    """

    key: str
    title: str
    facts: str
    fit: str
    is_fitting: bool = True
    good_for: str = ""
    licence: str = ""
    licence_link: str = ""
    revision: str = "main"
    missed: str = ""


@dataclass(frozen=True)
class Offers:
    """The catalogue: the one to take first, None where none fits, and the others.

    advice: one sentence on this computer and which model to take.
    """

    recommended: Offer | None = None
    others: tuple[Offer, ...] = ()
    advice: str = ""
