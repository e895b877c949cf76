"""Finding notes by any part of a run of letters, in scripts that put no spaces between words."""

from __future__ import annotations

import sqlite3
import unicodedata
from pathlib import Path

import pytest

from mlx_backend.library import database
from mlx_backend.library.note_browsing import Browsing, NoteFilter
from mlx_backend.library.notes import NewNote, Notes
from mlx_backend.text.segmenting import TOKENIZER, phrase_query, search_terms, segmented

TEXTS = {
    "japanese": "先週、東京タワーの展望台に登りました。入場料は1200円で、夜景がきれいでした。",
    "kana": "りんごとさくらんぼをスーパーマーケットで買った。",
    "chinese": "我们昨天去了北京大学图书馆，借了三本关于历史的书。",
    "korean": "어제 서울대학교 도서관에서 한국어 책을 빌렸습니다. 가서 울다 지쳤다.",
    "thai": "เมื่อวานนี้ฉันกินข้าวผัดที่ร้านอาหารใกล้สถานีรถไฟ",
    "lao": "ຂ້ອຍໄປຕະຫຼາດຊື້ໝາກໄມ້ທຸກວັນ",
    "khmer": "ខ្ញុំរៀនភាសាខ្មែរនៅសាលារៀន",
    "burmese": "ကျွန်တော်မြန်မာစာသင်နေပါတယ်",
    "mixed": "iPhone用のアプリを2024年に作った。",
    "hindi": "मैं हिन्दी और संस्कृत सीख रहा हूँ।",
    "hebrew": "שָׁלוֹם עֲלֵיכֶם",
    "german": "Der Schlüssel hängt am Türrahmen.",
}


def save(notes: Notes, name: str, text: str, title: str = "") -> None:
    notes.save([NewNote(f"/n/{name}", "/n", title or name, text, str(hash(text)), 1, 1, ())])


@pytest.fixture
def filled(notes: Notes) -> Notes:
    for name, text in TEXTS.items():
        save(notes, name, text)
    return notes


def found(notes: Notes, search: str) -> set[str]:
    listed = {note.title for note in notes.summaries(search)}
    assert {note.title for note in notes.page(search)} == listed
    assert notes.count(search) == len(listed)
    browsing = Browsing(notes.connection)
    ids = browsing.ids(NoteFilter(search=search))
    assert {row.title for row in browsing.rows(ids).values()} == listed
    return listed


@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("展望", "japanese"),
        ("タワー", "japanese"),
        ("塔", ""),
        ("夜景", "japanese"),
        ("京", "japanese chinese"),
        ("1200円", "japanese"),
        ("ーマーケ", "kana"),
        ("くらん", "kana"),
        ("图书馆", "chinese"),
        ("京大", "chinese"),
        ("历史的书", "chinese"),
        ("울대", "korean"),
        ("도서관", "korean"),
        ("국어", "korean"),
        ("빌렸", "korean"),
        ("서울", "korean"),
        ("서관 한국", "korean"),
        ("에서한국", ""),
        ("ข้าวผัด", "thai"),
        ("อาหาร", "thai"),
        ("รถไฟ", "thai"),
        ("ข้", "thai"),
        ("ຕະຫຼາດ", "lao"),
        ("ໝາກໄມ້", "lao"),
        ("ខ្មែរ", "khmer"),
        ("សាលា", "khmer"),
        ("မြန်မာ", "burmese"),
        ("သင်နေ", "burmese"),
        ("アプリ", "mixed"),
        ("hone用", ""),
        ("iphone用", "mixed"),
        ("24年", ""),
        ("2024年に", "mixed"),
        ("हिन्दी", "hindi"),
        ("संस्कृ", "hindi"),
        ("न्दी", ""),
        ("שלום", "hebrew"),
        ("schlüs", "german"),
        ("schlus", "german"),
        ("türrahmen", "german"),
        ("rahmen", ""),
    ],
)
def test_any_part_of_a_run_is_found(filled: Notes, search: str, name: str) -> None:
    assert found(filled, search) == set(name.split())
    assert found(filled, unicodedata.normalize("NFD", search)) == set(name.split())


