"""How fast chat is with what it keeps, beside what it would be without; all in one run.

Measured are seconds of the processor, whose ratios mean something on a busy machine too.
"""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import mlx.core as mx
import pytest
from mlx_lm import stream_generate
from mlx_lm.sample_utils import make_sampler

from mlx_backend.library import Library, database
from mlx_backend.library.conversations import Conversations
from mlx_backend.library.models import STARTER
from mlx_backend.machine.arrays import largest_difference
from mlx_backend.models import inference
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.lora import LoraShape
from mlx_backend.protocol import Sampling, Turn
from tests.mlx_backend.made import make_adapter

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

_TURNS = 10
_TOKENS = 1600
_ONE = Sampling(temperature=0.0, max_tokens=1)
_WORDS = ("harbour", "lamp", "boat", "notebook", "keeper", "rope", "winter", "ferry", "island")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, real_starter: Path) -> Library:
    library = Library.open(tmp_path_factory.mktemp("home") / "library")
    (library.models / STARTER).symlink_to(real_starter)
    return library


@pytest.fixture(scope="module")
def starter(home: Library) -> LoadedModel:
    return load_base_model(home, STARTER)


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words)).capitalize()


def _conversation(loaded: LoadedModel, seed: int) -> list[Turn]:
    """Ten questions with nine answers, together 1,600 tokens."""
    chance = random.Random(seed)
    turns: list[Turn] = []
    words = 30
    while True:
        turns = []
        for number in range(2 * _TURNS - 1):
            is_question = number % 2 == 0
            text = f"{_sentence(chance, 18 if is_question else words)}{'?' if is_question else '.'}"
            turns.append(Turn(role="user" if is_question else "assistant", text=text))
        if len(loaded.form.prompt(turns)) >= _TOKENS:
            return turns
        words += 10


