"""Which base model an adapter belongs to: what it says itself, else one of the same shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlx_backend.adapters.bundles.manifest import Manifest
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.bounded_json import read_object
from mlx_backend.library.home import Library
from mlx_backend.library.model_sources import hub_source
from mlx_backend.library.models import BaseModel, list_models, read_model
from mlx_backend.library.weight_headers import read_header
from mlx_backend.receiving.repository import is_repository
from mlx_backend.text.words import printable

# What repositories of other forms of the same model append to its name.
_FORM = re.compile(r"[-_.](?:[3468]-?bits?|bf16|fp16|f16|mlx|bnb|unsloth|gguf|dwq|qat)\b.*$")


_LONGEST_NAME = 100


@dataclass(frozen=True)
class Candidate:
    """A base model to try the adapter with. warning: what is uncertain about it, or ""."""

    model: BaseModel
    warning: str = ""

    @property
    def model_type(self) -> str:
        """The architecture, as the model's configuration calls it."""
        return str(read_object(self.model.path / "config.json").get("model_type", ""))


@dataclass(frozen=True)
class Said:
    """What an adapter says of its base model; "" for what it does not say."""

    sha256: str = ""
    repository: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """The base model for a sentence."""
        return printable(self.repository or self.title)[:_LONGEST_NAME]


def said_by(manifest: Manifest | None, config: Mapping[str, object]) -> Said:
    """What manifest or configuration say of the base model."""
    if manifest is not None:
        base = manifest.base
        repository = base.repository if is_repository(base.repository) else ""
        return Said(base.sha256, repository, base.title)
    named = config.get("base_model_name_or_path") or config.get("model")
    if not isinstance(named, str):
        return Said()
    return Said(repository=named) if is_repository(named) else Said(title=named)


def candidates(
    library: Library, said: Said, outputs: Mapping[str, int], chosen: str | None
) -> list[Candidate]:
    """The base models that the adapter may belong to, the likeliest first, at least one.

    outputs: the layers that it changes, with their numbers of outputs. chosen: the model that the
    person named. Raises OvernightError where there is none.
    """
    if chosen is not None:
        model = read_model(library.models, chosen)
        return [Candidate(model, _difference(model, said))]
    models = [model for model in list_models(library.models) if _may_have(model, outputs)]
    if not models:
        raise _missing(said)
    found = sorted(models, key=lambda model: (_distance(model, said), model.card.name))
    return [Candidate(model, _difference(model, said)) for model in found]


_SAME_WEIGHTS, _SAME_REPOSITORY, _OTHER_FORM, _OF_ANOTHER_NAME = range(4)


def _distance(model: BaseModel, said: Said) -> int:
    """How far a model is from what the adapter says of its base."""
    if said.sha256 and said.sha256 == model.card.sha256:
        return _SAME_WEIGHTS
    repository = hub_source(model.card).repository
    if said.repository and said.repository.casefold() == repository.casefold():
        return _SAME_REPOSITORY
    names = {_plain_name(repository), _plain_name(model.card.title), _plain_name(model.card.name)}
    wanted = {_plain_name(said.repository), _plain_name(said.title)}
    return _OTHER_FORM if (names & wanted) - {""} else _OF_ANOTHER_NAME


def _plain_name(name: str) -> str:
    return _FORM.sub("", name.rpartition("/")[2].casefold().replace(" ", "-"))


def _difference(model: BaseModel, said: Said) -> str:
    distance, own = _distance(model, said), model.card.name
    if distance == _SAME_WEIGHTS or (distance == _SAME_REPOSITORY and not said.sha256):
        return ""
    if distance == _SAME_REPOSITORY:
        return f"It was made for other weights of {said.name} than those of your '{own}'."
    if distance == _OTHER_FORM:
        return f"It was made for {said.name}; your '{own}' is another form of that."
    if not said.name:
        return f"It does not say which base model it was made for. '{own}' has the same layers."
    return (
        f"It was made for {said.name}. Your '{own}' has the same layers, but may be another model:"
        " look whether its answers make sense."
    )


def _missing(said: Said) -> OvernightError:
    made_for = f"This adapter was made for {said.name}, but" if said.name else "It seems that"
    name = said.repository or "OWNER/NAME"
    return OvernightError(
        ErrorKind.MODEL_UNKNOWN,
        f"{made_for} no base model in the library has the layers that it changes.",
        f"Get the base model (`overnight download {name}`), then receive the adapter again.",
    )


def _may_have(model: BaseModel, outputs: Mapping[str, int]) -> bool:
    """Whether a model's files have these layers, with as many outputs.

    Where they have none of these names, mlx-lm may rename theirs; then the trial has to find out.
    """
    try:
        shapes = {
            name.removesuffix(".weight"): tensor.shape
            for file in model.path.glob("model*.safetensors")
            for name, tensor in read_header(file).items()
            if name.endswith(".weight") and tensor.shape
        }
    except (OSError, ValueError):
        return False
    there = [name for name in outputs if name in shapes]
    return not there or all(
        name in shapes and shapes[name][-2 if len(shapes[name]) > 1 else 0] == count
        for name, count in outputs.items()
    )
