"""What the machines say to each other, without any other machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import mlx.core as mx
import msgspec
import numpy as np
import pytest

from mlx_backend import __version__
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.machine.arrays import flatten
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.models.lora import LoraShape
from mlx_backend.protocol import ErrorReport, Host
from mlx_backend.training.batches import BatchShape, PackedBatches
from mlx_backend.training.hosts import orders
from mlx_backend.training.hosts.crew import Crew, LeadingStep
from mlx_backend.training.hosts.following import FollowingStep, follow
from mlx_backend.training.hosts.orders import Leave, Meet, Share, Take
from mlx_backend.training.hosts.summing import split_parts, sum_over_all, zero_gradients
from mlx_backend.training.recall import Recall
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.tokenised import TokenisedSample
from tests.mlx_backend.arrays import bits
from tests.mlx_backend.training.hosts.pretended_group import PretendedGroup

SHAPE = LoraShape(rank=4, scale=2.0, dropout=0.1)
HOSTS = (Host(ssh="here", ips=("10.0.0.1",)), Host(ssh="there", ips=("10.0.0.2",)))


@pytest.fixture
def batches() -> PackedBatches:
    """Batches of two parts."""
    random = np.random.default_rng(0)
    samples = [TokenisedSample.of(random.integers(3, 390, 90).tolist(), 10) for _ in range(30)]
    return PackedBatches(samples, 0, BatchShape(positions=1024, at_once=512))


@pytest.fixture
def leading(loaded: LoadedModel) -> tuple[LeadingStep, PretendedGroup]:
    mx.random.seed(0)
    lora.attach(loaded.model, SHAPE)
    group = PretendedGroup(rank=0)
    step = Crew(group, HOSTS).step(loaded.model, "nothing")
    assert isinstance(step, LeadingStep)
    return step, group


def meet(sha256: str, version: str = __version__) -> bytes:
    return orders.encode(Meet(version=version, model="tiny", sha256=sha256, shape=SHAPE))


def parameters(step: TrainingStep) -> dict[str, bytes]:
    return bits(flatten(step.model.trainable_parameters()))


def test_every_part_has_one_machine_and_some_machines_none() -> None:
    assert split_parts([1, 2, 3, 4, 5], 2) == [[1, 3, 5], [2, 4]]
    assert split_parts(["a"], 3) == [["a"], [], []]


def test_arrays_arrive_bit_for_bit() -> None:
    arrays = {
        "a.b": mx.array([[1.5, float("nan")]]),
        "mask": mx.array([[True, False]]),
        "half": mx.ones((2, 0, 3), mx.bfloat16),
    }
    found = orders.unpack(orders.pack(arrays))
    assert {name: (array.dtype, array.shape) for name, array in found.items()} == {
        name: (array.dtype, array.shape) for name, array in arrays.items()
    }
    assert np.array_equal(np.array(found["a.b"]), np.array(arrays["a.b"]), equal_nan=True)
    many = [mx.array([place]) for place in range(12)]
    parts = orders.unpack_part(orders.pack_part(many))
    assert [int(np.array(part)[0]) for part in parts] == list(range(12))


def test_sums_keep_the_shapes_of_the_gradients(loaded: LoadedModel) -> None:
    lora.attach(loaded.model, SHAPE)
    zero, like = zero_gradients(loaded.model.trainable_parameters())
    assert not any(np.array(array).any() for array in (zero, *flatten(like).values()))
    gradients = loaded.model.trainable_parameters()
    total, summed = sum_over_all(PretendedGroup(rank=0), mx.array(2.5), gradients)
    assert float(np.array(total)) == 2.5
    assert bits(flatten(summed)) == bits(flatten(gradients))


def test_the_state_is_handed_over_when_it_changed(
    leading: tuple[LeadingStep, PretendedGroup], batches: PackedBatches
) -> None:
    step, group = leading
    for number in (0, 1):
        step(batches[number], rate=1e-3)
    assert [type(word) for word in group.said] == [Take, Share, Share]
    step.reset_optimizer()
    step(batches[2], rate=1e-3)
    assert [type(word) for word in group.said[3:]] == [Take, Share]
    share = group.said[-1]
    assert isinstance(share, Share)
    assert share.tokens == sum(part.tokens for part in batches[2])
    assert [len(parts) for parts in share.parts] == [0, 1]


def test_the_leading_machine_asks_for_the_facts_by_itself(
    leading: tuple[LeadingStep, PretendedGroup], batches: PackedBatches
) -> None:
    """The others need no word of it: they get the parts of whatever batch follows."""
    step, group = leading
    facts = [replace(sample, fact=str(n)) for n, sample in enumerate(batches.all)]
    looked = PackedBatches(facts, batches.seed, batches.shape)
    before = parameters(step)
    look = Recall(looked, 1000).look(step, 1, 1)
    assert len(look.known) + len(look.missed) > 0
    assert (group.said, parameters(step)) == ([], before)
    step(looked.after([look])[1], rate=1e-3)
    assert [type(word) for word in group.said] == [Take, Share]


def test_one_that_follows_becomes_what_leads(
    leading: tuple[LeadingStep, PretendedGroup],
    batches: PackedBatches,
    load_tiny: Callable[[], LoadedModel],
) -> None:
    step, group = leading
    step(batches[0], rate=1e-2)
    step.reset_optimizer()
    before = parameters(step)
    step(batches[1], rate=1e-2)
    take, share = group.said[-2:]
    assert isinstance(take, Take)
    assert isinstance(share, Share)
    other = load_tiny()
    lora.attach(other.model, SHAPE)
    following = FollowingStep(other.model, take.recomputed)
    following.take_over(take)
    assert parameters(following) == before
    following.take_share(share, PretendedGroup(rank=1))
    assert parameters(following) != before
    none = msgspec.structs.replace(share, parts=((), ()))
    following.take_share(none, PretendedGroup(rank=1))  # waits for nobody, and keeps step


def test_a_step_that_a_lost_machine_broke_off_never_was(
    leading: tuple[LeadingStep, PretendedGroup], batches: PackedBatches
) -> None:
    step, group = leading
    step(batches[0], rate=1e-2)
    before, key = parameters(step), np.array(mx.random.state[0]).tolist()  # type: ignore[index]
    group.is_cut = True
    with pytest.raises(OvernightError):
        step(batches[1], rate=1e-2)
    assert parameters(step) == before
    assert np.array(mx.random.state[0]).tolist() == key  # type: ignore[index]


def test_a_machine_that_cannot_train_along_is_named(loaded: LoadedModel) -> None:
    group = PretendedGroup(rank=0)
    report = ErrorReport(kind="model_unknown", message="No model.", hint="Fetch it.")
    group.answers = [b"", msgspec.msgpack.encode(report)]
    with pytest.raises(OvernightError) as caught:
        Crew(group, HOSTS).meet("tiny", loaded.info.card.sha256, SHAPE)
    assert caught.value.kind is ErrorKind.MODEL_UNKNOWN
    assert "'there'" in caught.value.message
    assert "No model." in caught.value.message
    assert "Fetch it." in caught.value.hint
    assert isinstance(group.said[0], Meet)


def test_nobody_misses_a_machine_that_is_gone_at_the_end() -> None:
    class Gone(PretendedGroup):
        def broadcast(self, data: bytes = b"") -> bytes:
            raise OvernightError(ErrorKind.HOST_LOST, "Gone.")

    Crew(Gone(rank=0), HOSTS).dismiss()


def test_it_follows_until_it_may_leave(tiny_library: Library, loaded: LoadedModel) -> None:
    group = PretendedGroup(rank=1)
    group.heard = [meet(loaded.info.card.sha256), orders.encode(Leave())]
    follow(group, lambda model: load_base_model(tiny_library, model))
    assert group.given == [b""]
    assert group.heard == []


def test_it_may_leave_before_it_met_anyone(tiny_library: Library) -> None:
    group = PretendedGroup(rank=1)
    group.heard = [orders.encode(Leave())]
    follow(group, lambda model: load_base_model(tiny_library, model))
    assert group.given == []  # nobody would take it


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (meet("0" * 64), ErrorKind.MODEL_DAMAGED),
        (meet("", version="0.0"), ErrorKind.BAD_INPUT),
        (
            orders.encode(Take(recomputed="nothing", adapter=b"", optimizer=b"")),
            ErrorKind.BAD_INPUT,
        ),
        (b"", ErrorKind.BAD_INPUT),
        (b"\xc1\xff", ErrorKind.BAD_INPUT),
    ],
)
def test_what_hinders_is_told_to_the_one_that_leads(
    tiny_library: Library, word: bytes, kind: ErrorKind
) -> None:
    group = PretendedGroup(rank=1)
    group.heard = [word]
    with pytest.raises(OvernightError) as caught:
        follow(group, lambda model: load_base_model(tiny_library, model))
    assert caught.value.kind is kind
    (told,) = group.given
    report = msgspec.msgpack.decode(told, type=ErrorReport)
    assert report.kind == kind
    assert report.hint
