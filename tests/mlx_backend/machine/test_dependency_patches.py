"""Tripwires: what a pinned library's code has to look like for each replacement to be right."""

from __future__ import annotations

import ast
import hashlib
import os
import sys
import time
import types
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from select import select
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import pytest
from mlx_lm.generate import batch_generate

from mlx_backend.machine import cpu_math, dependency_patches
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.models.base_model import LoadedModel

_ENGINE = Path(dependency_patches.__file__).parents[1]

WIRED = "wired_limit_untouched: does generation still raise the wired limit through this name?"
MATH = "use_cpu_math: does machine.cpu_math still compute the same, from the same arguments?"
CHECKPOINT = "set_gradient_checkpointing: are parameters still handed to mx.checkpoint like this?"
LAUNCH = "pause_mlx_launch: does mlx.launch still poll with select, and is a pause still needed?"

# What is replaced, who calls it, or what a replacement imitates: SHA-256 of the source.
PINNED = [
    (
        "mlx_lm.utils:maybe_set_recommended_wired_limit",
        "ec7abd14fe2b84b07cc58a33ee4f51ac0829481a438f91ffd3353a78f9482451",
        WIRED,
    ),
    (
        "mlx_lm.generate:BatchGenerator.__init__",
        "80fdd7d3fc89c3751830ee6f108e978c50a0d7fceafc72f3e31c7ea935692b50",
        WIRED,
    ),
    (
        "mlx_lm.generate:BatchGenerator.close",
        "5facca7ff99c899aa0e78c6e32c3390ca04fce03185b333c0c5c7a8427aa0d39",
        WIRED,
    ),
    (
        "mlx_lm.models.activations:swiglu",
        "f33dad1e9f94f039a4fed04bbf12716b35f037d63521aca73e41269413e84373",
        MATH,
    ),
    (
        "mlx_lm.models.base:scaled_dot_product_attention",
        "8deba4a8a8fb4e29f1e69ea81701da68f08f90656e1421a1e7a82332aadc41c1",
        MATH,
    ),
    (
        "mlx_lm.models.llama:MLP.__call__",
        "dc08d40bfdf18cf60619caad43c76a1094f3de1b14d2c53b9e2228fa698bc40a",
        MATH,
    ),
    (
        "mlx_lm.models.llama:Attention.__call__",
        "3b9b8774b647f7a435d298ba29679f50d7add1ba9f062b4b8b3d5907be82de72",
        MATH,
    ),
    (
        "mlx.nn.utils:checkpoint",
        "bb38899faef8f097efc78c48f759c8072c0bb545164de30e5257820e6f3ddbe5",
        CHECKPOINT,
    ),
    (
        "mlx.nn.layers.base:Module.__setattr__",
        "62b74c8dcc99971158494f69f8ffe16fbdaa42214d2844f8b159440fd1dcc95f",
        CHECKPOINT,
    ),
    (
        "mlx_lm.tuner.trainer:grad_checkpoint",
        "67947d1ced77572bd74aad905ee4f7fae6039a6eba129c1b11e6b57a51981321",
        CHECKPOINT,
    ),
    (
        "mlx._distributed_utils.launch:_launch_with_io",
        "247625f080c8fcf17e539529573b5cc79e2ce033473c3eb99f7961db5a99122e",
        LAUNCH,
    ),
]


def source_of(place: str) -> str:
    """The source of a function or method, "module:Class.name", with its decorators."""
    module, _, path = place.partition(":")
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    node: Any = ast.parse(text)
    for name in path.split("."):
        found = [each for each in node.body if getattr(each, "name", None) == name]
        assert found, f"{place} is gone: find what stands in its place"
        node = found[-1]
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return "".join(text.splitlines(keepends=True)[first - 1 : node.end_lineno])


@pytest.mark.parametrize(("place", "pinned", "look_at"), PINNED, ids=[each[0] for each in PINNED])
def test_the_code_that_is_replaced_is_the_one_we_know(
    place: str, pinned: str, look_at: str
) -> None:
    found = hashlib.sha256(source_of(place).encode()).hexdigest()
    assert found == pinned, (
        f"{place} has changed. Read it, then mlx_backend/machine/dependency_patches.py,"
        f" {look_at} If all is right, pin {found}."
    )


def replacements_in(path: Path) -> list[int]:
    """The lines of a file that set `__class__`, or an attribute of another library's module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    theirs = set(sys.stdlib_module_names) | {"mlx_backend", "__future__"}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            package = getattr(node, "module", None) or node.names[0].name
            if package.partition(".")[0] not in theirs:
                modules |= {(a.asname or a.name).partition(".")[0] for a in node.names}
    return [
        node.lineno
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store | ast.Del)
            and (node.attr == "__class__" or _name(node.value) in modules)
        )
        or (
            isinstance(node, ast.Call)
            and _name(node.func) == "setattr"
            and _name(node.args[0]) != "sys"
        )
    ]


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize(
    "path", sorted(_ENGINE.rglob("*.py")), ids=lambda path: str(path.relative_to(_ENGINE))
)
def test_nothing_is_replaced_elsewhere(path: Path) -> None:
    lines = replacements_in(path)
    assert bool(lines) == (path.name == "dependency_patches.py"), lines


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The wired limits that are set on a machine that looks like a Mac."""
    limits: list[int] = []
    monkeypatch.setattr("mlx.core.device_info", lambda: {"max_recommended_working_set_size": 1})
    monkeypatch.setattr("mlx.core.set_wired_limit", limits.append)
    return limits


