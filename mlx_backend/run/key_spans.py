"""Where in an answer's tokens the words stand that its question asks for."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.dataset.samples import Sample
from mlx_backend.models.chat_form import ChatForm


def key_spans(form: ChatForm, samples: Sequence[Sample]) -> dict[int, tuple[int, int]]:
    """The first token of the key in its answer, and one past its last, by the sample's index.

    Only of samples that teach a fact and whose answer has the key. Tokens are counted by encoding
    the answer up to the key and up to its end, which is exact where a tokenizer splits at words,
    and else wrong by a token at most.
    """
    chosen = []
    ends: list[str] = []
    for number, sample in enumerate(samples):
        answer = sample.answer.strip()
        at = answer.find(sample.key) if sample.fact and sample.key else -1
        if at >= 0:
            chosen.append(number)
            ends += [answer[:at].rstrip(), answer[: at + len(sample.key)]]
    counts = form.count(ends) if ends else []
    return dict(zip(chosen, zip(counts[::2], counts[1::2], strict=True), strict=True))
