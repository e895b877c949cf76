"""Export for llama.cpp and Ollama: a GGUF adapter and a Modelfile."""

from __future__ import annotations

from pathlib import Path

from mlx_backend.adapters.answers import answers_of, difference
from mlx_backend.adapters.exports.comparing import check_same_change
from mlx_backend.adapters.exports.modelfile import modelfile
from mlx_backend.adapters.exports.source import ExportSource, not_exportable
from mlx_backend.adapters.forms.gguf import GgufModel, names_for, read_gguf, write_gguf
from mlx_backend.files import write_atomically
from mlx_backend.library.model_figures import figures_of
from mlx_backend.models import lora

_FORM = "a GGUF adapter"
_FILE = "adapter.gguf"


def write_gguf_folder(source: ExportSource, folder: Path) -> float:
    """Write the adapter into `folder` in llama.cpp's form, read that back, and compare.

    Returns the largest difference of a logit. Raises OvernightError if it is more than rounding,
    and for what llama.cpp has no form for.
    """
    model = _model(source)
    write_gguf(folder / _FILE, source.factors, model)
    write_atomically(folder / "Modelfile", modelfile(source.loaded, _FILE).encode())
    found = read_gguf(folder / _FILE, source.factors, model)
    check_same_change(source, found)
    lora.apply_factors(source.loaded.model, found)
    try:
        return difference(source.name, source.answers, answers_of(source.loaded))
    finally:
        lora.detach(source.loaded.model)


def _model(source: ExportSource) -> GgufModel:
    names = names_for(source.model_type)
    if names is None:
        raise not_exportable(
            source.name,
            _FORM,
            f"How llama.cpp names and orders the layers of its base model ('{source.model_type}')"
            " is not known here.",
        )
    _check_layers(source)
    figures = figures_of(source.base_config(), 0, 0)
    return GgufModel(names, figures.layers, figures.heads, figures.kv_heads)


def _check_layers(source: ExportSource) -> None:
    if any(each.norms is not None for each in source.factors.values()):
        raise not_exportable(source.name, _FORM, "It is of the kind DoRA, which GGUF has not.")
    if source.has_experts():
        raise not_exportable(source.name, _FORM, "It changes layers of experts.")
    if source.base_layers().embeddings & set(source.factors):
        raise not_exportable(
            source.name,
            _FORM,
            "It changes the token embeddings, which llama.cpp does not where they are the output"
            " layer, too.",
        )
