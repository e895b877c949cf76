"""The whole way of a model into the library, its trial and other forms of it included."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mlx_backend import protocol
from mlx_backend.adoption import taking_in
from mlx_backend.adoption.adopt import adopt
from mlx_backend.adoption.download import download
from mlx_backend.adoption.forms import packing, quantising
from mlx_backend.errors import OvernightError
from mlx_backend.files import sha256_of_file
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.models import read_model
from mlx_backend.models.base_model import load_base_model
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import Sampling, Turn
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.adoption.forms.packing_here import packed_here, quick_probe_of
from tests.mlx_backend.adoption.forms.trained_sentencepiece import trained
from tests.mlx_backend.adoption.hf_models import write_hf_model
from tests.mlx_backend.adoption.places import grown_old, state_of
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub

QUESTION = [Turn(role="user", text="Who lit it?")]
Adopting = Callable[..., dict[str, object] | None]


@pytest.fixture(autouse=True)
def tried(untried: pytest.MonkeyPatch) -> None:
    """Here every model is tried."""
    untried.undo()


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models pass their trial at once, and are quantised in this process."""
    monkeypatch.setattr(taking_in, "try_tokenizer", lambda *_: None)
    monkeypatch.setattr(taking_in, "try_model", lambda *_: READS)
    monkeypatch.setattr(quantising, "_outcome", packed_here)
    monkeypatch.setattr(packing, "take_probe", partial(quick_probe_of, []))


@pytest.fixture
def half(tmp_path: Path, tiny_folders: dict[str, Path]) -> Path:
    """A model in 16 bits, as it comes from the Hub."""
    folder = tmp_path / "Half-1B"
    write_hf_model(folder, "llama", tiny_folders["tiny"])
    return grown_old(folder)


@pytest.fixture
def adopting(library: Library, half: Path) -> Adopting:
    """Adopts the model in 16 bits in this process; another call goes on with the same job."""
    folder = JobFolder.create(library.jobs, protocol.AdoptSpec(path=str(half)))

    def adopting(
        stop: Callable[[], bool] = lambda: False, bits: int = 0
    ) -> dict[str, object] | None:
        return adopt(library, folder, protocol.AdoptSpec(path=str(half), bits=bits), stop)

    return adopting


def told(library: Library) -> list[protocol.JobEvent]:
    (folder,) = JobFolder.all(library.jobs)
    return folder.reader().read_new()


def stages(library: Library) -> list[str]:
    return [event.stage for event in told(library) if isinstance(event, protocol.StageBegan)]


def test_what_a_download_can_is_in_its_card(hub: Hub, library: Library) -> None:
    folder = JobFolder.create(library.jobs, protocol.DownloadSpec(repo=REPO))
    assert download(library, folder, protocol.DownloadSpec(repo=REPO), lambda: False)
    model = read_model(library.models, "Tiny-1B")
    abilities = model.card.abilities
    assert abilities is not None
    assert (abilities.layers, abilities.packs, abilities.trims_cache) == (
        ("attention",),
        True,
        True,
    )
    assert abilities.roles == ("system", "user", "assistant")
    assert not model.reads  # random words answer nothing
    assert stages(library) == ["looking up", "downloading", "checking", "trying"]
    steps = [e for e in told(library) if isinstance(e, protocol.Progress) and e.unit == "steps"]
    assert 0 < steps[0].done < steps[-1].done <= steps[-1].total
    load_base_model(library, "Tiny-1B")


def test_what_the_trial_refuses_leaves_nothing(hub: Hub, library: Library) -> None:
    files = hub.repos[REPO].files
    settings = json.loads(files["tokenizer_config.json"])
    terabyte = "{{ 'a' * (10 ** 12) }}"
    settings["chat_template"] = terabyte + settings["chat_template"]
    files["tokenizer_config.json"] = json.dumps(settings).encode()
    folder = JobFolder.create(library.jobs, protocol.DownloadSpec(repo=REPO))
    with pytest.raises(OvernightError, match="chat template was tried, but") as caught:
        download(library, folder, protocol.DownloadSpec(repo=REPO), lambda: False)
    assert "overnight models --catalogue" in caught.value.hint
    assert not [path for path in library.models.iterdir() if not path.name.startswith(".")]
    assert not (folder.path / "model").exists()
    assert not hub.sent_of("model.safetensors")  # it was known before these were fetched


