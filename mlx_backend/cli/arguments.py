"""The commands and their options, in one place; each names the function that runs it."""

from __future__ import annotations

import argparse
from typing import get_args

from mlx_backend import __version__
from mlx_backend.cli.argument_types import (
    moment,
    path,
    port,
    positive_float,
    positive_int,
    seed,
    share,
    temperature,
    weighted_adapter,
)
from mlx_backend.cli.command_parser import CommandParser, Commands
from mlx_backend.protocol.specs import ExportForm


def build_parser() -> argparse.ArgumentParser:
    """The parser for all commands."""
    parser = CommandParser(
        prog="overnight",
        description="Train a small model on your notes overnight, and chat with it in the morning."
        " Without a command, the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"overnight {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print one JSON object at the end")
    commands = Commands(parser, shared)
    _library_commands(commands)
    _training_commands(commands)
    _chat_commands(commands)
    _adapter_commands(commands)
    return parser


def _library_commands(commands: Commands) -> None:
    commands.add("doctor", "doctor", "doctor", "check machine, memory, packages, speed and library")
    demo = commands.add(
        "demo",
        "demo",
        "demo",
        "import, train and chat with the sample notes, in a fresh library",
    )
    demo.add_argument("--keep", type=path, metavar="FOLDER", help="keep the library here")
    imports = commands.add("import", "notes", "import_notes", "read files and folders as notes")
    imports.add_argument("paths", nargs="+", type=path, metavar="PATH")
    notes = commands.add("notes", "notes", "list_notes", "list the notes, or choose among them")
    for option, text in (
        ("--leave-out", "leave these notes out of training"),
        ("--take-in", "use these notes in training, whatever curation found about them"),
        ("--delete", "move these notes to the bin"),
    ):
        notes.add_argument(
            option,
            action="extend",
            nargs="+",
            type=positive_int,
            default=[],
            metavar="ID",
            help=text,
        )
    models = commands.add("models", "models", "list_models", "list the base models")
    which = models.add_mutually_exclusive_group()
    which.add_argument("--remove", metavar="NAME", help="move this base model to the bin")
    which.add_argument(
        "--catalogue", action="store_true", help="list good ones to download, and what fits here"
    )
    which.add_argument(
        "--found", action="store_true", help="list those that other programs keep on this machine"
    )
    _download_command(commands)
    _adopt_command(commands)
    token = commands.add(
        "token",
        "tokens",
        "token",
        "keep an access token for the Hugging Face Hub in this computer's keyring",
    )
    token.add_argument("--forget", action="store_true", help="remove it from the keyring")
    bin_ = commands.add("bin", "bin", "show_bin", "list or restore what was deleted")
    what = bin_.add_mutually_exclusive_group()
    what.add_argument("--restore", metavar="ID", help="restore this item")
    what.add_argument("--empty", action="store_true", help="delete everything in it for good")


def _download_command(commands: Commands) -> None:
    download = commands.add(
        "download", "downloads", "download", "fetch a base model from the Hugging Face Hub"
    )
    download.add_argument("repository", metavar="OWNER/NAME[@REVISION]")
    download.add_argument("--name", help="what to call it here (default: as the repository)")
    _add_bits(download)
    how = download.add_mutually_exclusive_group()
    how.add_argument("--detach", action="store_true", help="return at once; the download goes on")
    how.add_argument(
        "--cancel", action="store_true", help="stop it and remove what has been fetched"
    )


def _adopt_command(commands: Commands) -> None:
    adopt = commands.add(
        "adopt", "adoptions", "adopt", "take a base model that is on this machine into the library"
    )
    adopt.add_argument(
        "path",
        type=path,
        metavar="PATH",
        help="a model's folder, or its entry in the cache of Hugging Face",
    )
    adopt.add_argument("--name", help="what to call it here (default: as its folder)")
    _add_bits(adopt)
    how = adopt.add_mutually_exclusive_group()
    how.add_argument("--detach", action="store_true", help="return at once; the adoption goes on")
    how.add_argument("--cancel", action="store_true", help="stop it and remove what has come")


def _add_bits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--bits",
        type=int,
        choices=[4, 6, 8],
        default=0,
        help="quantise its weights to so many bits (default: as they are)",
    )


def _training_commands(commands: Commands) -> None:
    plan = commands.add(
        "plan", "planning", "plan", "measure what a run would do, without starting it"
    )
    _add_run_options(plan)
    train = commands.add("train", "runs", "train", "train an adapter on the notes")
    train.add_argument("--name", required=True, help="the new adapter's name")
    _add_run_options(train)
    train.add_argument(
        "--canaries",
        action=argparse.BooleanOptionalAction,
        help="train a few invented codes along, so that the privacy page can measure how much is"
        " memorised (default: as in the settings)",
    )
    train.add_argument(
        "--start-at", type=moment, metavar="TIME", help="wait until 23:00, or 2030-12-31T23:00"
    )
    train.add_argument(
        "--finish-by",
        type=moment,
        metavar="TIME",
        help="be done by 07:00, or by 2030-12-31T07:00",
    )
    train.add_argument(
        "--hosts", type=path, metavar="FILE", help="train on the machines listed in this file"
    )
    train.add_argument("--detach", action="store_true", help="return at once; the run continues")
    commands.add("runs", "runs", "list_runs", "list the runs")
    _resume_command(commands)
    pause = commands.add("pause", "run_control", "pause", "save a checkpoint and pause a run")
    pause.add_argument("run_id", metavar="RUN")
    stop = commands.add(
        "stop", "run_control", "stop", "stop a run after its step, with a checkpoint"
    )
    stop.add_argument("run_id", metavar="RUN")


def _resume_command(commands: Commands) -> None:
    resume = commands.add(
        "resume",
        "run_control",
        "resume",
        "continue a run, download or adoption that was paused, stopped or interrupted",
    )
    which = resume.add_mutually_exclusive_group(required=True)
    which.add_argument("run_id", nargs="?", metavar="RUN")
    which.add_argument("--waiting", action="store_true", help="continue all interrupted runs")
    which.add_argument(
        "--after-restart",
        choices=["on", "off"],
        help="continue interrupted runs automatically at log-in (on or off)",
    )
    resume.add_argument(
        "--hosts", type=path, metavar="FILE", help="continue on the machines listed in this file"
    )
    resume.add_argument("--detach", action="store_true", help="return at once; the run continues")


def _add_run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from", dest="start_from", metavar="ADAPTER", help="continue training this adapter"
    )
    command.add_argument("--model", metavar="M", help="base model (default: as in the settings)")
    command.add_argument("--steps", type=positive_int, metavar="N", help="train for N steps")
    command.add_argument("--hours", type=positive_float, metavar="H", help="take at most H hours")
    command.add_argument(
        "--no-study", action="store_true", help="train on the raw text of the notes, without study"
    )
    command.add_argument(
        "--embeddings", action="store_true", help="let the adapter change token embeddings too"
    )


