"""What an error says in the window: numbers as the region has them, and pages for commands.

The engine's hints are also for the terminal, and name commands there. In the window a hint names
the page where the same can be done with the mouse.
"""

from __future__ import annotations

import re

from app.text.amounts import regional
from mlx_backend.errors import OvernightError

_PAGES = {
    "adapters": "Adapters",
    "adopt": "Models",
    "bin": "Bin",
    "chat": "Chat",
    "download": "Models",
    "import": "Notes",
    "models": "Models",
    "notes": "Notes",
    "remove": "Adapters",
    "resume": "Tonight",
    "runs": "Tonight",
    "stop": "Tonight",
    "token": "Models",
    "train": "Tonight",
}
# Where the window does something else than the command, or says it in other words.
_REWORDED = (
    (r"Adopt it where it is: overnight adopt .+", "The Models page lists it: add it there."),
    (r"Chat or train with it: overnight train .+", "Chat with it, or train it tonight."),
    (
        r"Take the model in without `--bits`",
        "Download it again with “As it is” chosen under Details",
    ),
    (r"Choose it with --licence ID, for example --licence (\S+)\.", r"Name it, for example \1."),
    (r"Publish with --public if that is meant,", "Publish it as public if that is meant,"),
    (r"Export it with --format mlx or --format fused,", "Export it for MLX or as a whole model,"),
    (r", or without --public\.", ", or as private."),
    (r"then keep it: `overnight token`\.", "then enter it here."),
)
_COMMAND = r"`overnight ([a-z]+)[^`]*`"
_UNQUOTED = r"overnight ([a-z]+)(?: [A-Z]+)?"
# No page deletes past the bin, but any file manager does.
_DELETES_AT_ONCE = re.compile(r"`overnight remove [^`]*--now` deletes it for good")
# An unquoted command is the last of a text, with whatever arguments.
_AT_END = re.compile(r"(?: with|:) overnight ([a-z]+)(?: [^`]*)?$")
_OPTION = re.compile(r" with(?:out)? `--[a-z][^`]*`")
_ALTERNATIVE = re.compile(rf",? or (?:with:? )?(?:{_COMMAND}|{_UNQUOTED})")
_MEANS = re.compile(rf"(?: with |: )(?:{_COMMAND}|{_UNQUOTED})(?:, {_COMMAND})*(?=[.,]| and |$)")
_NAMED = re.compile(_COMMAND)
# The window has a field for the token beside the error.
_KEEP_TOKEN = re.compile(r"(^|[.!?] )?`overnight token` keeps one([^,]*?),? from http\S+\w")
_WITH_TOKEN = ": `overnight token`"
_SENTENCE_BEGINS = re.compile(r"(^|[.!?] )the (?=[A-Z])")


def in_window(text: str) -> str:
    """A message or hint of the engine as the window shows it; other text stays as it is."""
    for pattern, words in _REWORDED:
        text = re.sub(pattern, words, text)
    text = _KEEP_TOKEN.sub(_enter_token, text).replace(_WITH_TOKEN, "")
    text = _DELETES_AT_ONCE.sub("Delete its folder", text)
    text = _ALTERNATIVE.sub("", text)
    text = _AT_END.sub(lambda found: f" on {_page_of(found[1])}.", text)
    text = _MEANS.sub(lambda found: f" on {_page_of(found[1] or found[2])}", text)
    text = _OPTION.sub("", text)
    text = _NAMED.sub(lambda found: _page_of(found[1]), text)
    return regional(_SENTENCE_BEGINS.sub(r"\1The ", text))


def trouble(error: OvernightError) -> str:
    """What happened and what to do next, in one line."""
    return f"{in_window(error.message)} {in_window(error.hint)}".strip()


def _enter_token(found: re.Match[str]) -> str:
    before = found[1]
    enter = "enter" if before is None else f"{before}Enter"
    return f"{enter} an access token{found[2]}"


def _page_of(command: str) -> str:
    return f"the {_PAGES.get(command, 'Tonight')} page"
