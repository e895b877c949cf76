"""What there is to say of a base model in the library."""

from __future__ import annotations

from app.text import amounts
from mlx_backend.catalogue.licences import is_open_source, licence_name
from mlx_backend.library.models import STARTER, BaseModel

STARTER_HELP = (
    "SmolLM2 135M Instruct, a small model. It is quick to train and good for trying Overnight; it"
    " forgets and mixes up more than a large one."
)
STARTER_COMING = "Comes with Overnight. It is made ready by itself at the first training or chat."
_NOT_TRIED = "Not tried yet: until then it answers with words quoted from your notes"
_NOT_STATED = "not stated"
_LICENCES = {"apache-2.0": "Apache 2.0", "mit": "MIT licence"}


def lines_of(model: BaseModel) -> tuple[str, ...]:
    """The lines below a model's title."""
    help_ = STARTER_HELP if model.card.name == STARTER else ""
    quantised = model.card.quantised
    cost = quantised.cost if quantised is not None else ""
    return tuple(filter(None, (facts(model), abilities(model), cost, help_)))


def facts(model: BaseModel) -> str:
    """Whether it fits, its size and its licence, in one line."""
    fits = "Fits this computer" if model.fits else _too_large(model)
    size = f"{amounts.size(model.bytes)} on the disk"
    return " · ".join(filter(None, (fits, size, _licence(model.card.licence))))


def licence_title(licence: str) -> str:
    """A licence as people write it: 'Apache 2.0'."""
    return _LICENCES.get(licence.lower(), licence_name(licence))


def _licence(licence: str) -> str:
    if licence in ("", _NOT_STATED):
        return "No licence stated" if licence else ""
    limits = "" if is_open_source(licence) else ", not open source"
    return f"{licence_title(licence)}{limits}"


def _too_large(model: BaseModel) -> str:
    return "Can chat here, too large to train" if model.fit.chats else "Too large for this computer"


def abilities(model: BaseModel) -> str:
    """What it does with notes, as its trial found; "" of the starter, which needs none."""
    if model.card.abilities is None:
        return _NOT_TRIED if is_untried(model) else ""
    does = (
        "Reads your notes and answers in its own words"
        if model.reads
        else "Answers with words quoted from your notes"
    )
    thinks = " · Can think before it answers" if model.card.abilities.thinks else ""
    return f"{does}{thinks}"


def is_untried(model: BaseModel) -> bool:
    """Whether a model came before there were trials."""
    return model.card.abilities is None and model.card.name != STARTER


def how_large(model: BaseModel) -> str:
    """How large a model is, for those to whom that says something."""
    millions = model.card.parameters / 1e6
    if millions >= 1000:
        return f"{amounts.number(millions / 1000, 1)} billion parameters"
    return f"{amounts.number(millions)} million parameters"