def _chat_commands(commands: Commands) -> None:
    chat = commands.add("chat", "chat", "chat", "answer one prompt, or chat")
    _add_adapters(chat)
    chat.add_argument(
        "--prompt",
        metavar="TEXT",
        help="answer this prompt and exit. If standard input is a file or a pipe that delivers"
        " within 5 seconds, its text is appended to the prompt. Without --prompt, standard input is"
        " the question, unless it is a terminal",
    )
    chat.add_argument("--seed", type=seed, metavar="N", help="the same seed gives the same answer")
    chat.add_argument("--max-tokens", type=positive_int, metavar="N", help="longest answer")
    chat.add_argument("--temperature", type=temperature, metavar="T", help="0 is greedy decoding")
    chat.add_argument("--top-p", type=share, metavar="P", help="probability mass to sample from")
    chat.add_argument(
        "--think",
        action="store_true",
        help="let a model that can do so think before it answers",
    )
    _serve_command(commands)
    exam = commands.add("exam", "chat", "exam", "ask the questions of a file and mark the answers")
    exam.add_argument("file", type=path, metavar="FILE.tsv")
    exam.add_argument("--adapter", metavar="NAME", help="examine this adapter, not the base model")
    for command in (chat, exam):
        command.add_argument(
            "--model",
            metavar="M",
            help="base model (default: that of the adapter, else as in the settings)",
        )
        command.add_argument(
            "--grounded",
            action="store_true",
            help="find the answer in the notes, and cite the note",
        )


