"""What was read of conversations outlasts a restart, and nothing that is not sound is taken."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from mlx_backend.library import Library, database, kept_prompts
from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.kept_prompts import KeptPrompt, forget_gone
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.prompt_cache import PromptCache
from mlx_backend.protocol import Turn
from tests.mlx_backend.made import make_adapter
from tests.mlx_backend.model_types import write_model
from tests.mlx_backend.models.conversing import GREEDY, LONG, asked, fresh, talk

Make = Callable[[str], LoadedModel]


@pytest.fixture
def make(library: Library, tiny_folders: dict[str, Path]) -> Make:
    def made(kind: str) -> LoadedModel:
        if not (library.models / kind).exists():
            write_model(library.models / kind, kind, tiny_folders["tiny"])
        return load_base_model(library, kind)

    return made


@pytest.fixture
def connection(library: Library) -> sqlite3.Connection:
    return database.connect(library.database)


@pytest.fixture
def conversation(connection: sqlite3.Connection) -> int:
    return Conversations(connection).begin(StoredTurn("user", LONG, None))


def saved(chat: ChatModel, conversation: int) -> list[Turn]:
    """A conversation of two questions, saved."""
    chat.use([], conversation)
    turns = talk(chat, LONG, "And when? " + LONG)
    chat.save()
    return turns


def restarted(library: Library, loaded: LoadedModel, conversation: int) -> ChatModel:
    chat = ChatModel(loaded, library)
    chat.use([], conversation)
    return chat


def the_only(library: Library) -> KeptPrompt:
    (kept,) = kept_prompts.kept_prompts(library)
    return kept


@pytest.mark.parametrize("kind", ["llama", "gemma3_text", "lfm2", "mamba2", "qwen3_next", "llama4"])
def test_a_conversation_goes_on_after_a_restart(
    library: Library, make: Make, conversation: int, kind: str
) -> None:
    chat = ChatModel(make(kind), library)
    turns = saved(chat, conversation)
    said = len(chat._caches.kept[0].ids)
    for question, known in ([*turns, *asked("Why?")], said), (turns[:-1], said / 2):
        again = restarted(library, make(kind), conversation)
        answer = again.answer(question, GREEDY)
        assert answer.text == fresh(chat._loaded, chat, question)
        assert answer.cached_tokens >= known - 1


def test_what_was_only_typed_is_not_saved(library: Library, make: Make, conversation: int) -> None:
    chat = ChatModel(make("llama"), library)
    turns = saved(chat, conversation)
    before = the_only(library).path
    chat.read_ahead([*turns, *asked("A secret that is never sent. " + LONG)], lambda: False)
    chat.save()
    cache = ChatModel(make("llama"), library)._saved.load(chat._owner)  # type: ignore[union-attr]
    assert isinstance(cache, PromptCache)
    assert "secret" not in chat._loaded.tokenizer.decode(cache.ids)
    assert the_only(library).path != before  # the last answer's end was read meanwhile


def test_only_what_changed_is_saved_again_and_in_its_place(
    library: Library, make: Make, conversation: int
) -> None:
    chat = ChatModel(make("llama"), library)
    turns = saved(chat, conversation)
    first = the_only(library)
    chat.save()
    assert the_only(library).path == first.path
    chat.answer([*turns, *asked("Why?")], GREEDY)
    chat.save()
    assert the_only(library).path != first.path
    assert stat.S_IMODE(library.prompts.stat().st_mode) == 0o700


def test_answers_from_notes_and_other_processes_are_not_saved(
    library: Library, make: Make, conversation: int
) -> None:
    chat = ChatModel(make("llama"), library)
    chat.use([], conversation, is_plain=False)
    talk(chat, LONG)
    chat.use([])
    talk(chat, "Another one. " + LONG)
    chat.save()
    assert kept_prompts.kept_prompts(library) == []


def test_adapters_are_told_apart(library: Library, make: Make, conversation: int) -> None:
    loaded = make("llama")
    adapter = make_adapter(library.adapters, loaded, "Night")
    chat = ChatModel(loaded, library)
    for adapters in ([], [(adapter, 1.0)], [(adapter, 0.5)]):
        chat.use(adapters, conversation)
        talk(chat, LONG)
    chat.save()
    assert len(kept_prompts.kept_prompts(library)) == 3
    again = ChatModel(loaded, library)
    for adapters, is_known in ([], True), ([(adapter, 0.5)], True), ([(adapter, 0.7)], False):
        again.use(adapters, conversation)
        assert (again.answer(asked(LONG), GREEDY).cached_tokens > 0) is is_known


HARMS: dict[str, Callable[[KeptPrompt], object]] = {
    "cut": lambda kept: _change(kept, lambda data: data[: len(data) // 2]),
    "one bit": lambda kept: _change(kept, lambda data: data[:-1] + bytes([data[-1] ^ 1])),
    "empty": lambda kept: _change(kept, lambda _: b""),
    "gone": lambda kept: (kept.path / "0.safetensors").unlink(),
    "a folder": lambda kept: _to_folder(kept.path / "0.safetensors"),
    "no card": lambda kept: (kept.path / "card.json").unlink(),
    "a broken card": lambda kept: (kept.path / "card.json").write_bytes(b'{"conversation": '),
    "a lying card": lambda kept: _card(kept, files={"../../library.sqlite": "0" * 64}),
    "of another model": lambda kept: _card(kept, base_sha256="0" * 64),
    "of another version": lambda kept: _card(kept, made_with=("mlx 0", "mlx-lm 0", "cpu")),
    "of another conversation": lambda kept: _card(kept, conversation=999),
}


def _change(kept: KeptPrompt, change: Callable[[bytes], bytes]) -> None:
    file = kept.path / "0.safetensors"
    file.write_bytes(change(file.read_bytes()))


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _card(kept: KeptPrompt, **changed: object) -> None:
    card = msgspec.structs.replace(kept.card, **changed)
    (kept.path / "card.json").write_bytes(msgspec.json.encode(card))


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_damaged_or_of_something_else_is_ignored(
    library: Library, make: Make, conversation: int, harm: str
) -> None:
    loaded = make("llama")
    turns = saved(ChatModel(loaded, library), conversation)
    HARMS[harm](the_only(library))
    again = restarted(library, loaded, conversation)
    question = [*turns, *asked("Why?")]
    answer = again.answer(question, GREEDY)
    assert answer.cached_tokens == 0
    assert answer.text == fresh(loaded, again, question)
    again.save()
    assert restarted(library, loaded, conversation).answer(question, GREEDY).cached_tokens > 0


def test_a_sound_file_of_another_architecture_is_ignored(
    library: Library, make: Make, conversation: int
) -> None:
    saved(ChatModel(make("lfm2"), library), conversation)
    loaded = make("llama")
    _card(the_only(library), base_sha256=loaded.info.card.sha256)
    again = restarted(library, loaded, conversation)
    assert again.answer(asked(LONG), GREEDY).cached_tokens == 0


def test_it_goes_with_the_conversation_the_adapter_and_the_model(
    library: Library, make: Make, connection: sqlite3.Connection
) -> None:
    loaded = make("llama")
    adapter = make_adapter(library.adapters, loaded, "Night")
    bin_ = Bin(library, connection)
    conversations = [
        Conversations(connection).begin(StoredTurn("user", LONG, None)) for _ in range(3)
    ]
    chat = ChatModel(loaded, library)
    for number in conversations:
        chat.use([(adapter, 1.0)] if number == conversations[1] else [], number)
        talk(chat, f"{number}: {LONG}")
    chat.save()

    def left() -> set[int]:
        return {kept.card.conversation for kept in kept_prompts.kept_prompts(library)}

    assert left() == set(conversations)
    (item,) = bin_.delete_conversations(conversations[:1])
    assert left() == set(conversations[1:])
    bin_.restore(item.id)
    assert left() == set(conversations[1:])
    bin_.delete_adapter("Night")
    assert left() == {conversations[2]}
    bin_.delete_model("llama")
    assert left() == set()
    assert list(library.prompts.iterdir()) == []


def test_what_comes_after_its_conversation_was_deleted_is_not_kept(
    library: Library, make: Make, connection: sqlite3.Connection, conversation: int
) -> None:
    chat = ChatModel(make("llama"), library)
    chat.use([], conversation)
    talk(chat, LONG)
    Bin(library, connection).delete_conversations([conversation])
    chat.save()
    assert kept_prompts.kept_prompts(library) == []


def test_the_oldest_go_when_there_is_too_much(
    library: Library,
    make: Make,
    connection: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chat = ChatModel(make("llama"), library)
    numbers = []
    for _ in range(4):
        numbers.append(Conversations(connection).begin(StoredTurn("user", LONG, None)))
        chat.use([], numbers[-1])
        talk(chat, f"{numbers[-1]} {LONG}")
        chat.save()
    size = kept_prompts.kept_prompts(library)[0].bytes
    monkeypatch.setattr(kept_prompts, "MOST_BYTES", 5 * size // 2)
    (library.prompts / ".x.999999999.part").mkdir()  # of a process that was killed
    forget_gone(library, connection)
    assert sorted(path.name.partition("-")[0] for path in library.prompts.iterdir()) == [
        str(number) for number in numbers[2:]
    ]


def test_a_full_disk_loses_nothing_but_time(
    library: Library, make: Make, conversation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    chat = ChatModel(make("llama"), library)
    with monkeypatch.context() as patch:
        patch.setattr(kept_prompts, "write_folder_atomically", full)
        turns = saved(chat, conversation)
    assert kept_prompts.kept_prompts(library) == []
    assert chat.answer([*turns, *asked("Why?")], GREEDY).cached_tokens > 0
    chat.save()
    before = the_only(library).path
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    chat.answer([*turns, *asked("When?")], GREEDY)
    chat.save()
    assert the_only(library).path == before
