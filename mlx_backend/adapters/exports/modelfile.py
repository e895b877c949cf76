"""A Modelfile, by which Ollama makes a model of a base and an adapter.

Format: github.com/ollama/ollama/blob/main/docs/modelfile.md. The template is one of Go's
text/template; it is written only where the base model's conversations have the form that it makes.
"""

from __future__ import annotations

from mlx_backend.library.model_sources import hub_source
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import Turn

_CHATML = '''TEMPLATE """<|im_start|>system
{{ .System }}<|im_end|>
{{ range .Messages }}{{ if ne .Role "system" }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}{{ end }}<|im_start|>assistant
"""
PARAMETER stop "<|im_start|>"
PARAMETER stop "<|im_end|>"
'''


def modelfile(loaded: LoadedModel, adapter: str) -> str:
    """The text of a Modelfile for the adapter in the file `adapter`, beside it.

    Ollama needs the base model as a GGUF file, which a person gets elsewhere.
    """
    card = loaded.info.card
    repository = hub_source(card).repository or card.title
    return (
        f"# The adapter needs its base model, {repository}, as a GGUF file: put it here as\n"
        "# base.gguf, or write the name that Ollama has for it after FROM.\n"
        f"FROM ./base.gguf\nADAPTER ./{adapter}\nPARAMETER temperature 0\n"
        f"{_CHATML if _speaks_chatml(loaded) else ''}"
    )


def _speaks_chatml(loaded: LoadedModel) -> bool:
    """Whether a conversation with the model reads as the template above makes it."""
    ids = loaded.form.prompt([Turn(role="user", text="Hello?")])
    text: str = loaded.tokenizer.decode(ids)
    marks = ["<|im_start|>user\nHello?<|im_end|>\n", "<|im_start|>assistant\n"]
    return text.endswith("".join(marks))
