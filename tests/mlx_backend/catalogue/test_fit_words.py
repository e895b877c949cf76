from __future__ import annotations

from mlx_backend.catalogue.fit_words import fit_in_short, fit_sentence, in_words, memory
from mlx_backend.library.model_fit import Fit
from mlx_backend.library.this_machine import Machine

GIB = 1 << 30
MAC = Machine(16 * GIB, has_gpu=True)


def fit(chat: int, train: int, tokens: int = 0) -> Fit:
    return Fit(chat > 0, tokens > 0, 4096 if chat else 0, tokens, chat or 41 * GIB, train)


def test_what_fits() -> None:
    assert fit_sentence(fit(3 * GIB, 5 * GIB + GIB // 10, 512), MAC) == (
        "Fits: trains on up to about 400 words at a time, and needs 5.1 GB of your 16 GB."
    )
    assert "200 words" in fit_sentence(fit(GIB, GIB, 256), MAC)


def test_a_measured_figure_is_said_to_be_one() -> None:
    measured = Fit(True, True, 4096, 512, GIB, 2 * GIB, is_measured=True)
    assert fit_sentence(measured, MAC).endswith("needs 2 GB of your 16 GB, as measured here.")


def test_what_can_only_chat() -> None:
    assert fit_sentence(fit(9 * GIB, 14 * GIB), MAC) == (
        "Too large to train here; you can chat with it, which needs 9 GB of your 16 GB."
        " Training needs 14 GB. Qwen3 4B would fit."
    )


def test_what_does_not_fit_at_all() -> None:
    assert fit_sentence(fit(0, 50 * GIB), MAC) == (
        "Too large: chatting needs 41 GB, and of the 16 GB of this computer a model can have"
        " 11 GB. Qwen3 4B would fit."
    )
    assert fit_sentence(fit(0, 50 * GIB), Machine(GIB // 2, has_gpu=False)).endswith("0.4 GB.")


def test_in_short() -> None:
    assert fit_in_short(fit(1, 1, 256)) == "trains"
    assert fit_in_short(fit(1, 1)) == "chats"
    assert fit_in_short(fit(0, 1)) == "too large"


def test_amounts() -> None:
    assert [in_words(n) for n in (256, 512, 4096, 40_960)] == ["200", "400", "3,100", "31,000"]
    assert [memory(int(g * GIB)) for g in (0.5, 5.04, 9.96, 15.6)] == [
        "0.5 GB", "5 GB", "10 GB", "16 GB"
    ]  # fmt: skip