def generate(loaded: LoadedModel) -> None:
    batch_generate(loaded.model, loaded.tokenizer, [[3, 4, 5]], max_tokens=2)


def test_mlx_lm_raises_the_wired_limit_but_not_within_the_block(
    loaded: LoadedModel, raised: list[int]
) -> None:
    with dependency_patches.wired_limit_untouched():
        with dependency_patches.wired_limit_untouched():
            generate(loaded)
        generate(loaded)
    assert raised == []
    generate(loaded)
    assert raised, "mlx-lm no longer does so: the replacement can go"


def test_the_wired_limit_is_mlx_lms_again_after_an_error() -> None:
    own = import_module("mlx_lm.generate").maybe_set_recommended_wired_limit
    with pytest.raises(ZeroDivisionError), dependency_patches.wired_limit_untouched():
        raise ZeroDivisionError
    assert import_module("mlx_lm.generate").maybe_set_recommended_wired_limit is own


@pytest.mark.skipif(has_gpu(), reason="on a GPU mlx-lm's own functions compute")
@pytest.mark.parametrize("name", ["swiglu", "scaled_dot_product_attention"])
def test_a_loaded_model_computes_with_our_functions(
    loaded: LoadedModel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[type(loaded.model).__module__]
    dependency_patches.use_cpu_math(loaded.model)  # a second time: loading it was the first
    ours = getattr(cpu_math, name)
    assert getattr(module, name) is ours
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return ours(*args, **kwargs)

    monkeypatch.setattr(module, name, counted)
    mx.eval(loaded.model(mx.array([[3, 4, 5]])))
    assert calls == len(loaded.model.layers)


def test_a_models_own_function_of_the_same_name_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model(nn.Module):
        pass

    module: Any = types.ModuleType("models_of_someone")
    module.swiglu = own = object()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(Model, "__module__", module.__name__)
    dependency_patches.use_cpu_math(Model())  # type: ignore[no-untyped-call]
    assert module.swiglu is own
    assert not hasattr(module, "scaled_dot_product_attention")


class Counting(nn.Module):
    """A layer that counts how often it is computed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.weight = mx.ones((3, 3))
        self.calls = 0

    def __call__(self, x: mx.array, mask: mx.array) -> mx.array:
        self.calls += 1
        return mx.where(mask, mx.tanh(x @ self.weight), 0.0)


def gradient_of(layer: Counting) -> mx.array:
    mask = mx.array([[True, True, False]])
    loss: Callable[..., Any] = nn.value_and_grad(layer, lambda x: layer(x, mask).sum())
    _, gradients = loss(mx.array([[0.1, 0.2, 0.3]]))
    weight: mx.array = gradients["weight"]
    mx.eval(weight)
    return weight


def test_a_checkpointed_layer_is_computed_again_for_its_gradient() -> None:
    layer = Counting()
    usual = gradient_of(layer)
    assert layer.calls == 1
    for _ in range(2):
        dependency_patches.set_gradient_checkpointing(layer, is_on=True)
    assert mx.allclose(gradient_of(layer), usual)
    assert layer.calls == 3, "once forward, once backward"
    layer.eval()
    layer(mx.zeros((1, 3)), mx.array(True))
    assert layer.calls == 4
    for _ in range(2):
        dependency_patches.set_gradient_checkpointing(layer, is_on=False)
    assert type(layer) is Counting


def test_layers_beside_a_checkpointed_one_keep_their_class() -> None:
    """mlx-lm's own function would change all of them."""
    one, other = Counting(), Counting()
    dependency_patches.set_gradient_checkpointing(one, is_on=True)
    gradient_of(other)
    assert other.calls == 1


def test_mlx_launch_waits_for_something_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    launch: Any = import_module("mlx._distributed_utils.launch")
    monkeypatch.setattr(launch, "select", launch.select)  # what follows is undone after the test
    assert launch.select is select, "it takes another function: is a pause still needed?"
    for _ in range(2):
        dependency_patches.pause_mlx_launch()
    read, write = os.pipe()
    try:
        began = time.monotonic()
        assert launch.select([read], [write], [], 1.0) == ([], [write], [])
        assert time.monotonic() - began > 0.1, "the library's own returns at once"
        os.write(write, b"!")
        assert launch.select([read], [write], [], 1.0) == ([read], [write], [])
    finally:
        os.close(read)
        os.close(write)