def _timed(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _first_token(chat: ChatModel, turns: list[Turn]) -> float:
    return _timed(lambda: chat.answer(turns, _ONE))


def test_the_first_token_of_turn_ten(home: Library, starter: LoadedModel) -> None:
    turns = _conversation(starter, seed=1)
    with database.opened(home.database) as connection:
        conversation = Conversations(connection).start("A harbour")

    def restarted() -> ChatModel:
        chat = ChatModel(starter, home)
        chat.use([], conversation)
        return chat

    ChatModel(starter).answer(turns[:1], _ONE)
    fresh = _first_token(ChatModel(starter), turns)
    chat = restarted()
    # The ninth answer is read as it was said; then the tenth question is asked.
    chat.read_ahead([*turns[:-1], Turn(role="user", text="")], lambda: False)
    chat.save()
    cached = _first_token(chat, turns)
    again = [_timed(lambda: restarted().answer(turns, _ONE)) for _ in range(3)]
    typing = restarted()
    typing.read_ahead(turns, lambda: False)
    typed = _first_token(typing, turns)
    size = sum(file.stat().st_size for file in home.prompts.rglob("*") if file.is_file())
    print(
        f"\nFirst token of turn {_TURNS} after {_TOKENS:,} tokens, of a fresh prefill of"
        f" {fresh * 1000:.0f} ms:"
        f"\n  from the cache            {cached / fresh:.3f}"
        f"\n  prefilled while typing    {typed / fresh:.3f}"
        f"\n  after a restart           {median(again) / fresh:.3f}"
        f" ({size / 1e6:.0f} MB on the disk)"
    )
    assert cached <= 0.08 * fresh
    assert typed <= 0.03 * fresh
    assert median(again) <= 0.1 * fresh


def test_decoding_beside_mlx_lm(starter: LoadedModel) -> None:
    """What is said is invented, so that hardly anything of it is quoted."""
    turns = [Turn(role="user", text="Tell a story about a ship that never comes home.")]
    prompt = starter.form.prompt(turns)
    sampling = Sampling(temperature=0.0, max_tokens=40)
    texts = []

    def theirs() -> None:
        sampler, most = make_sampler(0.0), sampling.max_tokens
        pieces = stream_generate(
            starter.model, starter.tokenizer, prompt, max_tokens=most, sampler=sampler
        )
        texts.append("".join(piece.text for piece in pieces).strip())

    def own() -> None:
        texts.append(ChatModel(starter).answer(turns, sampling).text)

    own()
    pairs = [(_timed(theirs), _timed(own)) for _ in range(4)]
    ratio = median(one for one, _ in pairs) / median(other for _, other in pairs)
    print(f"\nDecoding, of the speed of mlx-lm's stream_generate: {ratio:.3f}")
    assert len(set(texts)) == 1
    assert ratio >= 0.97


_PASSAGE = (
    "The lighthouse of Amber Cove was built in 1894 by Oskar Lind. Its lamp burns fourteen litres"
    " of oil a week, and its lens came from Bergen by boat. The keeper climbs ninety steps every"
    " evening at half past six, and writes the weather into a red notebook. In winter the ferry"
    " leaves at nine, in summer at seven, and the rope shop of Ida Falk opens with it."
)


def test_an_answer_that_quotes(starter: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = f"{_PASSAGE}\n\nRepeat the text above word for word."
    turns = [Turn(role="user", text=asked)]
    sampling = Sampling(temperature=0.0, max_tokens=90)
    chat = ChatModel(starter)
    answers = [chat.answer(turns, sampling)]
    times: dict[str, list[float]] = {"plain": [], "quick": []}
    for _ in range(2):
        for kind, found in times.items():
            with monkeypatch.context() as patch:
                if kind == "plain":
                    patch.setattr(inference, "PromptLookup", lambda _: None)
                found.append(_timed(lambda: answers.append(chat.answer(turns, sampling))))
    ratio = median(times["plain"]) / median(times["quick"])
    last = answers[-1]
    print(
        f"\nAn answer that quotes, {last.drafted_tokens} of {last.generated_tokens} tokens drafted:"
        f" with prompt lookup {ratio:.2f} times as fast. It begins: {last.text[:60]!r}"
    )
    assert len({answer.text for answer in answers}) == 1
    assert ratio >= 1.3


def test_switching_adapters(home: Library, starter: LoadedModel) -> None:
    shapes = [LoraShape(rank=8, scale=2.0), LoraShape(rank=32, scale=1.0, skipped=("mlp.up_proj",))]
    adapters = [
        make_adapter(home.adapters, starter, f"Night {number}", seed=number, shape=shape)
        for number, shape in enumerate(shapes)
    ]
    ids = mx.array([starter.form.prompt([Turn(role="user", text="Who lit the lamp?")])])
    loading: list[float] = []
    disk: list[float] = []
    memory: list[float] = []
    differences: list[float] = []
    for _ in range(3):
        began = time.process_time()
        fresh = load_base_model(home, STARTER)
        loading.append(time.process_time() - began)
        base = fresh.model(ids)
        chat = ChatModel(starter)
        for times in (disk, memory, memory):
            for adapter in adapters:
                times.append(_timed(functools.partial(chat.use, [(adapter, 1.0)])))
        switched = starter.model(ids)
        ChatModel(fresh).use([(adapters[-1], 1.0)])
        differences.append(largest_difference(switched, fresh.model(ids)))
        chat.use([])
        differences.append(largest_difference(starter.model(ids), base))
    print(
        f"\nLoading the base {median(loading) * 1000:.0f} ms; an adapter from the disk"
        f" {median(disk) * 1000:.1f} ms (1/{median(loading) / median(disk):.0f}), from memory"
        f" {median(memory) * 1000:.1f} ms (1/{median(loading) / median(memory):.0f})."
        f" Largest difference of logits from a fresh load: {max(differences)}"
    )
    assert max(differences) == 0
    assert median(disk) <= median(loading) / 30
    assert median(memory) <= median(loading) / 200
