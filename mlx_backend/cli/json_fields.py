"""The fields that each command gives with --json, as `overnight COMMAND --help` tells them.

A text in braces names the fields of the objects in a list, or of the object, that a field holds.
A field that ends with "?" is given only where it says something. The tests compare what commands
give with this.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping

Fields = Mapping[str, str]
"""What fields say, by their names."""

_WIDTH = 78

_BIN = "what is in the bin now {id, kind, name, deleted (Unix time), bytes}"
_BINNED = "what was moved to the bin {id, kind, name, deleted (Unix time), bytes}"
_FIT = (
    "fits, chats, chat_tokens, train_tokens, chat_bytes, train_bytes, measured: what this machine"
    " can do with it"
)
_RUN_STOPPED: Fields = {
    "run": "the id of the run or download",
    "status": "what it does now, or how it ended",
    "step?": "the last step done",
}
_ARRIVED: Fields = {
    "model?": "the name of the base model in the library",
    "bytes?": "its size on the disk",
    "licence?": "its licence",
    "path?": "its folder",
    "source?": "where it came from",
    "parameters?": "how many weights it has",
    "fits?": "whether it can be trained here",
    "reads?": "whether it words answers itself",
    "thinks?": "whether it can think before it answers",
    "quantised?": "null, or how its weights were rounded {bits, cost}",
    "shared_bytes?": "bytes shared with another program's copy",
    "copied_bytes?": "bytes copied",
    "run?": "the job's id; null where none was needed",
    "status?": "`starting` with --detach, `stopped` where it was paused",
    "cancelled?": "with --cancel: the ids of the jobs that were removed",
}
_ANSWER: Fields = {
    "text": "the answer",
    "citations": "where it is from {note, passage, path}",
    "prompt_tokens?": "tokens read",
    "cached_tokens?": "how many of them were known already",
    "generated_tokens?": "tokens written",
    "ttft_ms?": "milliseconds until the first token",
    "tokens_per_second?": "speed of writing",
    "ended?": "why it ended",
    "left_out?": "turns that did not fit into the model's context",
    "thoughts?": "what the model thought before, with --think",
}
_PAGE: Fields = {
    "adapter": "its name",
    "hits": "what should not leave in the files {file, what, where, note, is_secret}",
    "exposed": "secrets that it remembers {note, title, kind, rank, base_rank, of, allowed}",
    "continuations": "how it goes on with the most private passages {note, title, beginning, base,"
    " adapter, base_run, adapter_run, secrets}",
    "tested": "how much was tested {files, bytes, words, notes, secrets, secrets_known, passages}",
    "adapter_tested": "whether the adapter was tested, and not the files alone",
    "was_made_here": "whether it was taught notes of this library",
    "planted": "invented codes that were trained along {title, rank, base_rank, of, seen, is_usual,"
    " is_given_away, is_earlier}",
    "stopped": "whether the test was stopped",
    "is_clear": "whether nothing was found that should not leave",
}
FIELDS: Mapping[str, Fields] = {
    "doctor": {"checks": "{name, ok, detail}"},
    "demo": {
        "asked": "questions of the exam",
        "before": "right ones before training",
        "after": "right ones after it",
        "minutes": "how long all took",
        "adapter": "the adapter's name",
    },
    "import": {
        "notes": "how many notes there are now",
        "left_out": "how many of them are not trained",
        "added": "new ones",
        "changed": "changed ones",
        "unchanged": "those that stayed as they were",
        "removed": "those whose files are gone",
        "restored": "those that came back",
        "skipped": "files that were not read {path, reason}",
    },
    "notes": {
        "notes": "{id, title, path, words, tokens, status, why (it is left out)}",
        "bin?": _BINNED,
    },
    "models": {
        "models?": f"{{name, title, bytes, licence, reads, thinks, context, source, parameters;"
        f" {_FIT}}}",
        "downloads?": "those not done {id, repo, status, bytes, total}",
        "adoptions?": "those not done {id, path, status, bytes, total}",
        "bin?": _BINNED,
        "catalogue?": "with --catalogue: {repo, revision, title, bytes, parameters, context,"
        " licence, open_source, licence_link, languages, thinks, good_for, computed,"
        f" in_library; {_FIT}}}",
        "recommended?": "with --catalogue: the repository that suits this machine, or null",
        "from_hub?": "with --catalogue: whether the Hub was asked for its sizes",
        "found?": "with --found: {path, title, program, source, bytes, bits, parameters, why_not,"
        f" in_library; {_FIT}}}",
    },
    "download": _ARRIVED,
    "adopt": _ARRIVED,
    "token": {
        "kept": "whether one was kept now",
        "origin": "whose token is used: keyring, environment, file or nowhere",
    },
    "bin": {
        "bin": _BIN,
        "restored?": "the name under which an item was restored",
        "removed?": "how many items were deleted for good",
    },
    "plan": {
        "notes": "how many are trained",
        "samples": "of training",
        "held_out": "samples that are kept for measuring",
        "steps": "of the optimizer",
        "passes": "how often each sample is seen",
        "minutes": "of the whole run",
        "peak_bytes": "memory that it needs",
        "machine_bytes": "memory of this machine",
        "fits": "whether that is enough",
        "tokens_per_second": "speed of training",
        "saves_to_fit": "whether memory is saved so that it fits",
        "way": "how memory is saved, in words",
        "memory_way": "the same, or null {recomputed, at_once, longest_row}",
        "instead": "a base model that would fit, where this one does not",
        "rank": "of the adapter",
        "learning_rate": "the highest",
        "choosing": "questions that choose the state that is kept",
        "unstudied": "passages that are studied first",
        "exam": "questions of the exam",
        "shares": "minutes of each part {study, general, training, measuring}",
    },
    "train": {
        "run": "the run's id; the fields above are those of its report.json",
        "status?": "`starting` with --detach, `stopped` where it was stopped",
        "step?": "the last step done, where it was stopped",
        "waiting?": "with --detach: what it waits for, or null",
    },
    "runs": {"runs": "{id, name, status, stage, step, steps, waiting, why}"},
    "resume": {
        **_RUN_STOPPED,
        "runs?": "with --waiting: the ids of those that go on",
        "after_restart?": "with --after-restart: whether they go on by themselves",
        "?": "what is followed to its end gives what train, download or adopt gives",
    },
    "pause": _RUN_STOPPED,
    "stop": _RUN_STOPPED,
    "chat": _ANSWER,
    "serve": {
        "ended": "true; before that, in a first object: address, token and model",
    },
    "exam": {
        "asked": "questions",
        "correct": "right answers",
        "accuracy": "their share",
        "items": "{question, answers, text, right, citations}",
    },
    "adapters": {
        "adapters": "{name, base, created (Unix time), bytes, steps, valid_loss}",
        "damaged": "those that cannot be used {name, bytes}",
    },
    "remove": {"removed": "its name", "bin": _BINNED},
    "rename": {"adapter": "the new name"},
    "privacy": _PAGE,
    "export": {
        "adapter": "its name",
        "format": "the form",
        "files": "the paths of what was written",
        "verified": "true: it was read back and compared",
        "max_logit_difference": "the largest difference of a logit",
        "same_choice?": "of a whole model: the share of places with the same next word",
        "privacy": f"the privacy page {{{', '.join(_PAGE)}}}",
    },
    "receive": {
        "adapter": "its name here",
        "base": "the base model that it is for",
        "signed_by": "who signed it, or null",
        "fingerprint": "the key that signed it, or null",
        "warnings": "sentences about it",
    },
    "merge": {
        "adapter": "the new adapter",
        "rank": "its rank",
        "lost": "how far it is from the exact sum, as a share",
        "close_rank": "the smallest rank that loses 1 percent at most",
        "exact_rank": "the smallest rank that loses nothing",
    },
    "key": {"by": "the name that is signed, or null", "fingerprint": "of the key, or null"},
    "publish": {
        "adapter?": "its name",
        "url?": "the page on the Hub",
        "repo?": "OWNER/NAME",
        "files?": "the paths of its files there",
        "private?": "whether only you can see it",
        "created?": "whether the repository is new",
        "licence?": "the adapter's licence",
        "privacy?": f"the privacy page {{{', '.join(_PAGE)}}}",
        "run": "the job's id",
        "status?": "`stopped` where it was stopped",
    },
}

_FAILED = """\
  If it fails: error {kind, message, hint}; with it "privacy" where the privacy
      page holds something back, and "run" where Ctrl-C stopped a job."""

_NAMES = re.compile(r"[a-z_]+")


def fields_of(command: str) -> Fields:
    """The fields of a command's object."""
    own = FIELDS.get(command, {})
    return {**_of_report(), **own} if command == "train" else own


