"""The page of an adapter, README.md: the Hub's metadata, and what a person should know of it.

It holds figures and what the person wrote for it, and nothing of the notes: no titles, no questions
of the exam. Metadata: huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from mlx_backend.catalogue.adapter_licences import (
    adapter_licence,
    licence_metadata,
    licence_text_at,
)
from mlx_backend.catalogue.hub_pages import page_of
from mlx_backend.catalogue.licences import licence_name
from mlx_backend.library.adapters import AdapterCard
from mlx_backend.library.model_sources import HubSource, hub_source
from mlx_backend.library.models import BaseModel
from mlx_backend.protocol import RunReport
from mlx_backend.protocol.report import ExamScores

CARD_PAGE = "README.md"
MLX, PEFT, GGUF, BUNDLE = "mlx", "peft", "gguf", "bundle"

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~])")
_LONGEST_TITLE = 120


@dataclass(frozen=True)
class CardWords:
    """What the person says of an adapter, and what else its page cannot know.

    title: what the page calls it; "" for the adapter's name. description: what it was trained on,
    in the person's words, Markdown; "" says nothing of that. licence: its id, as
    `adapter_licences.chosen_licence` gives it. formats: which forms of the adapter lie beside the
    page (`MLX`, `PEFT`, `GGUF`, `BUNDLE`). repository: OWNER/NAME where it will be on the Hub.
    languages: ISO 639 codes.
    """

    title: str = ""
    description: str = ""
    licence: str = ""
    formats: tuple[str, ...] = (MLX,)
    repository: str = ""
    languages: tuple[str, ...] = ()


def adapter_card(
    card: AdapterCard, base: BaseModel | None, report: RunReport | None, words: CardWords
) -> str:
    """The page of an adapter; `base` and `report` are None where they are not there any more."""
    parts = (
        f"# {_line(words.title) or _line(card.name)}",
        _introduction(card, base),
        *_badge(base),
        *_trained_on(words),
        _how(card, base),
        *_exam(report),
        _limits(card, base),
        *_usage(base, words),
        *_licence(base, words),
    )
    metadata = yaml.safe_dump(
        _metadata(card, base, words), allow_unicode=True, sort_keys=False, width=1000
    )
    page = "---\n" + metadata + "---\n\n" + "\n\n".join(parts) + "\n"
    return page.encode("utf-8", "replace").decode()


def _metadata(card: AdapterCard, base: BaseModel | None, words: CardWords) -> dict[str, object]:
    """What the Hub reads of a page."""
    repository, revision = _repository(base)
    told: dict[str, object] = {}
    if repository:
        told["base_model"] = repository
        told["base_model_relation"] = "adapter"
    if revision:
        told["base_model_revision"] = revision
    if library := _library(words.formats):
        told["library_name"] = library
    told["pipeline_tag"] = "text-generation"
    told["tags"] = _tags(card, words.formats)
    if words.licence:
        told |= licence_metadata(_one_line(words.licence), repository)
    if languages := [code for code in words.languages if _LANGUAGE.fullmatch(code)]:
        told["language"] = languages
    return told


def _library(formats: tuple[str, ...]) -> str:
    return next((library for library in (MLX, PEFT) if library in formats), "")


def _tags(card: AdapterCard, formats: tuple[str, ...]) -> list[str]:
    known = [name for name in (MLX, PEFT, GGUF) if name in formats]
    return [*known, "dora" if card.decomposed else "lora", "overnight"]


def _repository(base: BaseModel | None) -> tuple[str, str]:
    source = hub_source(base.card) if base else HubSource()
    return source.repository, source.commit


def _introduction(card: AdapterCard, base: BaseModel | None) -> str:
    kind = "DoRA" if card.decomposed else "LoRA"
    also = " and its token embeddings" if card.embeddings else ""
    what = f"A {kind} adapter for {_base_name(card, base)}{also}"
    if card.origin is None and len(card.parents) > 1:
        return f"{what}, merged by Overnight from {len(card.parents)} adapters."
    if card.origin is None:
        return f"{what}, trained by Overnight on notes."
    by = f"{_line(card.origin.by)}, who signed it" if card.origin.by else "somebody else"
    return f"{what}, made by {by}; Overnight took it in and passes it on."


def _base_name(card: AdapterCard, base: BaseModel | None) -> str:
    repository, _ = _repository(base)
    if repository:
        return f"[{repository}]({page_of(repository)})"
    return _line(base.card.title if base else card.base)


def _badge(base: BaseModel | None) -> Iterator[str]:
    """The words that the base's licence wants to be shown."""
    if base and (badge := adapter_licence(base.card.licence).badge):
        yield f"**{badge}**"


def _trained_on(words: CardWords) -> Iterator[str]:
    if description := words.description.strip():
        yield "## What it was trained on"
        yield description