def test_quantised_when_it_comes(library: Library, adopting: Adopting, half: Path) -> None:
    before = state_of(half)
    result = adopting(bits=4)
    assert result is not None
    model = read_model(library.models, str(result["model"]))
    quantised = model.card.quantised
    assert quantised is not None
    assert quantised.bits == 4
    assert 0 < quantised.asked <= 120
    assert model.card.abilities is not None
    weights = sorted(model.path.glob("*.safetensors"))
    assert len(weights) == 1
    assert model.card.sha256 == sha256_of_file(weights[0])
    assert any(
        isinstance(event, protocol.Notice) and event.text == f"{quantised.cost}."
        for event in told(library)
    )
    assert state_of(half) == before
    percents = [
        e for e in told(library) if isinstance(e, protocol.Progress) and e.unit == "percent"
    ]
    assert not [e for e in percents if e.done < 60 and e.remaining_s is not None]
    assert [e for e in percents if e.remaining_s is not None]
    answer = ChatModel(load_base_model(library, model.card.name)).answer(
        QUESTION, Sampling(max_tokens=3)
    )
    assert answer.generated_tokens


def test_what_is_quantised_already_stays_as_it_is(
    library: Library, adopting: Adopting, half: Path, quickly: None
) -> None:
    first = adopting(bits=4)
    assert first is not None
    quantised = read_model(library.models, str(first["model"])).path
    spec = protocol.AdoptSpec(path=str(quantised), name="Again", bits=8)
    folder = JobFolder.create(library.jobs, spec)
    assert adopt(library, folder, spec, lambda: False)
    again = read_model(library.models, "Again")
    assert again.card.quantised is None
    notices = [e.text for e in folder.reader().read_new() if isinstance(e, protocol.Notice)]
    assert "It is quantised already, in 4 bits." in notices


@pytest.mark.parametrize("stage", ["quantising", "trying"])
def test_stopped_on_the_way_it_goes_on(
    library: Library, adopting: Adopting, stage: str, quickly: None
) -> None:
    assert adopting(lambda: stages(library)[-1:] == [stage], bits=4) is None
    assert not [path for path in library.models.iterdir() if not path.name.startswith(".")]
    result = adopting(bits=4)
    assert result is not None
    assert read_model(library.models, str(result["model"])).card.quantised is not None


def test_killed_in_its_trial_it_goes_on_with_the_quantised_weights(
    library: Library, adopting: Adopting, quickly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(taking_in, "try_model", kill)
    with pytest.raises(Killed):
        adopting(bits=4)
    monkeypatch.setattr(taking_in, "try_model", lambda *_: READS)
    result = adopting(bits=4)
    assert result is not None
    assert read_model(library.models, str(result["model"])).card.quantised is not None


def test_a_sentencepiece_vocabulary_is_converted(
    library: Library, tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    files = tmp_path / "Pieces-1B"
    write_hf_model(files, "llama", tiny_folders["tiny"], vocab_size=640)
    (files / "tokenizer.json").unlink()
    (files / "tokenizer.model").write_bytes(trained())
    settings = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "chat_template": "{% for m in messages %}{{ '<s>' + m['content'] + '</s>' }}{% endfor %}",
    }
    (files / "tokenizer_config.json").write_text(json.dumps(settings))
    spec = protocol.AdoptSpec(path=str(grown_old(files)))
    folder = JobFolder.create(library.jobs, spec)
    result = adopt(library, folder, spec, lambda: False)
    assert result is not None
    loaded = load_base_model(library, str(result["model"]))
    ids = loaded.form.prompt(QUESTION)
    assert loaded.tokenizer.decode(ids, skip_special_tokens=True).strip() == QUESTION[0].text
    assert not (files / "tokenizer.json").exists()
