from __future__ import annotations

import base64
import random

import pytest

from mlx_backend.curation.quality import assess
from tests.mlx_backend.curation.written import KEEPER

_DRAW = random.Random(7)

JUNK = {
    "nothing": ("", "no words"),
    "emoji": ("🎉" * 200, "no words"),
    "a rule": ("-----\n\n*****\n", "no words"),
    "a word": ("todo", "too short"),
    "an address": ("https://example.org/a/page?with=things", "links"),
    "addresses": ("\n".join(f"https://example.org/{n}/some/page" for n in range(30)), "links"),
    "numbers": (
        "\n".join(f"{n} {n * 7} {n * 3.5:.2f} {n * n} | {n % 9} |" for n in range(40)),
        "numbers",
    ),
    "log": (
        "\n".join(
            f"2026-03-01 10:22:{n:02},513 INFO worker-{n}: took the job from the queue"
            for n in range(30)
        ),
        "lines of a log",
    ),
    "system log": (
        "\n".join(
            f"Mar  1 10:22:{n:02} tower sshd[{n}]: connection closed by port {n}" for n in range(30)
        ),
        "lines of a log",
    ),
    "access log": (
        "\n".join(
            f'10.0.0.{n} - - [01/Mar/2026:10:22:{n:02} +0000] "GET /page/{n} HTTP/1.1" 200 5124'
            for n in range(30)
        ),
        "lines of a log",
    ),
    "Python's trace": (
        "Traceback (most recent call last):\n"
        + "".join(f'  File "/srv/app/part{n}.py", line {n}, in run\n' for n in range(20))
        + "ValueError: no such lamp\n",
        "stack traces",
    ),
    "Java's trace": (
        "java.lang.IllegalStateException: lamp is out\n"
        + "".join(f"\tat org.cove.Lamp{n}.light(Lamp{n}.java:{n})\n" for n in range(20)),
        "stack traces",
    ),
    "minified code": (
        "!function(e,t){" + "".join(f"var a{n}=t[{n}],b{n}=e(a{n});" for n in range(60)) + "}()",
        "minified code",
    ),
    "base64": (
        base64.encodebytes(_DRAW.randbytes(3000)).decode(),
        "encoded data",
    ),
    "base64 in one line": (base64.b64encode(_DRAW.randbytes(3000)).decode(), "encoded data"),
    "hex dump": (
        "\n".join(f"{n * 16:08x}: {_DRAW.randbytes(16).hex(' ')}" for n in range(40)),
        "encoded data",
    ),
    "repeated lines": ("Is the lamp burning now?\n" * 30, "repeated lines"),
    "contents with dots": (
        "\n".join(f"Chapter {n}, about the lamp ........ {n * 12}" for n in range(1, 15)),
        "table of contents",
    ),
    "contents of links": (
        "\n".join(f"- [How to trim lamp {n}](lamps/{n}.md)" for n in range(20)),
        "table of contents",
    ),
    "contents of a vault": (
        "# Index\n\n" + "\n".join(f"- [[Lamp {n}]]" for n in range(20)),
        "table of contents",
    ),
}

GOOD = {
    "prose": KEEPER,
    "a fact": "12 May",
    "a short fact": "Wifi: amber-cove / 4711-0815-42",
    "a list": "- milk\n- eggs\n- lamp oil",
    "a poem": "The lamp is lit\nthe lamp is lit\nthe ships come home",
    "a telephone list": "\n".join(f"Ida Falk {n}: 0171 555 {n:04}" for n in range(40)),
    "one bookmark": "[How lenses are ground](https://example.org/lenses), read it in winter",
    "bookmarks with words": "\n".join(
        f"- [How lens {n} was ground](https://example.org/{n}): slow, but the pictures help a lot"
        for n in range(20)
    ),
    "a diary": "\n".join(f"2026-03-{n:02} Rain again; read by the stove." for n in range(1, 29)),
    "a chat": "\n".join(
        f"[2026-03-01, 10:22:{n:02}] Ida: is the rope of ship {n} done?" for n in range(30)
    ),
    "SQL": "```sql\nSELECT name, sum(price) FROM ropes\nWHERE metres > 3\nGROUP BY name;\n```",
    "shell": "Restart it:\n\n```\n$ systemctl restart lamp\n$ journalctl -u lamp -n 50\n```",
    "Python": "def light(lamp):\n    if lamp.oil > 0:\n        lamp.on = True\n    return lamp\n",
    "CSS": ".lamp {\n  color: #ffcc00;\n  margin: 0 auto;\n  border: 1px solid #333;\n}\n",
    "a trace with words": (
        "The lamp's daemon dies each night, always at the same hour, and I now know why: the oil"
        " gauge answers late. Wait for it twice as long.\n\n"
        'Traceback (most recent call last):\n  File "lamp.py", line 3, in light\nKeyError: oil\n'
    ),
    "Japanese": "灯台守は毎晩七時に明かりをともす。",
    "German": "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz heißt das Ding.",
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_left_out_with_the_reason(name: str) -> None:
    text, why = JUNK[name]
    judged = assess("Untitled", text)
    assert judged.leaves_out, judged
    assert why in " ".join(judged.reasons)


@pytest.mark.parametrize("name", GOOD)
def test_what_people_write_stays(name: str) -> None:
    judged = assess("Anna's birthday" if name == "a fact" else "Note", GOOD[name])
    assert not judged.leaves_out, judged


@pytest.mark.parametrize("name", JUNK)
def test_junk_below_a_page_of_prose_only_lowers_the_score(name: str) -> None:
    text, _ = JUNK[name]
    judged = assess("Untitled", f"{KEEPER}\n\n{KEEPER[::-1]}\n\n{text[:200]}")
    assert not judged.leaves_out, judged


def test_scores_lie_between_0_and_1_and_each_loss_has_a_reason() -> None:
    for text in (*(text for text, _ in JUNK.values()), *GOOD.values()):
        judged = assess("", text)
        assert 0 <= judged.score <= 1
        assert (judged.score < 1) == bool(judged.reasons)
        assert all(reason.endswith(".") for reason in judged.reasons)