def test_no_run_is_found_that_reaches_over_a_gap(notes: Notes) -> None:
    save(notes, "korean", "가서 울다")
    save(notes, "chinese", "我去北。京都很远")
    assert found(notes, "서울") == found(notes, "北京") == set()
    assert found(notes, "울다") == {"korean"}
    assert found(notes, "京都") == {"chinese"}


def test_what_is_about_it_most_comes_first(notes: Notes) -> None:
    save(notes, "once", "昨日は京都と大阪へ行き、帰りに東京で友達と会って食事をした。" * 3 + "東京")
    save(notes, "often", "東京の話。東京は広い。東京が好きだ。")
    save(notes, "never", "京の東にある山。")
    assert [note.title for note in notes.summaries("東京")] == ["often", "once"]


def test_a_note_that_changed_or_went_is_found_as_it_is(filled: Notes) -> None:
    save(filled, "japanese", "大阪城の公園を歩いた。")
    assert found(filled, "展望台") == set()
    assert found(filled, "城の公") == {"japanese"}
    filled.connection.execute("DELETE FROM notes WHERE title = 'japanese'")
    assert found(filled, "城の公") == set()
    filled.connection.execute("INSERT INTO notes_index (notes_index) VALUES ('integrity-check')")


def test_decomposed_text_is_found_too(notes: Notes) -> None:
    save(notes, "korean", unicodedata.normalize("NFD", TEXTS["korean"]))
    save(notes, "kana", unicodedata.normalize("NFD", "ガラスのビードロ"))
    assert found(notes, "도서관") == {"korean"}
    assert found(notes, "ビードロ") == {"kana"}


@pytest.mark.parametrize(
    "search", ["", " ", "!?", "\ue000", "“東京", '東"京*', "東京 OR -(", "x" * 5000, "東" * 500]
)
def test_nothing_that_is_typed_breaks_it(filled: Notes, search: str) -> None:
    found(filled, search)


def test_an_older_library_is_found_in_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "older.sqlite"
    scripts = database._scripts()
    with monkeypatch.context() as older:
        older.setattr(database, "_scripts", lambda: scripts[:10])
        connection = database.connect(path)
        for name, text in TEXTS.items():
            connection.execute(
                "INSERT INTO notes (path, source, title, text, sha256, words, tokens, imported_at,"
                " file) VALUES (?1, '/n', ?2, ?3, ?2, 1, 1, 1.0, ?1)",
                (f"/n/{name}", name, text),
            )
        before = connection.execute(
            "SELECT count(*) FROM notes_index WHERE notes_index MATCH ?", ('"展望台"*',)
        )
        assert before.fetchone()[0] == 0
        connection.close()
    with database.opened(path) as connection:
        assert found(Notes(connection), "展望台") == {"japanese"}
        assert found(Notes(connection), "schlüssel") == {"german"}
        save(Notes(connection), "japanese", "大阪城")
        assert found(Notes(connection), "展望台") == set()


def test_the_tokenizer_is_that_of_the_migration(notes: Notes) -> None:
    (sql,) = notes.connection.execute(
        "SELECT sql FROM sqlite_master WHERE name = 'notes_index'"
    ).fetchone()
    assert f'"{TOKENIZER}"' in sql
    assert sqlite3.sqlite_version_info >= (3, 35)


def test_terms_of_a_question() -> None:
    assert list(search_terms("東京タワーは2024年?")) == [
        "東", "京", "東 京", "タ ワ", "ワ ー", "2024", "年",
    ]  # fmt: skip
    assert list(search_terms("Which BOAT, 서울에?")) == ["which", "boat", "서 울", "울 에"]
    assert phrase_query("a-b 東京") == '"a"* "b"* "東 京"*'
    assert segmented("plain text, ünd") == "plain text, ünd"
