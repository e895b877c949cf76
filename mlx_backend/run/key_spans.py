"""Where in an answer's tokens the words stand that its question asks for."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.dataset.samples import Sample
from mlx_backend.models.chat_form import ChatForm
from mlx_backend.training.key_weights import common_beginning, place_of_key


def key_spans(form: ChatForm, samples: Sequence[Sample]) -> dict[int, tuple[int, int]]:
    """The first token of the key in its answer, and one past its last, by the sample's index.

    Only of samples that teach a fact and whose answer has the key. They are the tokens by which the
    answer up to the key's end is longer than up to its beginning.
    """
    places = {
        number: place
        for number, sample in enumerate(samples)
        if sample.fact and (place := place_of_key(sample.answer.strip(), sample.key))
    }
    parts = [
        (samples[number].prompt, samples[number].answer.strip()[:end].rstrip())
        for number, place in places.items()
        for end in (*place, None)
    ]
    ids = iter(form.samples(parts))
    found = {}
    for number in places:
        (before, prompt), (through, _), (whole, _) = next(ids), next(ids), next(ids)
        answer = whole[prompt:]
        first, end = (common_beginning(part[prompt:-1], answer) for part in (before, through))
        if first < end:
            found[number] = (first, end)
    return found
