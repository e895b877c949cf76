"""Loading a tokenizer as chats and runs do."""

from __future__ import annotations

from pathlib import Path

from mlx_backend.models.hub.wanted import no_model


def check_tokenizer(name: str, folder: Path) -> None:
    """Load the tokenizer of the model `name`, which is in `folder`; never with code of its own.

    Raises OvernightError where it cannot be loaded, or has no chat template.
    """
    from mlx_lm.utils import load_tokenizer
    from tokenizers import Tokenizer

    try:
        Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer = load_tokenizer(folder, {"trust_remote_code": False})
        has_template = bool(tokenizer.chat_template) or tokenizer.has_chat_template
    except Exception as error:  # whatever the libraries raise for a file that is not theirs
        why = f"Its tokenizer cannot be loaded ({type(error).__name__})."
        if "trust_remote_code" in str(error):
            why = "Its tokenizer asks to run program code of its own."
        raise no_model(name, why) from error
    if not has_template:
        raise no_model(name, "It has no chat template, so it cannot take part in a conversation.")