def _add_adapters(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--adapter",
        dest="adapters",
        action="append",
        default=[],
        type=weighted_adapter,
        metavar="NAME[:WEIGHT]",
        help="answer with this adapter; may be given several times",
    )


def _serve_command(commands: Commands) -> None:
    serve = commands.add(
        "serve", "serving", "serve", "answer other programs of this machine, as OpenAI's API does"
    )
    _add_adapters(serve)
    serve.add_argument("--model", metavar="M", help="base model (default: as for chat)")
    serve.add_argument(
        "--port",
        type=port,
        metavar="P",
        help="0: any that is free (default: as in the settings, 8717)",
    )
    serve.add_argument(
        "--new-token", action="store_true", help="make a new token in place of the one that is kept"
    )
    serve.add_argument(
        "--until-input-ends",
        action="store_true",
        help="end with the program that has started this one, when it closes standard input",
    )


def _adapter_commands(commands: Commands) -> None:
    commands.add("adapters", "adapters", "list_adapters", "list the adapters")
    remove = commands.add("remove", "adapters", "remove", "move an adapter to the bin")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("--now", action="store_true", help="delete it for good")
    rename = commands.add("rename", "adapters", "rename", "rename an adapter")
    rename.add_argument("old", metavar="OLD")
    rename.add_argument("new", metavar="NEW")
    privacy = commands.add(
        "privacy", "privacy", "privacy", "show what of yours would leave with an adapter"
    )
    privacy.add_argument("name", metavar="NAME")
    _export_command(commands)
    _arriving_commands(commands)
    _publish_command(commands)


def _export_command(commands: Commands) -> None:
    export = commands.add("export", "sharing", "export", "export an adapter for other programs")
    export.add_argument("name", metavar="NAME")
    export.add_argument(
        "--format",
        choices=get_args(ExportForm),
        default="mlx",
        help="mlx: a folder for mlx-lm; peft: for transformers; gguf: for llama.cpp and Ollama;"
        " fused: a whole model; bundle: one .overnight file",
    )
    export.add_argument(
        "--to", type=path, required=True, metavar="PATH", help="a new folder, or a new file"
    )
    export.add_argument(
        "--bits",
        type=int,
        choices=(4, 6, 8),
        help="round the weights of a whole model to so many bits, and measure what that costs",
    )
    export.add_argument(
        "--despite-privacy",
        action="store_true",
        help="export it although the privacy page found something",
    )


def _arriving_commands(commands: Commands) -> None:
    receive = commands.add("receive", "sharing", "receive", "take in an adapter from others")
    receive.add_argument(
        "source",
        metavar="PATH",
        help="a bundle, a zip or a folder of mlx-lm or PEFT, or a repository as"
        " OWNER/NAME[@REVISION]",
    )
    receive.add_argument("--name", required=True, metavar="NAME", help="what it is called here")
    receive.add_argument("--model", metavar="M", help="the base model that it is for")
    merge = commands.add("merge", "sharing", "merge", "make one adapter of several")
    merge.add_argument("out", metavar="OUT", help="the name of the new adapter")
    merge.add_argument("parts", nargs="+", type=weighted_adapter, metavar="NAME:WEIGHT")
    merge.add_argument(
        "--rank",
        type=positive_int,
        metavar="R",
        help="the closest of this rank, and how close that is (default: exactly, of a higher rank)",
    )
    key = commands.add("key", "sharing", "key", "show the key that bundles are signed with")
    key.add_argument("--make", metavar="NAME", help="make one, for the name that others will see")


def _publish_command(commands: Commands) -> None:
    publish = commands.add(
        "publish",
        "publishing",
        "publish",
        "put an adapter on the Hugging Face Hub, private by default, or its new version",
    )
    publish.add_argument("name", metavar="NAME")
    publish.add_argument("repository", metavar="[OWNER/]REPO")
    publish.add_argument("--public", action="store_true", help="let everybody see and download it")
    publish.add_argument(
        "--description",
        default="",
        metavar="TEXT",
        help="what it was trained on, in your words; the page says nothing else of the notes",
    )
    publish.add_argument(
        "--licence", default="", metavar="ID", help="default: what follows from the base model's"
    )
    publish.add_argument(
        "--despite-privacy",
        action="store_true",
        help="publish it although the privacy page found something",
    )
    publish.add_argument("--message", default="", metavar="TEXT", help="what the commit is called")
