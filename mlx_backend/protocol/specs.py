"""Job specs: what a job was asked to do. Written once, as the job's spec.json."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import field

from mlx_backend.protocol.message import Message
from mlx_backend.protocol.worker_messages import WeightedAdapter


class ImportSpec(Message, frozen=True, kw_only=True, tag="import", tag_field="job"):
    """Read notes from these absolute paths into the library."""

    paths: tuple[str, ...]


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """What a run waits for, both before it starts and while it trains."""

    on_battery: bool = True
    when_hot: bool = True
    when_memory_is_short: bool = True


NO_PATIENCE = Patience(on_battery=False, when_hot=False, when_memory_is_short=False)
"""Wait for nothing: for a run that a person is watching."""


AdapterKind = Literal["lora", "dora", "rslora"]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that takes part in a training: its name for `ssh`, and its IP addresses."""

    ssh: str
    ips: tuple[str, ...] = ()


class TrainSpec(Message, frozen=True, kw_only=True, tag="train", tag_field="job"):
    """Train an adapter called `name` on the base model `model`.

    steps: optimizer steps; None: as many as `passes` and `hours` ask for.
    passes, rank, learning_rate: None where the person chose none; then they follow from the base
        model (`library/training_recipes.py`).
    start_at, finish_by: Unix times; the run waits for the first and ends by the second.
    start_from: the name of the adapter to go on training; `start_from_id` is its id, which stays
        when the adapter is renamed ("" in a spec from before adapters had ids).
    kind, rank, scale: the adapter's change is multiplied by `scale`; with the kind "rslora" that is
        divided by sqrt(rank / 16).
    embeddings: whether the token embeddings get an adapter too, not the linear layers alone; one
        that `start_from` has already stays.
    low_memory: use half of the memory at four fifths of the speed (gradient checkpointing).
    prompt: asked at every checkpoint, to show how the model changes.
    study: without it, the text of the notes is trained as it stands.
    canaries: whether the person agreed that invented sentences are trained along, by which the
        privacy page measures what is memorised.
    hosts: the machines that train together, where there are several; a batch is as large as all of
        them compute at once.
    """

    name: str
    model: str
    steps: int | None = None
    hours: float | None = None
    start_at: float | None = None
    finish_by: float | None = None
    start_from: str | None = None
    start_from_id: str = ""
    passes: int | None = None
    kind: AdapterKind = "lora"
    rank: int | None = None
    scale: float = 2.0
    dropout: float = 0.0
    learning_rate: float | None = None
    seed: int = 0
    checkpoint_every: int = 50
    embeddings: bool = False
    low_memory: bool = False
    prompt: str = ""
    study: bool = True
    canaries: bool = False
    patience: Patience = field(default_factory=Patience)
    hosts: tuple[Host, ...] = ()

    @property
    def machines(self) -> int:
        """How many machines share a batch."""
        return max(1, len(self.hosts))


ExportForm = Literal["mlx", "peft", "gguf", "fused", "bundle"]


class ExportSpec(Message, frozen=True, kw_only=True, tag="export", tag_field="job"):
    """Write the adapter `name` to the path `to` in a format, and verify what was written.

    `adapter` is its id, which identifies it even when its name has been given to another one; ""
    in a spec from before adapters had ids. bits: 4, 6 or 8 to round the weights of a whole model
    ("fused"); 0: as they are. despite_pages: as in `PublishSpec`.
    """

    name: str
    adapter: str = ""
    format: ExportForm
    to: str
    bits: int = 0
    despite_pages: tuple[str, ...] = ()


class DownloadSpec(Message, frozen=True, kw_only=True, tag="download", tag_field="job"):
    """Fetch a base model from the Hugging Face Hub into the library.

    repo: OWNER/NAME; revision: a branch, tag or commit. name: what the model is to be called here;
        "": as its repository. bits: 4, 6 or 8 to quantise its weights so when they are there; 0: as
        they are.
    """

    repo: str
    revision: str = "main"
    name: str = ""
    bits: int = 0


class AdoptSpec(Message, frozen=True, kw_only=True, tag="adopt", tag_field="job"):
    """Take the model in the folder `path`, which is on this machine already, into the library.

    name: what it is to be called here; "": as its folder. bits: as in `DownloadSpec`.
    """

    path: str
    name: str = ""
    bits: int = 0


class ReceiveSpec(Message, frozen=True, kw_only=True, tag="receive", tag_field="job"):
    """Take in the adapter at an absolute path, or in a repository of the Hub, under a name.

    model: the base model that it is for; "": the one that it says itself, else one like that.
    """

    source: str
    name: str
    model: str = ""


class MergeSpec(Message, frozen=True, kw_only=True, tag="merge", tag_field="job"):
    """Make one adapter called `name` of several.

    rank: the closest of this rank; 0: exactly, of as high a rank as that takes.
    """

    name: str
    parts: tuple[WeightedAdapter, ...]
    rank: int = 0


class PublishSpec(Message, frozen=True, kw_only=True, tag="publish", tag_field="job"):
    """Publish the adapter `name` on the Hugging Face Hub, or its new version.

    adapter: its id, as in `ExportSpec`. repo: OWNER/NAME, or NAME in the token's own account.
    private: whether a repository that is created now is; one that exists stays as it is.
    description: what it was trained on, in the person's words. licence: the id of the adapter's
    licence, "" for what follows from the base's. message: the commit's, "" for the usual one.
    despite_pages: the ids (`page_id` of a job's result) of the privacy pages that the person has
    seen and shares it in spite of; a page that says anything else holds it back.
    """

    name: str
    adapter: str = ""
    repo: str
    private: bool = True
    description: str = ""
    licence: str = ""
    message: str = ""
    despite_pages: tuple[str, ...] = ()


JobSpec = (
    ImportSpec
    | TrainSpec
    | ExportSpec
    | DownloadSpec
    | AdoptSpec
    | ReceiveSpec
    | MergeSpec
    | PublishSpec
)
