"""Which names tell something of the person where they stand in a file, and which are just words."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from mlx_backend.text.dictionary import is_common_word
from mlx_backend.text.words import bare_words, word_set

_LEAST_BYTES = 6
_CONTENT_LETTERS = 4
_SHORT_NAME = 5
# Files and sections that every project has, and the words of this trade; no dictionary has them.
_USUAL = word_set(
    "readme changelog license licence copying contributing authors untitled todo index config"
    " settings tokenizer adapter adapters lora dora qlora mlx peft gguf safetensors transformers"
    " pytorch huggingface ollama llama overnight markdown json yaml html online offline github"
)
_USUAL_ACCOUNTS = word_set(
    "root admin administrator user guest test demo mac home owner me ubuntu debian fedora pi"
    " runner build builder developer nobody vagrant docker jovyan localhost raspberrypi"
)
_USUAL_COMPUTERS = re.compile(
    r"(?:i?mac|macbook|mac-?mini|mac-?studio|mac-?pro|laptop|desktop|pc|server|localhost)"
    r"(?:-?(?:air|pro|mini|studio|local))*(?:-?\d{1,3})?"
)


def is_telling_title(title: str) -> bool:
    """Whether a note's title, found in a file word for word, shows that the file tells of the note.

    One word of the English dictionary does not, nor do dates and numbers: "Garden" and "2024-05-01"
    stand in many files. Two such words beside each other do ("Garden plan"), when both are longer
    than "to" and "May", and so does one that no dictionary has: a name as "Marta".
    """
    words = {word.lower() for word in bare_words(title)} - _USUAL
    unusual = [word for word in words if is_unusual(word)]
    content = [w for w in words if len(w) >= _CONTENT_LETTERS and not any(map(str.isdigit, w))]
    return len(title.encode(errors="replace")) >= _LEAST_BYTES and bool(
        unusual or len(content) >= 2
    )


def is_unusual(word: str) -> bool:
    """Whether a word (lower case) is neither in the dictionary, nor short, nor a number."""
    if word.isdigit() or len(word.encode(errors="replace")) < _CONTENT_LETTERS:
        return False
    return word not in _USUAL and not is_common_word(word)


def is_telling_file_name(name: str) -> bool:
    """Whether a file name with its suffix tells of a note: "garden.md" does, "README.md" does not.

    A name without a suffix is judged as a title.
    """
    path = PurePosixPath(name)
    if not path.suffix:
        return is_telling_title(name)
    words = {word.lower() for word in bare_words(path.stem)}
    return any(len(w) >= 2 and not w.isdigit() and w not in _USUAL for w in words)


def is_telling_account(name: str) -> bool:
    """Whether the name of an account or a computer tells of the person wherever it stands.

    Short ones, words of the dictionary ("host") and names that systems and makers give ("root",
    "MacBook-Pro") do not: those are only sought where a path or an address has them.
    """
    lower = name.lower()
    if len(lower) < _SHORT_NAME or lower in _USUAL_ACCOUNTS or is_common_word(lower):
        return False
    return not _USUAL_COMPUTERS.fullmatch(lower)


def is_telling_secret(value: str) -> bool:
    """Whether a secret of a note, found in a file, shows that the file tells it.

    A PIN or a code of fewer than eight digits does not, because files are full of numbers, nor does
    one word of the dictionary.
    """
    bare = value.strip()
    is_short_number = len(re.sub(r"[\s-]", "", bare)) < 8 and not re.search(r"[^\W\d_]", bare)
    return len(bare) >= 4 and not is_short_number and not is_common_word(bare.lower())
