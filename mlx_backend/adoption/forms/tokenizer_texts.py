"""Texts in which tokenizers differ, to compare two of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

_TEXTS = (
    "The lamp was lit at 18:40, and Oskar left.",
    "Žluťoučký kůň úpěl ďábelské ódy; café, naïve, straße, Ærø.",
    "Маяк зажгли в мае, а ключи лежат у Марты.",
    "Ο φάρος άναψε τον Μάιο του 1952.",
    "أضيء المصباح في الساعة السابعة مساءً.",
    "המגדלור הודלק בחודש מאי, והמפתחות אצל מרתה.",
    "दीपक मई के महीने में जलाया गया था।",
    "ประภาคารถูกจุดในเดือนพฤษภาคม",
    "灯塔在五月被点亮，钥匙在玛尔塔那里。",
    "灯台は五月に灯され、鍵はマルタが持っています。",
    "등대는 오월에 켜졌고 열쇠는 마르타에게 있다.",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 e\u0301 ﬁ Ⅷ ½ ∑∞ \u200d\u200b\u00a0\u3000",
    "def f(x):\n\tif x > 0:\n\t\treturn {'a': [x, 1.5e-3]}\n\n\n\treturn None\r\n",
    "<s> </s> <unk> <pad> [INST] [/INST] <|im_start|> <|im_end|> <0x41> <0x0A> \u2581 ⟨⟩",
    "0123456789 1,234,567.89 +49 30 901820 0xDEADBEEF",
    "https://example.org/a_b?c=d&e=%20 C:\\Users\\x ~/.ssh",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaa ========== ---------- \x00\x01\x7f\ufffd",
)
_AROUND = (
    "{}",
    " {}",
    "  {}  ",
    "{}\n",
    "\n\n{}",
    "\t{} ",
    "{0}  {0}",
    "x{}",
)
_DRAWN = 150
_SEED = 15


def probe_texts(pieces: Sequence[str]) -> list[str]:
    """Some three hundred texts: in ten scripts, with spaces around them, and drawn from `pieces`.

    `pieces` are the tokens of a vocabulary as text. The same for the same vocabulary.
    """
    texts = [form.format(text) for text in _TEXTS for form in _AROUND]
    drawing = random.Random(_SEED)
    known = [piece for piece in pieces if piece]
    drawn = ["".join(drawing.choices(known, k=12)) for _ in range(_DRAWN if known else 0)]
    return ["", " ", "  ", "\n", *texts, *drawn]
