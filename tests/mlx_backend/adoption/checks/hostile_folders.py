"""Model folders that are made to do harm, or are none: each function spoils a good one.

`HOSTILE` holds them by name; none may be accepted. Those of `LOADED` are found out only when the
tokenizer is loaded. What only a trial can find out belongs to the trial's tests.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
GB = 1 << 30
SCRIPT = "import os, pathlib; pathlib.Path(__file__).with_name('ran').touch(); os._exit(1)\n"

Spoil = Callable[[Path], object]


def config(folder: Path, **changes: Any) -> None:
    change(folder / "config.json", **changes)


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))


def write(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)


def deep(folder: Path, name: str, opening: bytes, depth: int = 200_000) -> None:
    write(folder, name, opening * depth)


def sparse(folder: Path, name: str, size: int) -> None:
    os.truncate(folder / name, size)


def without(folder: Path, name: str) -> None:
    (folder / name).unlink()


def linked(folder: Path, name: str, target: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to(target)


def fifo(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)


def a_socket(folder: Path, name: str) -> None:
    (folder / name).unlink()
    before = Path.cwd()
    os.chdir(folder)  # the path of a socket may only have 100 characters
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
    finally:
        os.chdir(before)


def a_folder(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()


def weights(folder: Path, header: object, room: int = 8, length: int | None = None) -> None:
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    begin = struct.pack("<Q", len(data) if length is None else length)
    write(folder, WEIGHTS, begin + data + bytes(room))


def tensor(shape: list[int], begin: int, end: int, dtype: str = "F16") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def one_tensor(folder: Path, shape: list[int], begin: int = 0, end: int = 8) -> None:
    weights(folder, {"a": tensor(shape, begin, end)})


def header_of_gigabytes(folder: Path) -> None:
    weights(folder, {}, length=6 * GB)
    sparse(folder, WEIGHTS, 8 * GB)


def header_of_27_mb(folder: Path) -> None:
    row = b'"%06x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
    rows = b"".join(row % number for number in range(500_100))
    weights(folder, b"{" + rows.rstrip(b",") + b"}", room=0)


def twice_in_a_header(folder: Path) -> None:
    row = json.dumps(tensor([4], 0, 8))
    weights(folder, f'{{"a": {row}, "a": {row}}}'.encode())


def with_room_between(folder: Path) -> None:
    weights(folder, {"a": tensor([2], 0, 4), "b": tensor([2], 8, 12)}, room=12)


def overlapping(folder: Path) -> None:
    weights(folder, {"a": tensor([4], 0, 8), "b": tensor([4], 4, 12)}, room=12)


def mostly_never_written(folder: Path) -> None:
    weights(folder, {"a": tensor([1 << 30], 0, 2 << 30)}, room=0)
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size + (2 << 30))


def cut_short(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size // 2)


def longer_than_said(folder: Path) -> None:
    with (folder / WEIGHTS).open("ab") as file:
        file.write(b"more")


def the_same_tensor_twice(folder: Path) -> None:
    write(folder, "model-more.safetensors", (folder / WEIGHTS).read_bytes())


def a_shard_missing(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "model-00001-of-00002.safetensors")


def shards_of_two_kinds(folder: Path) -> None:
    a_shard_missing(folder)
    weights(folder, {"z": tensor([4], 0, 8)})
    (folder / WEIGHTS).rename(folder / "model-00001-of-00001.safetensors")


def index(folder: Path, tensor: str, file: str) -> None:
    write(folder, INDEX, json.dumps({"weight_map": {tensor: file}}).encode())


def instead_of_weights(folder: Path, name: str, data: bytes = b"\x80\x04.") -> None:
    (folder / WEIGHTS).unlink()
    write(folder, name, data)


def a_lora(folder: Path) -> None:
    instead_of_weights(folder, "adapter_model.safetensors")
    write(folder, "adapter_config.json", b"{}")


def a_data_set(folder: Path) -> None:
    write(folder, "dataset_infos.json", b"{}")


def nothing_in_it(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def more_files_than_any(folder: Path) -> None:
    for number in range(10_001):
        (folder / f"{number}.txt").touch()


def names_with_newlines(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "model\n.safetensors")


def code_of_its_own(folder: Path) -> None:
    write(folder, "modeling_evil.py", SCRIPT.encode())
    config(folder, model_type="evil", auto_map={"AutoModelForCausalLM": "modeling_evil.Evil"})


def tokenizer_ids(folder: Path, number: int) -> None:
    path = folder / "tokenizer.json"
    said = json.loads(path.read_bytes())
    said["model"]["vocab"]["\u0120lamp"] = number
    path.write_text(json.dumps(said))


def added_beyond(folder: Path) -> None:
    path = folder / "tokenizer.json"
    said = json.loads(path.read_bytes())
    said["added_tokens"].append(said["added_tokens"][0] | {"id": 1 << 20, "special": False})
    path.write_text(json.dumps(said))


def three_million_tokens(folder: Path) -> None:
    rows = ",".join(f'"{number:x}":{number}' for number in range(3_000_000))
    write(folder, "tokenizer.json", f'{{"model":{{"type":"BPE","vocab":{{{rows}}}}}}}'.encode())


def template(folder: Path, said: object) -> None:
    change(folder / "tokenizer_config.json", chat_template=said)


def template_file(folder: Path, data: bytes) -> None:
    template(folder, None)
    write(folder, "chat_template.jinja", data)


def the_same_key_twice(folder: Path, name: str) -> None:
    text = (folder / name).read_text()
    write(folder, name, (text.rstrip().removesuffix("}") + ', "x": 1, "x": 2}').encode())


def tokenizer_with_code(folder: Path) -> None:
    code = {"AutoTokenizer": ["evil.Evil", None]}
    write(folder, "evil.py", SCRIPT.encode())
    config(folder, auto_map=code)
    change(folder / "tokenizer_config.json", tokenizer_class="EvilTokenizer", auto_map=code)


def vocabulary_of_lists(folder: Path) -> None:
    write(folder, "tokenizer.json", b'{"model":{"vocab":{"a":[1]}}}')


def merges_of_nothing(folder: Path) -> None:
    path = folder / "tokenizer.json"
    said = json.loads(path.read_bytes())
    said["model"]["merges"] = [["no", "such"], ["tokens"]]
    path.write_text(json.dumps(said))


LOADED: dict[str, Spoil] = {
    "template_of_a_terabyte": partial(template, said="{{ 'a' * (10 ** 12) }}"),
    "tokenizer_with_code": tokenizer_with_code,
    "merges_of_nothing": merges_of_nothing,
}

HOSTILE: dict[str, Spoil] = {
    # Configuration
    "model_file": partial(config, model_file="evil.py"),
    "code_of_its_own": code_of_its_own,
    "unknown_type": partial(config, model_type="brand_new"),
    "type_is_a_path": partial(config, model_type="../../evil"),
    "type_is_no_model": partial(config, model_type="cache"),
    "type_is_a_list": partial(config, model_type=["llama"]),
    "no_type": partial(config, model_type=None),
    "zero_heads": partial(config, num_attention_heads=0),
    "negative_layers": partial(config, num_hidden_layers=-1),
    "a_billion_layers": partial(config, num_hidden_layers=10**9),
    "text_for_a_number": partial(config, hidden_size="64"),
    "a_broken_number": partial(config, hidden_size=64.5),
    "true_for_a_number": partial(config, num_attention_heads=True),
    "a_table_for_a_number": partial(config, num_key_value_heads={"a": 1}),
    "vocabulary_of_2_to_60": partial(config, vocab_size=2**60),
    "zero_heads_inside": partial(config, text_config={"num_attention_heads": 0}),
    "quantised_otherwise": partial(config, quantization_config={"quant_method": "bitsandbytes"}),
    "quantised_by_a_list": partial(config, quantization_config={"quant_method": ["awq"]}),
    "config_with_nan": partial(config, rms_norm_eps=float("nan")),
    "config_twice_the_same": lambda folder: the_same_key_twice(folder, "config.json"),
    "config_not_utf_8": lambda folder: write(folder, "config.json", b'{"model_type": "\xff"}'),
    "config_utf_16": lambda f: write(f, "config.json", '{"model_type": "llama"}'.encode("utf-16")),
    "config_deep_lists": lambda folder: deep(folder, "config.json", b"["),
    "config_deep_objects": lambda folder: deep(folder, "config.json", b'{"a":'),
    "config_of_gigabytes": lambda folder: sparse(folder, "config.json", 5 * GB),
    "config_of_90_mb": lambda f: write(f, "config.json", b'{"a":[' + b"[]," * (30 << 20) + b"1]}"),
    "config_of_quotes": lambda folder: write(folder, "config.json", b'"\\' * (1 << 20)),
    "config_of_digits": lambda f: write(f, "config.json", b'{"a":' + b"9" * (3 << 20) + b"}"),
    "config_a_list": lambda folder: write(folder, "config.json", b"[]"),
    "config_empty": lambda folder: write(folder, "config.json", b""),
    "config_a_folder": lambda folder: a_folder(folder, "config.json"),
    "config_a_pipe": lambda folder: fifo(folder, "config.json"),
    "config_in_a_circle": lambda folder: linked(folder, "config.json", "config.json"),
    "config_leads_out": lambda folder: linked(folder, "config.json", "/etc/passwd"),
    "config_without_end": lambda folder: linked(folder, "config.json", "/dev/zero"),
    "no_config": lambda folder: without(folder, "config.json"),
    # Weights
    "header_of_gigabytes": header_of_gigabytes,
    "header_of_2_to_64": lambda folder: weights(folder, {}, length=2**64 - 1),
    "header_of_27_mb": header_of_27_mb,
    "header_no_json": lambda folder: weights(folder, b"{{{{"),
    "header_too_deep": lambda folder: weights(folder, b'{"a":' * 100_000),
    "header_twice_the_same": twice_in_a_header,
    "shapes_of_2_to_60": lambda folder: one_tensor(folder, [2**60]),
    "shapes_that_overflow": lambda folder: one_tensor(folder, [2**32, 2**32, 0], 0, 0),
    "shapes_of_thousands": lambda folder: one_tensor(folder, [2**31 - 1] * 100_000),
    "shapes_below_zero": lambda folder: one_tensor(folder, [-2, -2]),
    "offsets_below_zero": lambda folder: one_tensor(folder, [4], -8, 0),
    "offsets_backwards": lambda folder: one_tensor(folder, [4], 8, 0),
    "offsets_beyond": lambda folder: one_tensor(folder, [4], 8, 16),
    "overlapping": overlapping,
    "room_between": with_room_between,
    "unknown_numbers": lambda f: weights(f, {"a": tensor([4], 0, 8, "F7")}),
    "cut_short": cut_short,
    "longer_than_said": longer_than_said,
    "weights_empty": lambda folder: write(folder, WEIGHTS, b""),
    "mostly_never_written": mostly_never_written,
    "the_same_tensor_twice": the_same_tensor_twice,
    "a_shard_missing": a_shard_missing,
    "shards_of_two_kinds": shards_of_two_kinds,
    "index_lies": partial(index, tensor="model.norm.weight", file=WEIGHTS.replace("l.", "l-b.")),
    "index_leads_out": partial(index, tensor="a", file="../../../etc/passwd"),
    "index_too_deep": lambda folder: deep(folder, INDEX, b'{"weight_map":'),
    "index_no_names": lambda folder: write(folder, INDEX, b'{"weight_map": {"a": 1}}'),
    "weights_a_pipe": lambda folder: fifo(folder, WEIGHTS),
    "weights_a_socket": lambda folder: a_socket(folder, WEIGHTS),
    "weights_lead_out": lambda folder: linked(folder, WEIGHTS, "../elsewhere.safetensors"),
    "weights_a_device": lambda folder: linked(folder, WEIGHTS, "/dev/zero"),
    "weights_lead_nowhere": lambda folder: linked(folder, WEIGHTS, "gone.safetensors"),
    "pickles": lambda folder: instead_of_weights(folder, "pytorch_model.bin"),
    "gguf": lambda folder: instead_of_weights(folder, "model.gguf", b"GGUF"),
    "names_with_newlines": names_with_newlines,
    "a_lora": a_lora,
    "a_data_set": a_data_set,
    "nothing_in_it": nothing_in_it,
    "more_files_than_any": more_files_than_any,
    # Tokenizer and template
    "no_tokenizer": lambda folder: without(folder, "tokenizer.json"),
    "ids_beyond_the_weights": partial(tokenizer_ids, number=100_000),
    "ids_below_zero": partial(tokenizer_ids, number=-1),
    "ids_of_2_to_70": partial(tokenizer_ids, number=2**70),
    "added_beyond_the_weights": added_beyond,
    "tokenizer_of_a_gigabyte": lambda folder: sparse(folder, "tokenizer.json", GB),
    "tokenizer_of_90_mb": lambda folder: sparse(folder, "tokenizer.json", 90 << 20),
    "tokenizer_too_deep": lambda folder: deep(folder, "tokenizer.json", b'{"model":'),
    "tokenizer_of_millions": three_million_tokens,
    "tokenizer_not_utf_8": lambda f: write(f, "tokenizer.json", b'{"model":{"vocab":{"\xff":1}}}'),
    "tokenizer_of_lists": vocabulary_of_lists,
    "tokenizer_a_pipe": lambda folder: fifo(folder, "tokenizer.json"),
    "settings_twice_the_same": lambda f: the_same_key_twice(f, "tokenizer_config.json"),
    "settings_too_deep": lambda folder: deep(folder, "special_tokens_map.json", b'{"a":'),
    "no_template": partial(template, said=None),
    "template_of_a_megabyte": partial(template, said="{{ 1 }}" * 150_000),
    "templates_empty": partial(template, said=[{"name": "default", "template": " "}]),
    "template_not_utf_8": partial(template_file, data=b"\xff\xfe"),
    "template_of_300_kb": partial(template_file, data=b"{# #}" * 60_000),
    **LOADED,
}
