"""The catalogue: good base models to choose from, and the one for this machine's memory.

The figures in `resources/base_models.json` are fall-backs, gathered once from public pages: where
the Hub can be reached, its own are shown (`models/hub/true_figures.py`).
"""

from __future__ import annotations

import sys
from importlib import resources

import msgspec

from mlx_backend.catalogue.hub_pages import page_of
from mlx_backend.catalogue.licences import is_open_source, licence_notice
from mlx_backend.library.model_fit import Figures, Fit, fit_of
from mlx_backend.library.this_machine import Machine

_FILE = "base_models.json"
_NEARLY_ALL = 0.95  # a computer sold with 16 GB reports a little less
_LARGEST_WITHOUT_GPU = 1_000_000_000  # parameters; a larger one learns too little in a night


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base model of the catalogue.

    repo: OWNER/NAME on the Hub; revision: a commit, "" where none is pinned. title: for people.
    bits: of a weight as it is stored. bytes: of the files together. context: the longest context in
    tokens. licence: the Hub's id. languages: their English names. thinks: whether it can think
    aloud. good_for: one sentence for people. recommended_from_gib: the memory of a computer from
    which this is the one to take, 0 where never. The rest are the figures of its architecture;
    attention_layers: how many of the layers keep keys and values, 0 where all do. computed: the
    names of fields that nobody read from the repository itself.
    """

    repo: str
    revision: str
    title: str
    bits: int
    bytes: int
    parameters: int
    context: int
    licence: str
    languages: tuple[str, ...]
    thinks: bool
    good_for: str
    layers: int
    hidden_size: int
    heads: int
    kv_heads: int
    head_size: int
    intermediate_size: int
    vocabulary: int
    attention_layers: int = 0
    recommended_from_gib: int = 0
    computed: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """What `overnight download` takes: the repository at its pinned commit."""
        return f"{self.repo}@{self.revision}" if self.revision else self.repo

    @property
    def page(self) -> str:
        """The address of its page on the Hub."""
        return page_of(self.repo)

    @property
    def is_open_source(self) -> bool:
        """Whether its licence is open source."""
        return is_open_source(self.licence)

    @property
    def licence_notice(self) -> str:
        """What a person should know of the licence before the download; "" if it is open source."""
        return licence_notice(self.licence, self.repo)

    @property
    def figures(self) -> Figures:
        """What its need of memory is computed from."""
        return Figures(
            parameters=self.parameters,
            weight_bytes=self.bytes,
            layers=self.layers,
            attention_layers=self.attention_layers or self.layers,
            hidden_size=self.hidden_size,
            heads=self.heads,
            kv_heads=self.kv_heads,
            head_size=self.head_size,
            intermediate_size=self.intermediate_size,
            vocabulary=self.vocabulary,
            context=self.context,
        )

    def fit(self, machine: Machine) -> Fit:
        """What a machine can do with it."""
        return fit_of(self.figures, machine)


def entries() -> tuple[Entry, ...]:
    """All entries, the smallest model first."""
    data = (resources.files("resources") / _FILE).read_bytes()
    return msgspec.json.decode(data, type=tuple[Entry, ...])


def entry_of(source: str) -> Entry | None:
    """The entry that a card's source ("OWNER/NAME@COMMIT") comes from; None where it is of none."""
    repo = source.partition("@")[0]
    return next((entry for entry in entries() if entry.repo == repo), None)


def recommended(memory_bytes: int, has_gpu: bool | None = None) -> Entry | None:
    """The model to take on a machine with so much memory, with a GPU or without.

    has_gpu: None to ask this machine. The largest of those recommended for a computer of this
    memory that can be trained there, else the largest that can be; None where none can. A judgement
    by size, not by measured answers.
    """
    machine = Machine(memory_bytes, Machine.here().has_gpu if has_gpu is None else has_gpu)
    largest = sys.maxsize if machine.has_gpu else _LARGEST_WITHOUT_GPU
    fast_enough = [entry for entry in entries() if entry.parameters <= largest]
    trained = [entry for entry in fast_enough if entry.fit(machine).trains]
    gib = memory_bytes / _NEARLY_ALL / 2**30
    for_it = [entry for entry in trained if 0 < entry.recommended_from_gib <= gib]
    best = max(for_it, key=lambda entry: entry.recommended_from_gib, default=None)
    return best or max(trained, key=lambda entry: entry.parameters, default=None)