def _how(card: AdapterCard, base: BaseModel | None) -> str:
    _, revision = _repository(base)
    bits = base.card.quantised.bits if base and base.card.quantised else 0
    lines = [
        f"- base model: {_base_name(card, base)}" + (f", commit {revision}" if revision else ""),
        *([f"- its weights were quantised to {bits} bits for the training"] if bits else []),
        *_training(card),
        f"- rank {card.rank}, scale {card.scale:g}",
        *_losses(card),
    ]
    return "## How\n\n" + "\n".join(lines)


def _training(card: AdapterCard) -> Iterator[str]:
    """How much it was trained on; nothing where that is not known."""
    if card.notes or card.samples or card.steps:
        yield f"- {card.notes:,} notes, {card.samples:,} samples, {card.steps:,} steps"


def _losses(card: AdapterCard) -> Iterator[str]:
    if card.valid_loss is not None and card.base_valid_loss is not None:
        yield (
            f"- held-out loss: {card.valid_loss:.3f} nats per token; the base model alone:"
            f" {card.base_valid_loss:.3f}"
        )


def _exam(report: RunReport | None) -> Iterator[str]:
    """The figures of the exam, without its questions, which are of the notes."""
    if report is None or not report.exam.asked:
        return
    exam, general = report.exam, report.general
    lines = [
        "| questions | asked | right before | right after |",
        "|---|---|---|---|",
        f"| about the notes, held out of the training | {exam.asked} | {exam.before}"
        f" | {exam.after} |",
    ]
    if general.asked:
        lines.append(
            f"| general, to see what was forgotten | {general.asked} | {general.before}"
            f" | {general.after} |"
        )
    yield "## Exam"
    yield "\n".join(lines)
    yield f"All were asked without the notes at hand (closed book). {_chance(exam)}"


def _chance(exam: ExamScores) -> str:
    if exam.may_be_chance:
        return (
            "The difference about the notes is so small that chance alone may bring one like it:"
            " it shows nothing."
        )
    return "The difference about the notes is larger than chance alone is likely to bring."


def _limits(card: AdapterCard, base: BaseModel | None) -> str:
    return (
        "## Limits\n\n"
        "- Whoever has this adapter can draw out parts of the notes: share it as you would share"
        " them.\n"
        "- It can be wrong, also about what it was trained on, and it does not say when.\n"
        f"- It fits {_base_name(card, base)} alone; with another base model it answers nonsense."
    )


def _usage(base: BaseModel | None, words: CardWords) -> Iterator[str]:
    """How to use each form that is there."""
    here = words.repository or "FOLDER"
    base_name = _repository(base)[0] or "BASE"
    ways = {
        MLX: _with_mlx(here, base_name),
        PEFT: _with_peft(here, base_name),
        GGUF: _with_llama_cpp(),
        BUNDLE: "Overnight:\n\n" + _code("overnight receive FILE.overnight --name NAME"),
    }
    if shown := [text for form, text in ways.items() if form in words.formats]:
        yield "## How to use it"
        yield from shown
    if words.repository and MLX in words.formats:
        yield "Overnight:\n\n" + _code(f"overnight receive {words.repository} --name NAME")


def _with_mlx(here: str, base: str) -> str:
    fetch = "" if here == "FOLDER" else f"hf download {here} --local-dir FOLDER\n"
    run = f'mlx_lm.generate --model {base} --adapter-path FOLDER --prompt "..."'
    return "mlx-lm:\n\n" + _code(fetch + run)


def _with_peft(here: str, base: str) -> str:
    lines = (
        "from peft import PeftModel",
        "from transformers import AutoModelForCausalLM",
        "",
        "# The base model as safetensors for transformers; forms for MLX alone do not load here.",
        f'base = AutoModelForCausalLM.from_pretrained("{base}")',
        f'model = PeftModel.from_pretrained(base, "{here}")',
    )
    return "PEFT:\n\n" + _code("\n".join(lines), "python")


def _with_llama_cpp() -> str:
    return (
        "llama.cpp, with the base model as GGUF:\n\n"
        + _code("llama-cli -m BASE.gguf --lora ADAPTER.gguf")
        + "\n\nOllama, with the Modelfile that lies beside it:\n\n"
        + _code("ollama create NAME -f Modelfile")
    )


def _licence(base: BaseModel | None, words: CardWords) -> Iterator[str]:
    if not words.licence:
        return
    repository, _ = _repository(base)
    told = [f"{_linked(words.licence, repository)}."]
    if base:
        rule = adapter_licence(base.card.licence)
        if base.card.licence:
            told.append(f"The base model: {_linked(base.card.licence.lower(), repository)}.")
        if rule.notice:
            told.append(rule.notice + ("" if rule.notice.endswith(".") else "."))
    yield "## Licence"
    yield "\n\n".join(told)


def _linked(licence: str, repository: str) -> str:
    name, address = _line(licence_name(licence)), licence_text_at(licence, repository)
    return f"[{name}]({address})" if address else name


def _code(text: str, language: str = "sh") -> str:
    return f"```{language}\n{text}\n```"


def _line(text: str) -> str:
    """A text on one line that Markdown shows as it stands."""
    return _MARKS.sub(r"\\\1", _one_line(text))


def _one_line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_LONGEST_TITLE]
