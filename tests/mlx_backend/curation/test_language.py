from __future__ import annotations

import pytest

from mlx_backend.curation.language import LanguageDetector, describe, load
from mlx_backend.library.languages import UNKNOWN

SENTENCES = {
    "en": [
        "Call the plumber on Monday about the leak under the sink.",
        "The boat leaves at seven.",
    ],
    "de": ["Den Klempner wegen des Lecks unter der Spüle anrufen.", "Das Boot fährt um sieben ab."],
    "fr": [
        "Appeler le plombier lundi pour la fuite.",
        "Le bateau part à sept heures du vieux port.",
    ],
    "es": ["Llamar al fontanero el lunes.", "El barco sale a las siete del puerto viejo."],
    "it": ["La barca parte alle sette dal vecchio porto.", "Comprare latte, uova e pane."],
    "nl": ["Maandag de loodgieter bellen over het lek.", "Melk, eieren en brood kopen."],
    "pl": ["Łódź odpływa o siódmej ze starego portu.", "Kupić mleko, jajka i chleb."],
    "ru": ["Лодка отходит в семь из старой гавани.", "Купить молоко, яйца и хлеб по дороге домой."],
    "ja": ["船は七時に古い港を出る。", "帰りに牛乳と卵とパンを買う。"],
    "zh": ["星期一给水管工打电话说水槽漏水的事。", "回家路上买牛奶、鸡蛋和面包。"],
    "ko": ["배는 일곱 시에 옛 항구에서 떠난다.", "집에 오는 길에 우유, 달걀, 빵 사기."],
    "ar": [
        "يغادر القارب في السابعة من الميناء القديم.",
        "اشتر الحليب والبيض والخبز في طريق العودة.",
    ],
}


@pytest.fixture(scope="module")
def languages() -> LanguageDetector:
    return load()


def test_short_notes(languages: LanguageDetector) -> None:
    told = [
        languages.of(sentence).code == code
        for code, sentences in SENTENCES.items()
        for sentence in sentences
    ]
    assert sum(told) >= 0.9 * len(told)


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "🎉🎉🎉", "4711 0815 42", "\0\0", "OK", "ABC-123 / DEF-456", "x = y + 2"),
        *("https://example.org/und/der/die/das", "asdf qwer zxcv", "```\nif x: return y\n```"),
    ],
)
def test_unknown_when_unsure(languages: LanguageDetector, text: str) -> None:
    assert languages.of(text).code == UNKNOWN


def test_code_and_addresses_do_not_speak_for_the_prose_around_them(
    languages: LanguageDetector,
) -> None:
    text = (
        "Die Lampe wird jeden Abend um sieben angezündet:\n\n```python\nwhile True:\n"
        "    the_lamp.light_it_up_for_this_night()\n```\n\nhttps://example.org/the/lamp/of/the/cove"
    )
    assert languages.of(text).code == "de"


def test_sentences() -> None:
    assert describe("de") == "It is written in German."
    assert describe(UNKNOWN) == "Its language could not be recognised."
    assert describe("qu") == "It is written in 'qu'."
