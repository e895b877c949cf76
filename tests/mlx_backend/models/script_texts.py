"""Two hundred texts in ten scripts, the same each time, with what tokenizers stumble over."""

from __future__ import annotations

import random
from collections.abc import Sequence

WORDS = {
    "Latin": "Žluťoučký kůň façade naïve Straße lighthouse Ærøskøbing ngoại Łódź e\u0301t\u00e9",
    "Cyrillic": "маяк ключи зажгли Марта в мае ещё подъезд Київ ґанок Ђурђевак",
    "Greek": "φάρος άναψε τον Μάιο κλειδιά Ωμέγα ἀρχῇ ἦν ὁ λόγος",
    "Arabic": "المنارة أضاءت في شهر مايو والمفاتيح عند مارتا كِتَابٌ پنجره گربه",
    "Hebrew": "המגדלור הודלק בחודש מאי והמפתחות אצל מרתה שָׁלוֹם ירושלים",
    "Devanagari": "दीपस्तंभ मई में जलाया गया चाबियाँ मार्था के पास हैं",
    "Thai": "ประภาคาร ถูกจุด ในเดือน พฤษภาคม กุญแจ อยู่กับ มาร์ธา น้ำ",
    "Chinese": "灯塔 在五月 被点亮 钥匙 在玛尔塔那里 龍門 𠮷野家 他说",
    "Japanese": "灯台は 五月に 灯された 鍵は マルタが 持っている ｶﾅ ヴァイオリン",
    "Korean": "등대는 오월에 켜졌다 열쇠는 마르타에게 있다 한글 \u1112\u1161\u11ab",
}
"""Some words of each script; a few are of letters that take several code points."""

EMOJI = ("👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "🧑🏿‍🚀", "1️⃣", "🤷‍♀️")
_FORMS = (
    "{0} {1} {2}.",
    "{0}, {1}; {2}? {3}!",
    "{0}-{1} ({2}) “{3}”",
    "{0}\n{1}\n\n{2}",
    "- {0}\n- {1}\n\t- {2}\n",
    "{0} 1952 {1} 3,5 {2} 18:40",
    " {0}  {1}   {2} ",
    "\n\n{0} {1}",
    "{0} {emoji} {1}{emoji}",
    "{emoji}{emoji}{0}",
    "{0}{1}{2}{3}",
    "{0}... {1}…{2}?!\n",
    "{0} {control} {1}",
    "{control}{0}{control}",
    "{0}\n{control}\n{1}",
    "**{0}** `{1}` [{2}](https://x.org/{3})",
    "{0}\t{1}\r\n{2}",
    "{0} = {{'{1}': [{2}]}}  # {3}",
    "{0}",
    "{0}\u00a0{1}\u200b{2}\u202e",
)


def script_texts(controls: Sequence[str]) -> list[str]:
    """Twenty texts in each script; a few have the tokens `controls` written in them."""
    drawing = random.Random(7)
    texts = []
    for written in WORDS.values():
        words = written.split(" ")
        texts += [
            form.format(
                *drawing.sample(words, 4),
                emoji=drawing.choice(EMOJI),
                control=drawing.choice(controls),
            )
            for form in _FORMS
        ]
    return texts
