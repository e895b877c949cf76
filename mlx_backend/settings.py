"""All settings, each declared once with its type, range, label and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mlx_backend.errors import OvernightError
from mlx_backend.json_file import Found, change_object, fits, mend, read_object, readable
from mlx_backend.protocol import AdapterKind, Patience

Appearance = Literal["system", "light", "dark"]

OTHER_PROGRAMS = "Other programs"
"""The group of settings about the server."""

_LOST: dict[str, object] = {"bin_days": 0}
"""Values for settings that a damaged file may have had: then the bin is not emptied."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. The Settings page is built from this declaration.

    `Meta.title` is the label, `Meta.description` the help, `extra_json_schema["group"]` the
    section, and "unit" the unit shown after a number. A number that may be None is one that follows
    from the base model where the person sets none.
    """

    appearance: Annotated[
        Appearance,
        Meta(
            title="Appearance",
            description="Follow the system, or always light or dark.",
            extra_json_schema={"group": "General"},
        ),
    ] = "system"
    base_model: Annotated[
        str,
        Meta(
            title="Base model",
            description="The model that tonight's training starts from.",
            extra_json_schema={"group": "General"},
        ),
    ] = "starter"
    hours: Annotated[
        float,
        Meta(
            ge=0.05,
            le=24,
            title="Length of the night",
            description="Training is planned to end within this time.",
            extra_json_schema={"group": "General", "unit": "hours"},
        ),
    ] = 8.0
    wait_on_battery: Annotated[
        bool,
        Meta(
            title="Wait on battery",
            description="Training saves and pauses until power is connected.",
            extra_json_schema={"group": "The night"},
        ),
    ] = True
    wait_when_hot: Annotated[
        bool,
        Meta(
            title="Wait when hot",
            description="Training pauses until the machine has cooled down.",
            extra_json_schema={"group": "The night"},
        ),
    ] = True
    wait_when_memory_is_short: Annotated[
        bool,
        Meta(
            title="Wait when memory is short",
            description="Training pauses while other programs need the memory.",
            extra_json_schema={"group": "The night"},
        ),
    ] = True
    go_on_after_restart: Annotated[
        bool,
        Meta(
            title="Go on by itself after a restart",
            description="A run that a restart interrupted continues when you log in again.",
            extra_json_schema={"group": "The night"},
        ),
    ] = False
    canaries: Annotated[
        bool,
        Meta(
            title="Measure what is memorised",
            description="Six invented sentences with random codes are trained along with your"
            " notes. An adapter's privacy page then tells whether it would give away a code that"
            " stands in your notes once. The sentences are not your words: no list of notes, exam,"
            " report or export has them. They take as long as about five facts of your notes.",
            extra_json_schema={"group": "Privacy"},
        ),
    ] = False
    bin_days: Annotated[
        int,
        Meta(
            ge=0,
            le=3650,
            title="Keep deleted things",
            description="How long the bin keeps what you delete. 0 keeps it until you empty it.",
            extra_json_schema={"group": "General", "unit": "days"},
        ),
    ] = 30
    temperature: Annotated[
        float,
        Meta(
            ge=0,
            le=2,
            title="Temperature",
            description="0 always gives the likeliest answer; higher values vary more.",
            extra_json_schema={"group": "Details"},
        ),
    ] = 0.2
    top_p: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            title="Top-p",
            description="Only the likeliest words that together reach this share are drawn from.",
            extra_json_schema={"group": "Details"},
        ),
    ] = 0.95
    max_tokens: Annotated[
        int,
        Meta(
            ge=16,
            le=4096,
            title="Longest answer",
            description="An answer ends here at the latest. Most words are one piece, long ones"
            " are two or three.",
            extra_json_schema={"group": "Chat", "unit": "pieces"},
        ),
    ] = 256
    passes: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None,
        Meta(
            title="Passes over the notes",
            description="How often training sees each note, if the night is long enough."
            " Automatic: as suits the base model.",
            extra_json_schema={"group": "Details", "unit": "passes"},
        ),
    ] = None
    rank: Annotated[
        Annotated[int, Meta(ge=1, le=256)] | None,
        Meta(
            title="LoRA rank",
            description="How much an adapter can hold. Larger files, slower steps. Automatic: as"
            " suits the base model.",
            extra_json_schema={"group": "Details"},
        ),
    ] = None
    learning_rate: Annotated[
        Annotated[float, Meta(gt=0, le=0.1)] | None,
        Meta(
            title="Learning rate",
            description="The largest step of the optimizer, reached after warm-up. Automatic: as"
            " suits the base model.",
            extra_json_schema={"group": "Details"},
        ),
    ] = None
    adapter_kind: Annotated[
        AdapterKind,
        Meta(
            title="Adapter kind",
            description="lora suits nearly always. dora learns a little more from little, but"
            " slower, and cannot be mixed; rslora is as strong at every rank as lora at 16, which"
            " keeps ranks of 64 and more steady.",
            extra_json_schema={"group": "Details"},
        ),
    ] = "lora"
    embeddings: Annotated[
        bool,
        Meta(
            title="Train embeddings",
            description="Adapts what the model makes of each token by itself, too. Larger files,"
            " slower steps; not for every base model, nor with the kind dora.",
            extra_json_schema={"group": "Details"},
        ),
    ] = False
    search_by_meaning: Annotated[
        bool,
        Meta(
            title="Search by meaning",
            description="Notes in English are also found by what they mean, not only by their"
            " words. Takes a while in the background after an import.",
            extra_json_schema={"group": "Details"},
        ),
    ] = True
    server_port: Annotated[
        int,
        Meta(
            ge=1024,
            le=65535,
            title="Port",
            description="Where other programs find Overnight on this computer.",
            extra_json_schema={"group": OTHER_PROGRAMS},
        ),
    ] = 8717
    server_with_window: Annotated[
        bool,
        Meta(
            title="Start with the window",
            description="Other programs can ask as soon as Overnight is open.",
            extra_json_schema={"group": OTHER_PROGRAMS},
        ),
    ] = False
    low_memory: Annotated[
        bool,
        Meta(
            title="Save memory while training",
            description="Takes about half of the memory, and a third longer. Without it, that is"
            " done only where the memory would not suffice.",
            extra_json_schema={"group": "Details"},
        ),
    ] = False

    @property
    def patience(self) -> Patience:
        """The conditions that a run waits for if it is started now."""
        return Patience(
            on_battery=self.wait_on_battery,
            when_hot=self.wait_when_hot,
            when_memory_is_short=self.wait_when_memory_is_short,
        )


def load_settings(path: Path) -> Settings:
    """Read settings; fields that are missing or out of range get their defaults.

    An exception is how long the bin keeps what was deleted: for ever, if it may have been set and
    cannot be read.
    """
    try:
        return _settings_of(read_object(path, Settings.__struct_fields__))
    except OSError:
        return _settings_of(Found({}, is_damaged=True))


def change_settings(path: Path, **fields: object) -> Settings:
    """Change only these settings on disk; returns all settings as they are now.

    Raises OvernightError or OSError when that fails; then the file is unchanged.
    """
    return _settings_of(
        Found(change_object(path, fields, Settings.__struct_fields__, _LOST).fields)
    )


def mend_settings(path: Path) -> str:
    """Replace a damaged settings file; returns a sentence that says so, "" if there was none."""
    try:
        aside = mend(path, Settings.__struct_fields__, _LOST)
    except (OSError, OvernightError):
        return ""  # the file stays, and the next start tries again
    if aside is None:
        return ""
    keeps = "" if load_settings(path).bin_days else " The bin keeps all until you empty it."
    return (
        f"The file of settings was damaged. What could be read of it is in force; the file itself"
        f" is kept as {aside}.{keeps}"
    )


def _settings_of(found: Found) -> Settings:
    # Text with bytes that could not be decoded is not the name of a model.
    unread = "\N{REPLACEMENT CHARACTER}"
    fields = {n: value for n, value in found.fields.items() if unread not in str(value)}
    lost = {
        name: value
        for name, value in _LOST.items()
        if not (fits(name, fields, Settings) if name in fields else found.is_whole)
    }
    return readable({**fields, **lost}, Settings)
