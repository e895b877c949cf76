"""Errors in the window say what to click; only the terminal names commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlx_backend
from app.text.error_text import in_window, trouble
from mlx_backend.errors import ErrorKind, OvernightError

# A sentence for people: not an argument of a program, a pattern or the text of a file.
_SENTENCE = re.compile(r"[A-Z`x].*[a-z]{2} [a-z]{2}")
_COMMAND = re.compile(r"(?:`|: |with )overnight [a-z]+|(?:[ `]|^)--[a-z]")


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        (
            "`overnight adapters` lists those that there are, `overnight bin` what was deleted.",
            "The Adapters page lists those that there are, the Bin page what was deleted.",
        ),
        (
            "If it is in the bin, restore it: `overnight bin` lists what is there.",
            "If it is in the bin, restore it: the Bin page lists what is there.",
        ),
        (
            'Remove it with `overnight remove "Notes"` and train it again.',
            "Remove it on the Adapters page and train it again.",
        ),
        (
            "Wait until it is done, or stop it: `overnight runs`, `overnight stop RUN`.",
            "Wait until it is done, or stop it on the Tonight page.",
        ),
        ("Start a new run: overnight train", "Start a new run on the Tonight page."),
        (
            "Add some: drop a folder on the window, or `overnight import FOLDER`.",
            "Add some: drop a folder on the window.",
        ),
        ('`overnight remove "Notes" --now` deletes it for good.', "Delete its folder."),
        (
            "Log in and accept it at https://hub/a/b; then `overnight token` keeps one from"
            " https://hub/settings/tokens.",
            "Log in and accept it at https://hub/a/b; then enter an access token.",
        ),
        (
            "`overnight token` keeps one that may read it, from https://hub/settings/tokens.",
            "Enter an access token that may read it.",
        ),
        (
            "A private one needs a token: `overnight token`.",
            "A private one needs a token.",
        ),
        (
            "Adopt it where it is: overnight adopt '/home/a person/models/Qwen 3.5'",
            "The Models page lists it: add it there.",
        ),
        (
            "Download it: overnight download someone/Model-1.5B",
            "Download it on the Models page.",
        ),
        (
            "Take the model in without `--bits`.",
            "Download it again with “As it is” chosen under Details.",
        ),
        (
            'Chat or train with it: overnight train --model "Qwen" --name NAME',
            "Chat with it, or train it tonight.",
        ),
        (
            "Choose another model: `overnight models --catalogue` lists good ones.",
            "Choose another model: the Models page lists good ones.",
        ),
        ("Try it again with `--some-option 4`.", "Try it again."),
        (
            "Choose it with --licence ID, for example --licence cc-by-nc-4.0.",
            "Name it, for example cc-by-nc-4.0.",
        ),
        (
            "Publish it as me/Llama-notes, or without --public.",
            "Publish it as me/Llama-notes, or as private.",
        ),
        (
            "Create one at https://hub/settings/tokens, then keep it: `overnight token`.",
            "Create one at https://hub/settings/tokens, then enter it here.",
        ),
        ("Close other large programs, then try again.",) * 2,
        ("Overnight is open already.",) * 2,
    ],
)
def test_a_hint_names_pages_in_place_of_commands(hint: str, shown: str) -> None:
    assert in_window(hint) == shown


def test_no_hint_of_the_engine_names_a_command_or_option_in_the_window() -> None:
    texts = {text for text in _texts(Path(mlx_backend.__path__[0])) if _SENTENCE.match(text)}
    named = {text for text in texts if _COMMAND.search(text)}
    assert len(named) > 10
    assert any("`--" in text for text in named)
    assert [shown for shown in map(in_window, named) if _COMMAND.search(shown)] == []


def test_sentences_that_name_no_command_stay_as_they_are() -> None:
    texts = {text for text in _texts(Path(mlx_backend.__path__[0])) if _SENTENCE.match(text)}
    plain = {text for text in texts if not _COMMAND.search(text) and not re.search(r"\d", text)}
    assert len(plain) > 100
    assert [text for text in plain if in_window(text) != text] == []


def test_a_trouble_says_what_happened_and_what_to_click() -> None:
    error = OvernightError(
        ErrorKind.RUN_UNKNOWN,
        "There is no run “1”.",
        "`overnight runs` lists all runs.",
    )
    assert trouble(error) == ("There is no run “1”. The Tonight page lists all runs.")


def _texts(engine: Path) -> Iterator[str]:
    """All texts in the engine's code that are not documentation, but for those of the terminal."""
    for path in engine.rglob("*.py"):
        if "cli" in path.relative_to(engine).parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if id(node) in passed:
                continue
            if isinstance(node, ast.JoinedStr):
                passed |= {id(part) for part in node.values}
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "x"
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
