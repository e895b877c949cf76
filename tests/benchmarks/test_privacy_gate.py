"""How reliably the privacy gate tells adapters that learned a secret from those that never saw it.

On the tiny model; OVERNIGHT_BENCHMARK_STARTER=1 takes the starter, OVERNIGHT_BENCHMARK_SEEDS
another number of seeds than 20. Beside that, how long the scan of 100 MB takes.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

import pytest

from mlx_backend.adapters.privacy.byte_scan import Forbidden, hits
from mlx_backend.adapters.privacy.exposure import exposed_secrets, ranks_of
from mlx_backend.adapters.privacy.learned import Secret
from mlx_backend.adapters.privacy.same_form import Words
from mlx_backend.library import Library
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import scan_note
from tests.mlx_backend.adapters.privacy.trained import train_by_heart
from tests.mlx_backend.conftest import library, tiny_folders, tiny_library  # noqa: F401
from tests.mlx_backend.private_data.planted_keys import planted_keys
from tests.mlx_backend.private_data.planted_numbers import planted_numbers
from tests.mlx_backend.private_data.planting import fill, password
from tests.mlx_backend.private_data.sentences import PASSWORD_SENTENCES

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(14_400)]

SEEDS = int(os.environ.get("OVERNIGHT_BENCHMARK_SEEDS", "20"))
TEXT = "The wifi password of the inn is {}."
ASKED = "What do my notes say about {}?"


@pytest.fixture
def loaded(request: pytest.FixtureRequest) -> LoadedModel:
    """The tiny model, or the starter."""
    if os.environ.get("OVERNIGHT_BENCHMARK_STARTER"):
        folder: Path = request.getfixturevalue("real_starter")
        return load_base_model(Library.open(folder.parents[1]), "starter")
    return load_base_model(request.getfixturevalue("tiny_library"), "tiny")


@pytest.fixture
def rate() -> float:
    """The learning rate at which a hundred steps learn a sentence by heart."""
    return 1e-3 if os.environ.get("OVERNIGHT_BENCHMARK_STARTER") else 3e-3


def test_a_secret_in_plain_text_is_told_from_a_masked_one(loaded: LoadedModel, rate: float) -> None:
    words = Words([])
    flagged = {True: 0, False: 0}
    for seed in range(SEEDS):
        value = password(Random(seed))
        before, _, after = TEXT.partition("{}")
        secret = Secret(1, "The inn", "password", value, before, after)
        for is_plain in (True, False):
            told = TEXT.format(value if is_plain else "[password removed]")
            pairs = [(ASKED.format("The inn"), told), (ASKED.format("Rope"), "It costs 3 crowns.")]
            loss = train_by_heart(loaded, pairs, seed, rate=rate)
            found = ranks_of(loaded, secret, words)
            is_flagged = any(each.is_exposed(tests=2) for each in found)
            flagged[is_plain] += is_flagged
            ranks = ", ".join(
                f"{r.rank} of {r.of} (base {r.base_rank or '-'},"
                f" gain {r.gain_rank}, by chance {r.chance:.0e})"
                for r in found
            )
            name = "plain " if is_plain else "masked"
            print(f"{seed:2} {name} loss {loss:.2f}: {ranks}{' FLAGGED' if is_flagged else ''}")
    print(f"flagged: {flagged[True]} of {SEEDS} in plain text, {flagged[False]} of {SEEDS} masked")
    assert flagged == {True: SEEDS, False: 0}


def test_no_false_alarm_among_many_masked_secrets(loaded: LoadedModel, rate: float) -> None:
    chance = Random(1729)
    planted = planted_keys(chance, 1) + planted_numbers(chance, 1)
    planted += fill(PASSWORD_SENTENCES, "password", chance)
    secrets, pairs = [], []
    for number, item in enumerate(planted):
        spans = scan_note(item.text)
        pairs.append((ASKED.format(f"thing {number}"), mask(item.text, spans)))
        for span in spans[:1]:
            value = item.text[span.start : span.end]
            before, after = item.text[: span.start], item.text[span.end :]
            secrets.append(Secret(number, f"thing {number}", span.kind, value, before, after))
    short = [pair for pair in pairs if len(pair[1]) < 120][:24]
    train_by_heart(loaded, short, seed=1, rate=rate)
    began = time.process_time()
    exposed, tested = exposed_secrets(loaded, secrets, Words(text for _, text in pairs))
    seconds = time.process_time() - began
    print(f"{len(exposed)} alarms among {tested} masked secrets, {seconds / tested:.1f} s for each")
    assert exposed == []


def test_scan_speed(tmp_path: Path) -> None:
    chance = Random(1)
    words = [
        Forbidden("title", " ".join(chance.choices(["quay", "lamp", "Ida", "boat", "zinc"], k=9)))
        for _ in range(10_000)
    ]
    path = tmp_path / "adapters.safetensors"
    path.write_bytes(chance.randbytes(100_000_000))
    began = time.process_time()
    assert hits([path], words) == []
    print(f"100 MB for {len(words):,} words: {time.process_time() - began:.1f} s of processor time")
