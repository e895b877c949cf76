"""What is exported: an adapter, with its base model in memory and the page that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mlx.core as mx

from mlx_backend.adapters.answers import answers_of
from mlx_backend.adapters.forms.base_layers import BaseLayers, base_layers
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.bounded_json import read_object
from mlx_backend.models import lora
from mlx_backend.models.architecture import Experts
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.lora_factors import Factors, layers_of, read_factors


@dataclass(frozen=True)
class ExportSource:
    """An adapter and its base model; `answers` are the adapter's, to compare the export's with.

    factors: by the names of the layers. page: the text (Markdown) of README.md. licence: the Hub's
    id of the adapter's, "" where it is not known.
    """

    adapter: Adapter
    loaded: LoadedModel
    factors: Mapping[str, Factors]
    answers: list[mx.array]
    page: str
    licence: str = ""

    @property
    def name(self) -> str:
        """The adapter's name."""
        return self.adapter.card.name

    @property
    def model_type(self) -> str:
        """The architecture of the base model, as its configuration calls it."""
        return str(self.base_config().get("model_type", ""))

    def base_config(self) -> dict[str, object]:
        """The configuration of the base model (config.json)."""
        return dict(read_object(self.loaded.info.path / "config.json"))

    def has_experts(self) -> bool:
        """Whether the adapter changes layers of experts."""
        layers = dict(layers_of(self.loaded.model))
        return any(isinstance(layers[name], Experts) for name in self.factors)

    def base_layers(self) -> BaseLayers:
        """The base model's layers, as other programs have to know them."""
        return base_layers(self.loaded.model)


def source_of(adapter: Adapter, loaded: LoadedModel, page: str, licence: str = "") -> ExportSource:
    """Put the adapter on the model once, and take it off again.

    Raises OvernightError when it is damaged or does not fit.
    """
    lora.detach(loaded.model)
    factors = read_factors(adapter, dict(layers_of(loaded.model)))
    lora.apply_factors(loaded.model, factors)
    answers = answers_of(loaded)
    lora.detach(loaded.model)
    return ExportSource(adapter, loaded, factors, answers, page, licence)


def not_exportable(name: str, form: str, reason: str) -> OvernightError:
    """The error for an adapter that has no such form; `reason` is a whole sentence."""
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"'{name}' cannot be exported as {form}. {reason}",
        "Export it with --format mlx or --format fused, which hold for every base model.",
    )
