"""Adapters as someone with bad intent, or a broken program, would make them.

Each function gets a folder with a good adapter of the tiny model, in the form of mlx-lm or PEFT,
and spoils it. It returns the path to receive, if that is another one.
"""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

Spoil = Callable[[Path], Path | None]

MLX, PEFT = "adapters.safetensors", "adapter_model.safetensors"
LAYER = "model.layers.0.self_attn.q_proj"
_PEFT_LAYER = f"base_model.model.{LAYER}"


class Evil:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch /tmp/overnight-was-here",)


def read(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header and the data of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def write(path: Path, header: Any, data: bytes, length: int | None = None) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def weights_of(folder: Path) -> Path:
    return folder / (MLX if (folder / MLX).exists() else PEFT)


def in_header(change: Callable[[dict[str, Any]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        header, data = read(weights_of(folder))
        change(header)
        write(weights_of(folder), header, data)

    return spoil


def tensor_of(header: dict[str, Any]) -> dict[str, Any]:
    """The entry of one tensor."""
    found: dict[str, Any] = header[next(name for name in header if name != "__metadata__")]
    return found


def as_bytes(make: Callable[[bytes], bytes]) -> Spoil:
    def spoil(folder: Path) -> None:
        weights_of(folder).write_bytes(make(weights_of(folder).read_bytes()))

    return spoil


def numbers(value: float, of: str = "") -> Spoil:
    """All numbers of one tensor are this one."""

    def spoil(folder: Path) -> None:
        header, data = read(weights_of(folder))
        name = next(name for name in header if name != "__metadata__" and name.endswith(of))
        begin, end = header[name]["data_offsets"]
        changed = struct.pack("<f", value) * ((end - begin) // 4)
        write(weights_of(folder), header, data[:begin] + changed + data[end:])

    return spoil


def shaped(name: str, shape: tuple[int, ...]) -> Spoil:
    """The file anew, with a tensor of another shape in the place of one that ends so."""

    def spoil(folder: Path) -> None:
        import mlx.core as mx

        tensors = dict(mx.load(str(weights_of(folder))))  # type: ignore[arg-type]
        full = next(each for each in sorted(tensors) if each.endswith(name))
        tensors[full] = mx.ones(shape)
        mx.eval(tensors)
        mx.save_safetensors(str(weights_of(folder)), tensors)

    return spoil


def renamed(old: str, new: str) -> Spoil:
    def change(header: dict[str, Any]) -> None:
        for name in [name for name in header if old in name]:
            header[name.replace(old, new)] = header.pop(name)

    return in_header(change)


def dropped(ending: str) -> Spoil:
    def spoil(folder: Path) -> None:
        import mlx.core as mx

        tensors = dict(mx.load(str(weights_of(folder))))  # type: ignore[arg-type]
        mx.eval(tensors)
        del tensors[next(each for each in sorted(tensors) if each.endswith(ending))]
        mx.save_safetensors(str(weights_of(folder)), tensors)

    return spoil


def in_config(**values: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return spoil


def config_text(text: str | bytes) -> Spoil:
    def spoil(folder: Path) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        (folder / "adapter_config.json").write_bytes(data)

    return spoil


def scale(value: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "adapter_config.json"
        config = json.loads(path.read_text())
        config["lora_parameters"]["scale"] = value
        path.write_text(json.dumps(config))

    return spoil


def linked(name: str, to: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(to)

    return spoil


def pipe(folder: Path) -> None:
    weights_of(folder).unlink()
    os.mkfifo(folder / MLX)


def is_folder(folder: Path) -> None:
    weights_of(folder).unlink()
    (folder / MLX).mkdir()


def pickled(name: str) -> Spoil:
    def spoil(folder: Path) -> Path | None:
        weights_of(folder).unlink()
        (folder / name).write_bytes(pickle.dumps(Evil()))
        return folder / name if name == "adapter.pt" else None

    return spoil


def pickle_by_another_name(folder: Path) -> None:
    weights_of(folder).write_bytes(pickle.dumps(Evil()))


def gguf_instead(folder: Path) -> Path:
    weights_of(folder).unlink()
    path = folder / "adapter.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 100)
    return path


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def twice(header: dict[str, Any]) -> bytes:
    """A header that names its first tensor twice."""
    name = next(name for name in header if name != "__metadata__")
    text = json.dumps(header)
    return (text[:-1] + f", {json.dumps(name)}: {json.dumps(header[name])}}}").encode()


def duplicate_name(folder: Path) -> None:
    header, data = read(weights_of(folder))
    write(weights_of(folder), twice(header), data)


def overlap(header: dict[str, Any]) -> None:
    names = [name for name in header if name != "__metadata__"]
    same = [n for n in names if header[n]["shape"] == header[names[0]]["shape"]]
    header[same[1]]["data_offsets"] = header[same[0]]["data_offsets"]


def lengthen(folder: Path) -> None:
    header, data = read(weights_of(folder))
    write(weights_of(folder), header, data, length=1 << 62)


def replaced_by(**entry: Any) -> Spoil:
    return in_header(lambda header: tensor_of(header).update(entry))


FOLDERS: dict[str, tuple[str, Spoil]] = {
    # weights
    "an empty file": ("mlx", as_bytes(lambda _: b"")),
    "cut in the header": ("mlx", as_bytes(lambda data: data[:100])),
    "cut in the data": ("mlx", as_bytes(lambda data: data[:-7])),
    "more data than the header has": ("mlx", as_bytes(lambda data: data + b"\0" * 64)),
    "random bytes": ("mlx", as_bytes(lambda data: os.urandom(len(data)))),
    "a header longer than the file": ("mlx", lengthen),
    "a header that is a list": ("mlx", lambda f: write(weights_of(f), [], b"")),
    "a header without tensors": ("mlx", lambda f: write(weights_of(f), {}, b"")),
    "a header that is no JSON": ("mlx", lambda f: write(weights_of(f), b"{'a': 1}", b"")),
    "a header that is no text": ("mlx", lambda f: write(weights_of(f), b"\xff" * 90, b"")),
    "a header nested deeply": ("mlx", lambda f: write(weights_of(f), nested(50_000).encode(), b"")),
    "a tensor named twice": ("mlx", duplicate_name),
    "tensors that overlap": ("mlx", in_header(overlap)),
    "a negative side": ("mlx", replaced_by(shape=[-4, -64])),
    "a huge shape": ("mlx", replaced_by(shape=[2**40, 2**40])),
    "a shape that overflows": ("mlx", replaced_by(shape=[2**32, 2**32])),
    "a shape of nine sides": ("mlx", replaced_by(shape=[1] * 9)),
    "a shape of nothing": ("mlx", replaced_by(shape=[0, 64], data_offsets=[0, 0])),
    "a false offset": ("mlx", replaced_by(data_offsets=[0, 2**60])),
    "offsets backwards": ("mlx", replaced_by(data_offsets=[64, 0])),
    "an unknown type": ("mlx", replaced_by(dtype="OBJECT")),
    "whole numbers": ("mlx", replaced_by(dtype="I32")),
    "packed numbers": ("mlx", replaced_by(dtype="U32")),
    "numbers of 64 bits": ("mlx", replaced_by(dtype="F64")),
    "not a number": ("mlx", numbers(float("nan"))),
    "not a number in B": ("mlx", numbers(float("nan"), "lora_b")),
    "infinite": ("mlx", numbers(float("inf"))),
    "numbers that overflow": ("mlx", numbers(3e38)),
    "A of another width": ("mlx", shaped("q_proj.lora_a", (65, 4))),
    "B of another width": ("mlx", shaped("q_proj.lora_b", (4, 65))),
    "factors that do not fit together": ("mlx", shaped("q_proj.lora_a", (64, 5))),
    "a factor of one side": ("mlx", shaped("q_proj.lora_a", (64,))),
    "a factor of three sides": ("mlx", shaped("q_proj.lora_a", (1, 64, 4))),
    "a factor of four sides": ("mlx", shaped("q_proj.lora_a", (1, 1, 64, 4))),
    "a rank of thousands": ("mlx", shaped("q_proj.lora_a", (2000, 2000))),
    "a layer that is not there": ("mlx", renamed("layers.1.", "layers.7.")),
    "a layer outside": ("mlx", renamed("model.layers.0.", "../../layers.0.")),
    "an absolute name": ("mlx", renamed("model.layers.0.", "/etc/layers.0.")),
    "a name of nothing": ("mlx", renamed(f"{LAYER}.lora_a", "")),
    "norms without dora": ("mlx", renamed(f"{LAYER}.lora_a", f"{LAYER}.m")),
    "the output layer": ("mlx", renamed("model.layers.0.self_attn.q_proj", "lm_head")),
    "a whole weight of the base": ("mlx", renamed(f"{LAYER}.lora_a", f"{LAYER}.weight")),
    "a norm of the base": ("mlx", renamed(f"{LAYER}.lora_a", "model.norm.weight")),
    "A without B": ("mlx", dropped("lora_b")),
    "B without A": ("mlx", dropped("lora_a")),
    "nothing but zeros": ("zero", lambda _: None),
    "a pickle called safetensors": ("mlx", pickle_by_another_name),
    "a pickle beside the configuration": ("mlx", pickled("adapter_model.bin")),
    "a pickle by itself": ("mlx", pickled("adapter.pt")),
    "a GGUF file": ("mlx", gguf_instead),
    "weights behind a link": ("mlx", linked(MLX, "/proc/self/environ")),
    "a configuration behind a link": ("mlx", linked("adapter_config.json", "/etc/passwd")),
    "a pipe": ("mlx", pipe),
    "a folder called as the weights": ("mlx", is_folder),
    # mlx-lm's configuration
    "weights of the kind full": ("mlx", in_config(fine_tune_type="full")),
    "an unknown kind": ("mlx", in_config(fine_tune_type="exec")),
    "a kind that is no text": ("mlx", in_config(fine_tune_type=["lora"])),
    "no parameters": ("mlx", in_config(lora_parameters=None)),
    "parameters that are a list": ("mlx", in_config(lora_parameters=[1, 2])),
    "a scale that is text": ("mlx", scale("os.system('true')")),
    "a scale that is not a number": ("mlx", scale(float("nan"))),
    "an infinite scale": ("mlx", scale(float("inf"))),
    "a scale that overflows": ("mlx", scale(1e300)),
    "a scale of zero": ("mlx", scale(0.0)),
    "dora without norms": ("mlx", in_config(fine_tune_type="dora")),
    "a configuration of nothing": ("mlx", config_text("")),
    "a configuration that is a list": ("mlx", config_text("[]")),
    "a configuration that is no JSON": ("mlx", config_text("import os")),
    "a configuration that is no text": ("mlx", config_text(b"\xff\xfe\x00")),
    "a configuration nested deeply": ("mlx", config_text(nested(10_000))),
    "a configuration of megabytes": ("mlx", config_text('{"a": "' + "x" * (5 << 20) + '"}')),
    "a configuration that says it twice": (
        "mlx",
        config_text('{"fine_tune_type": "lora", "fine_tune_type": "full"}'),
    ),
    # PEFT's configuration and tensors
    "of another method": ("peft", in_config(peft_type="LOHA")),
    "of no method": ("peft", in_config(peft_type=None)),
    "biases": ("peft", in_config(bias="all")),
    "whole modules": ("peft", in_config(modules_to_save=["lm_head"])),
    "transposed layers": ("peft", in_config(fan_in_fan_out=True)),
    "parameters by name": ("peft", in_config(target_parameters=["experts.up"])),
    "layers repeated": ("peft", in_config(layer_replication=[[0, 2]])),
    "biases of LoRA": ("peft", in_config(lora_bias=True)),
    "a method of a later version": ("peft", in_config(use_something_new=True)),
    "code to run": ("peft", in_config(auto_map={"AutoModel": "evil.py"})),
    "an alpha that is text": ("peft", in_config(lora_alpha="8; rm -rf /")),
    "an infinite alpha": ("peft", in_config(lora_alpha=float("inf"))),
    "an alpha of zero": ("peft", in_config(lora_alpha=0)),
    "an alpha that is missing": ("peft", in_config(lora_alpha=None)),
    "a pattern that is a list": ("peft", in_config(alpha_pattern=["q_proj"])),
    "dora without magnitudes": ("peft", in_config(use_dora=True)),
    "a pattern that names no layer": ("peft", in_config(alpha_pattern={"layers.(0|1).*q": 99})),
    "trained on a changed base": ("peft", in_config(init_lora_weights="pissa")),
    "trained on a rounded base": ("peft", in_config(loftq_config={"loftq_bits": 4})),
    "a tensor of another method": ("peft", renamed("lora_A", "hada_w1_a")),
    "a saved module": ("peft", renamed(f"{_PEFT_LAYER}.lora_A", "base_model.model.lm_head")),
    "A without B in PEFT": ("peft", dropped("lora_B.weight")),
    "an A that does not fit in PEFT": ("peft", shaped("q_proj.lora_A.weight", (4, 65))),
    "a layer that is not there in PEFT": ("peft", renamed("layers.1.", "layers.9.")),
    "not a number in PEFT": ("peft", numbers(float("nan"))),
    "names that lead out in PEFT": ("peft", renamed("model.layers.0.", "model.../layers.0.")),
}
