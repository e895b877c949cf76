"""Encoding what people and notes say, of which nothing may become a control token."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

_CONTROL = re.compile(r"[<\[].*[>\]]", re.DOTALL)


class ContentTokenizer:
    """A tokenizer for what people and notes say: control tokens in it are letters, no more.

    Those that are not declared special, such as `<think>`, are among them. controls: their texts
    and ids; pattern: finds them in a text.
    """

    def __init__(self, file: Path) -> None:
        described = json.loads(file.read_bytes())
        undeclared = [
            token
            for token in described.get("added_tokens") or ()
            if not token["special"] and _CONTROL.fullmatch(token["content"])
        ]
        for token in undeclared:
            token["special"] = True
        changed = json.dumps(described) if undeclared else None  # the file itself is read faster
        tokenizer = Tokenizer.from_str(changed) if changed else Tokenizer.from_file(str(file))
        self._use(tokenizer)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, among which is none of a control token."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            encoding.ids
            if self._ids.isdisjoint(encoding.ids)
            else self._broken_up(text, encoding.ids)
            for text, encoding in zip(texts, encodings, strict=True)
        ]

    def begins_with_control(self, text: str) -> bool:
        """Whether a control token is the first of a text."""
        return self.pattern.match(text) is not None

    def ends_with_control(self, text: str) -> bool:
        """Whether a control token is the last of a text."""
        return any(match.end() == len(text) for match in self.pattern.finditer(text))

    @cached_property
    def without_marks(self) -> ContentTokenizer:
        """The same, but without a mark of a space before the texts that it is given."""
        described = json.loads(self._tokenizer.to_str())
        for part in ("normalizer", "pre_tokenizer"):
            described[part] = _unmarked(described[part])
        found = object.__new__(ContentTokenizer)
        found._use(Tokenizer.from_str(json.dumps(described)))
        return found

    def _use(self, tokenizer: Tokenizer) -> None:
        tokenizer.encode_special_tokens = True
        added = tokenizer.get_added_tokens_decoder()
        self._tokenizer = tokenizer
        self.controls = {token.content: number for number, token in added.items() if token.special}
        self._ids = frozenset(self.controls.values())
        longest_first = sorted(filter(None, self.controls), key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def _broken_up(self, text: str, ids: list[int]) -> list[int]:
        """The ids of a text whose vocabulary has control tokens as if they were words.

        Each is cut in two, and what of it is left in `ids` when it has no text, such as the token
        for unknown letters, stays.
        """
        cuts = [match.start() + 1 for match in self.pattern.finditer(text)]
        if not cuts:
            return ids
        begin, *others = [text[a:b] for a, b in pairwise([0, *cuts, len(text)])]
        plain = self.without_marks._tokenizer
        later = plain.encode_batch(others, add_special_tokens=False)
        first = self._tokenizer.encode(begin, add_special_tokens=False)
        return [number for encoding in (first, *later) for number in encoding.ids]


def _unmarked(rule: Any) -> Any:
    """A normaliser or pre-tokenizer, as in tokenizer.json, that adds nothing before a text."""
    if not isinstance(rule, dict):
        return rule
    kind = rule.get("type")
    if kind == "Prepend":
        return None
    if kind == "Metaspace":
        return {**rule, "prepend_scheme": "never"}
    if kind == "ByteLevel":
        return {**rule, "add_prefix_space": False}
    for parts in ("normalizers", "pretokenizers"):
        if parts in rule:
            kept = [_unmarked(each) for each in rule[parts]]
            return {**rule, parts: [each for each in kept if each is not None]}
    return rule
