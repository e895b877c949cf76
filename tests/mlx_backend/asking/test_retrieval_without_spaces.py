"""Questions in scripts that put no spaces between words, over notes with much in common."""

from __future__ import annotations

import pytest

from mlx_backend.asking.retrieval import Retriever
from mlx_backend.library.notes import NewNote, Notes, Span

NOTES = {
    # Japanese
    "犬": "うちの犬はポチといいます。三歳で、散歩が大好きです。毎朝六時に公園へ連れて行きます。",
    "猫": "隣の猫の名前はタマです。魚が好きで、いつも屋根の上で寝ています。",
    "旅行": "五月に京都へ旅行しました。清水寺を見て、湯豆腐を食べました。宿は駅前の旅館でした。",
    "東京": "東京タワーの高さは333メートルです。展望台からは富士山も見えます。",
    "料理": "カレーライスの作り方。玉ねぎを飴色になるまで炒め、りんごをすりおろして加える。",
    "会議": "次の会議は火曜日の午後三時から。議題は予算と新しい倉庫の場所について。",
    "保険": "自転車の保険は四月に更新する。証書は机の引き出しに入れた。",
    # Chinese
    "图书馆": "北京大学图书馆早上八点开门，借书证的有效期是四年。",
    "菜谱": "番茄炒鸡蛋：先炒鸡蛋，再放番茄，最后加一点糖。",
    "医生": "王医生的诊所在人民路二十号，星期三下午不开门。",
    "房租": "房租每个月三千五百元，房东姓李，每月五号付款。",
    "爬山": "去年秋天我们爬了黄山，从山顶看到了云海，下山用了四个小时。",
    # Korean
    "병원": "김 선생님의 병원은 종로에 있고, 수요일 오후에는 문을 닫습니다.",
    "여행": "작년에 제주도로 여행을 갔다. 한라산에 올라가서 백록담을 보았다.",
    "요리": "김치찌개를 끓일 때는 돼지고기를 먼저 볶고 두부를 나중에 넣는다.",
    "자전거": "자전거 열쇠는 부엌 서랍 안에 있다. 비밀번호는 어머니가 알고 계신다.",
    # Thai
    "ร้านอาหาร": "ร้านอาหารของป้าสมศรีอยู่หลังตลาด เปิดทุกวันยกเว้นวันจันทร์",
    "รถไฟ": "รถไฟไปเชียงใหม่ออกจากกรุงเทพตอนหกโมงเย็น ใช้เวลาสิบสองชั่วโมง",
    "ต้นไม้": "ต้นมะม่วงหลังบ้านปลูกโดยคุณตาเมื่อสามสิบปีก่อน",
    "แมว": "แมวของน้องชื่อส้มโอ ชอบนอนบนหลังคา",
}

QUESTIONS = [
    ("犬の名前は何ですか？", "犬"),
    ("散歩は何時に行きますか", "犬"),
    ("隣の猫は何が好きですか？", "猫"),
    ("京都ではどこに泊まりましたか。旅館は？", "旅行"),
    ("清水寺に行ったのはいつ？", "旅行"),
    ("タワーの高さは？", "東京"),
    ("富士山はどこから見えますか", "東京"),
    ("カレーにりんごを入れますか", "料理"),
    ("玉ねぎはどうする？", "料理"),
    ("会議はいつですか", "会議"),
    ("新しい倉庫の話をするのはいつ", "会議"),
    ("保険の証書はどこですか", "保険"),
    ("自転車の保険はいつ更新しますか？", "保険"),
    ("图书馆几点开门？", "图书馆"),
    ("借书证可以用多久", "图书馆"),
    ("炒鸡蛋的时候要放糖吗", "菜谱"),
    ("王医生的诊所在哪里？", "医生"),
    ("每个月的房租是多少", "房租"),
    ("房东姓什么？", "房租"),
    ("我们什么时候爬了黄山？", "爬山"),
    ("云海是在哪里看到的", "爬山"),
    ("병원은 언제 문을 닫나요?", "병원"),
    ("김 선생님은 어디에 있습니까?", "병원"),
    ("제주도에 언제 갔어요?", "여행"),
    ("백록담은 어디에서 보았나요", "여행"),
    ("찌개에 두부는 언제 넣어요?", "요리"),
    ("열쇠가 어디 있지?", "자전거"),
    ("서랍에는 무엇이 있나요?", "자전거"),
    ("ป้าสมศรีขายอาหารที่ไหน", "ร้านอาหาร"),
    ("ตลาดอยู่ตรงไหนของร้าน", "ร้านอาหาร"),
    ("รถไฟไปเชียงใหม่ใช้เวลากี่ชั่วโมง", "รถไฟ"),
    ("ใครปลูกต้นมะม่วง", "ต้นไม้"),
    ("แมวชื่ออะไร", "แมว"),
]


@pytest.fixture
def retriever(notes: Notes) -> Retriever:
    notes.save(
        NewNote(f"/n/{title}", "/n", "日記", text, title, 1, 1, (Span(0, len(text), ""),))
        for title, text in NOTES.items()
    )
    retriever = Retriever(notes.connection)
    retriever.refresh()
    return retriever


def test_the_passage_that_a_question_is_about_is_found(retriever: Retriever) -> None:
    places = {question: place(retriever, question, title) for question, title in QUESTIONS}
    assert {question for question, at in places.items() if at not in (0, 1, 2)} == set()
    # Two share more words with another note than with their own.
    assert sum(at == 0 for at in places.values()) >= len(QUESTIONS) - 2, places


def place(retriever: Retriever, question: str, title: str) -> int | None:
    """The place of the passage among those that are found, from 0."""
    paths = [found.path for found in retriever.find(question)]
    return paths.index(f"/n/{title}") if f"/n/{title}" in paths else None


def test_a_passage_is_quoted_from_its_own_place(retriever: Retriever) -> None:
    (found, *_) = retriever.find("富士山")
    assert found.text == NOTES["東京"]
    assert (found.start, found.end) == (0, len(NOTES["東京"]))


@pytest.mark.parametrize("question", ["は", "東" * 20_000, "の" * 500, "か？", "ກ" * 3000])
def test_questions_that_say_little_break_nothing(retriever: Retriever, question: str) -> None:
    assert len(retriever.find(question)) <= 3
