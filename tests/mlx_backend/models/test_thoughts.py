"""Thoughts are told apart from answers, however the text arrives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis.strategies import integers, lists, sampled_from
from mlx_lm.tokenizer_utils import TokenizerWrapper
from mlx_lm.utils import load_tokenizer

from mlx_backend.library import Library
from mlx_backend.library.models import CARD
from mlx_backend.models import inference
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.decoding import Token
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import Listener
from mlx_backend.models.thoughts import ThoughtMarks, ThoughtSplitter, answer_in, marks_of
from mlx_backend.protocol import Sampling, Turn

END = 2  # the tiny model's token for the end of a turn
MARKS = ThoughtMarks("<think>", "</think>")
QUESTION = [Turn(role="user", text="Who lit it?")]
SWITCHED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
)
ALWAYS = SWITCHED.partition("{% if enable")[0] + "<think>\n"
Stream = Callable[[list[str]], None]


def split(pieces: list[str], in_thought: bool = False) -> tuple[str, str]:
    thoughts: list[str] = []
    texts: list[str] = []
    splitter = ThoughtSplitter(MARKS, in_thought, thoughts.append, texts.append)
    for piece in pieces:
        splitter.take(piece)
    splitter.end()
    assert "" not in thoughts + texts
    return "".join(thoughts), "".join(texts)


@pytest.mark.parametrize(
    ("text", "in_thought", "thought", "answer"),
    [
        ("<think>\nHm.\n</think>\n\nMarta.", False, "\nHm.\n", "Marta."),
        ("\n <think>Hm.</think>Marta.", False, "Hm.", "Marta."),
        ("Hm.</think>\nMarta.", True, "Hm.", "Marta."),
        ("Marta wrote <think> and </think>.", False, "", "Marta wrote <think> and </think>."),
        ("<think>Hm.</think>She wrote <think>.", False, "Hm.", "She wrote <think>."),
        ("<think>never ends </thi", False, "never ends </thi", ""),
        ("<thin", False, "", "<thin"),
        ("", False, "", ""),
        ("a < b", False, "", "a < b"),
    ],
)
def test_thoughts_are_what_stands_between_the_marks_before_the_answer(
    text: str, in_thought: bool, thought: str, answer: str
) -> None:
    assert split([text], in_thought) == (thought, answer)
    assert split(list(text), in_thought) == (thought, answer)
    assert answer_in(text, MARKS, in_thought) == answer
    assert answer_in(text, None, in_thought) == text


_PARTS = sampled_from(["<think>", "</think>", "<thi", "</", ">", "Hm. ", "Marta", "\n", " "])


@given(lists(_PARTS, max_size=8), lists(integers(1, 9), max_size=40), integers(0, 1))
@example(["<think>", "Hm. ", "</think>", "\n", "Marta"], [1, 8, 1], 0)
def test_it_does_not_matter_where_pieces_end(
    parts: list[str], lengths: list[int], in_thought: int
) -> None:
    text = "".join(parts)
    pieces, begin = [], 0
    for length in lengths:
        pieces.append(text[begin : begin + length])
        begin += length
    pieces.append(text[begin:])
    assert split(pieces, bool(in_thought)) == split([text], bool(in_thought))


@pytest.fixture
def thinking(tmp_path: Path, tiny_folders: dict[str, Path]) -> Callable[[str], ChatModel]:
    """Makes a tiny model whose tokenizer has the marks of thoughts, with a template."""

    def make(template: str) -> ChatModel:
        library = Library.open(tmp_path / "library")
        folder = library.models / "thinking"
        shutil.copytree(tiny_folders["tiny"], folder)
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        # In place of tokens that are there, so that the model has rows for them.
        for token, place in (("<think>", 300), ("</think>", 301)):
            vocabulary = tokenizer["model"]["vocab"]
            old = next(each for each, number in vocabulary.items() if number == place)
            del vocabulary[old]
            vocabulary[token] = place
            merges = tokenizer["model"]["merges"]
            tokenizer["model"]["merges"] = [m for m in merges if old not in ("".join(m), *m)]
            added = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
            tokenizer["added_tokens"].append(
                {"id": place, "content": token, "special": False} | added
            )
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        config = json.loads((folder / "tokenizer_config.json").read_text())
        config["chat_template"] = template
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        card = json.loads((folder / CARD).read_text()) | {"name": "thinking"}
        (folder / CARD).write_text(json.dumps(card))
        assert marks_of(load_tokenizer(folder)) == MARKS
        return ChatModel(load_base_model(library, "thinking"))

    return make


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Stream:
    """Lets every model generate these pieces of text, a token each, as one that thinks."""

    def say(pieces: list[str]) -> None:
        class Told:
            """A token for each piece, and one that ends the answer."""

            def __init__(self, *_: object) -> None:
                pass

            def tokens(self, _: object, most: int) -> Iterator[Token]:
                ids = [*range(1000, 1000 + len(pieces)), END]
                return iter([Token(number) for number in ids[:most]])

        class Text:
            last_segment = ""

            def add_token(self, token: int) -> None:
                self.last_segment = pieces[token - 1000]

            def finalize(self) -> None:
                self.last_segment = ""

        monkeypatch.setattr(inference, "Decoder", Told)
        monkeypatch.setattr(TokenizerWrapper, "detokenizer", property(lambda _: Text()))

    return say


def test_a_model_thinks_only_when_it_is_asked_to(
    thinking: Callable[[str], ChatModel], says: Stream
) -> None:
    chat = thinking(SWITCHED)
    assert chat.can_think
    prompts = [chat._loaded.form.prompt(QUESTION, thinks) for thinks in (False, True)]
    kept, free = (chat._loaded.tokenizer.decode(ids) for ids in prompts)
    assert kept == f"{free}<think>\n\n</think>\n\n"

    says(["<think>", "Who", "?", "</think>", "\n\n", "Mar", "ta."])
    thoughts: list[str] = []
    texts: list[str] = []
    short = Sampling(max_tokens=4)
    answer = chat.answer(QUESTION, short, Listener(texts.append, on_thought=thoughts.append))
    assert (answer.text, answer.thoughts) == ("Marta.", "Who?")
    assert ("".join(texts), "".join(thoughts)) == ("Marta.", "Who?")
    assert answer.ended == "stop"  # thoughts do not use up the tokens of the answer


def test_an_answer_after_thoughts_is_as_long_as_it_may_be(
    thinking: Callable[[str], ChatModel], says: Stream
) -> None:
    chat = thinking(SWITCHED)
    says(["<think>", *["Hm. "] * 20, "</think>", *["la "] * 50])
    answer = chat.answer(QUESTION, Sampling(max_tokens=5), Listener(on_thought=lambda _: None))
    assert answer.text == " ".join(["la"] * 5)
    assert answer.thoughts.count("Hm.") == 20
    assert answer.ended == "length"


def test_what_is_thought_without_being_asked_is_no_part_of_the_answer(
    thinking: Callable[[str], ChatModel], says: Stream
) -> None:
    chat = thinking(ALWAYS)
    assert chat.can_think
    says(["Hm. ", "Who", "?", "</think>", "\n", "Marta."])
    texts: list[str] = []
    answer = chat.answer(QUESTION, Sampling(max_tokens=2), Listener(texts.append))
    assert (answer.text, "".join(texts)) == ("Marta.", "Marta.")


@pytest.mark.parametrize("template", [ALWAYS, SWITCHED])
def test_an_answer_that_is_gone_on_with_is_no_thought(
    thinking: Callable[[str], ChatModel], says: Stream, template: str
) -> None:
    chat = thinking(template)
    says(["ta ", "did."])
    answer = chat.answer(QUESTION, Sampling(), Listener(on_thought=lambda _: None), begun="Mar")
    assert (answer.text, answer.thoughts) == ("ta did.", "")
    prompt = chat._loaded.tokenizer.decode(chat._asked(QUESTION, 9, True, "", "Mar").fitted.prompt)
    assert prompt.endswith("<think></think>Mar" if template == ALWAYS else "assistant\nMar")


def test_a_cancelled_thought_is_kept_as_a_thought(
    thinking: Callable[[str], ChatModel], says: Stream
) -> None:
    chat = thinking(SWITCHED)
    says(["<think>", "Who", "?", "</think>", "Marta."])
    looks = iter(range(100))
    listener = Listener(cancelled=lambda: next(looks) > 3, on_thought=lambda _: None)
    answer = chat.answer(QUESTION, Sampling(), listener)
    assert (answer.ended, answer.text, answer.thoughts) == ("cancelled", "", "Who?")


def test_most_models_cannot_think(loaded_tiny: ChatModel) -> None:
    assert not loaded_tiny.can_think


@pytest.fixture
def loaded_tiny(tmp_path: Path, tiny_folders: dict[str, Path]) -> ChatModel:
    library = Library.open(tmp_path / "plain")
    shutil.copytree(tiny_folders["tiny"], library.models / "tiny")
    return ChatModel(load_base_model(library, "tiny"))