def inner_fields(text: str) -> frozenset[str]:
    """The names in the braces of a field's text; none where it has no braces."""
    _, begun, inside = text.partition("{")
    without_remarks = re.sub(r"\([^)]*\)|:[^;}]*", "", inside.partition("}")[0])
    return frozenset(_NAMES.findall(without_remarks)) if begun else frozenset()


def told(command: str) -> str:
    """The fields of a command in lines for its help; "" where they are not known."""
    lines = [f"  {line}" for line in _lines(fields_of(command))]
    if not lines:
        return ""
    return "\n".join(["with --json, one object as the last line:", *lines, _FAILED, ""])


def _lines(fields: Fields) -> Iterator[str]:
    bare = ", ".join(name for name, text in fields.items() if not text)
    shown = [f"{name}: {text}" if name != "?" else text for name, text in fields.items() if text]
    for line in filter(None, (bare, *shown)):
        yield from textwrap.wrap(line, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _of_report() -> Fields:
    import msgspec  # here: other commands' help needs none of it

    from mlx_backend.protocol.report import RunReport

    parts = [part.type for part in msgspec.structs.fields(RunReport)]
    names = [field.encode_name for part in parts for field in msgspec.structs.fields(part)]
    return {f"{name}?": "" for name in names if name not in FIELDS["train"]}
