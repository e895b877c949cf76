"""The documents that each format gives."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from pathlib import PurePath

import pytest

from mlx_backend.importers.document import (
    Document,
    EnteredPart,
    SkippedFile,
    SkippedPart,
    SourceFile,
)
from mlx_backend.importers.readers import html_text
from mlx_backend.importers.readers.office_math import formula_text
from mlx_backend.importers.readers.registry import read
from mlx_backend.importers.readers.xml_tree import parse_xml
from tests.mlx_backend.importers import samples
from tests.mlx_backend.importers.samples import EVERY_FORMAT

MAY_4 = dt.datetime(2021, 5, 4, 10, tzinfo=dt.UTC).timestamp()


def documents(name: str, data: bytes | None = None, container: str = "") -> list[Document]:
    content = EVERY_FORMAT[name] if data is None else data
    items = read(SourceFile(PurePath(name).name, content, container))
    return [item for item in items if isinstance(item, Document)]


def document(name: str, data: bytes | None = None, container: str = "") -> Document:
    (found,) = documents(name, data, container)
    return found


def own(found: Document) -> list[str]:
    assert all(voice.own is not None for voice in found.voices)
    return [found.text[voice.words : voice.end] for voice in found.voices if voice.own]


def speakers(found: Document) -> list[str]:
    return list(dict.fromkeys(voice.name for voice in found.voices))


@pytest.mark.parametrize("name", EVERY_FORMAT)
def test_every_format_gives_text_and_a_title(name: str) -> None:
    found = documents(name)
    assert found
    assert all(each.text.strip() and each.title.strip() for each in found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("atom.xml", "# Log\n\n## Day one\n\n2021-05-04T10:00:00Z\n\nCalm sea.\n"),
        ("book.epub", "# First\n\nCorrow is green.\n\n# Second\n\nHush is quiet.\n"),
        (
            "deck.pptx",
            "## Slide 2: Piers\n\nPier: North; Boats: four\n\nNotes: Mention the storm\n\n"
            "## Slide 10\n\nThe tenth\n",
        ),
        ("document.docx", "# Ferry\n\nIt leaves at nine.\n"),
        (
            "document.odt",
            "## Garden\n\nPlum  tree\n\n- one\n\nBed: north; Crop: leek\n",
        ),
        ("document.pdf", "The lamp burns oil.\nEvery night.\n"),
        ("document.rtf", "The café opens.\nAt seven.\n"),
        ("evernote.enex", "Leek and **potato**\n\n[x] stir\n\nTags: kitchen\n"),
        ("list.html", "- rope\n- tar\n"),
        ("news.xml", "# Cove\n\n## Storm\n\nTue, 04 May 2021 10:00:00 GMT\n\nThe pier **held**.\n"),
        (
            "notebook.ipynb",
            "# Tides\nHigh at noon.\n\n```python\nprint(6 * 7)\n```\n\n```\n42\n```\n",
        ),
        ("outline.opml", "- Boat\n  - Paint it\n"),
        ("people.csv", "Name: Ida; Town: Amber Cove\nName: Emil; Town: Bergen\n"),
        ("people.tsv", "Name: Ida; Town: Amber Cove\n"),
        ("plan.org", "# Tools\nA plane.\n## Glue\n```python\n* not a headline\n```\n"),
        ("plan.rst", "# Kite\n\n## Tail\n\nFour metres::\n\n    keep  this\n"),
        ("settings.json", "boat:\n  name: Comma\n  crew: Ida, Emil\n"),
        ("deck.odp", "The beds in spring\n"),
        ("table.ods", "## Beds\n\nBed: north; Crop: leek\n"),
        ("table.xlsx", "## Boats\n\nBoat: Comma; Year: 1974\nBoat: Amber; Year: 1982\n"),
        ("telegram.html", "## 4 May 2021\n\nMarta: Rope?\nMarta: Three metres.\n"),
        ("text.jsonl", "The tide turns.\n\nIt always does.\n"),
    ],
)
def test_texts(name: str, text: str) -> None:
    assert document(name).text == text


@pytest.mark.parametrize(
    ("name", "title", "author", "created"),
    [
        ("document.docx", "The ferry", "Ida Falk", MAY_4),
        ("deck.pptx", "The ferry", "Ida Falk", MAY_4),
        ("document.pdf", "Lamp", "Marta", None),
        ("book.epub", "Islands", "O. Lind", None),
        ("plan.org", "Workshop", "Emil", None),
        ("evernote.enex", "Soup", "", MAY_4),
        ("page.html", "The lens", "Ida Falk", None),
        ("letter.eml", "Oil", samples.MARTA, MAY_4),
        ("note.md", "Lamp", "", MAY_4 - 10 * 3600),
    ],
)
def test_what_documents_say_of_themselves(
    name: str, title: str, author: str, created: float | None
) -> None:
    found = document(name)
    assert title in found.title
    assert (found.author, found.created) == (author, created)


def test_a_vaults_marks_and_code_stay_as_they_are() -> None:
    found = document("note.md")
    assert found.text == samples.MARKDOWN.partition("---\n\n")[2]
    assert "title" in found.left_out


def test_a_web_page_is_its_article() -> None:
    found = document("page.html")
    assert "nine wool blankets" in found.text
    assert "[burns no oil](https://cove.example/oil)" in found.text
    assert not any(word in found.text for word in ("All the news", "Cookies", "track"))
    assert found.left_out


def test_own_words_in_mails_are_those_written_and_not_quoted() -> None:
    (words,) = own(document("letter.eml"))
    assert words.strip() == "We need oil."
    received = samples.mail(samples.OSKAR, samples.MARTA, "Oil", "Not mine.", received=True)
    assert own(document("in.eml", received)) == []


def test_a_mailbox_belongs_to_who_is_in_most_of_its_mails() -> None:
    found = documents("mails.mbox")
    assert [each.title for each in found] == ["Oil", "Re: Oil", "Rope"]
    assert found[0].part == "2021-05-04 Oil"
    assert [len(own(each)) for each in found] == [1, 0, 1]
    assert "\nFrom Bergen." in found[1].text


def test_own_words_in_conversations_are_the_persons() -> None:
    found = document("chatgpt/conversations.json")
    assert (found.title, found.created) == ("Boat paint", 1_620_122_400.0)
    assert own(found) == ["Which paint lasts?"]
    assert "Epoxy does." in found.text
    assert "abandoned" not in found.text
    found = document("claude/conversations.json")
    assert (found.title, own(found)) == ("Knots", ["Which knot?"])
    assert "A bowline." in found.text


def test_own_words_in_chats_are_those_of_who_is_not_the_other() -> None:
    found = document("WhatsApp Chat with Ida Falk.txt")
    assert own(found) == ["Yes, at seven.\nWith the boat."]
    assert "encrypted" not in found.text
    assert "omitted" not in found.text
    in_zip = document("_chat.txt", samples.WHATSAPP.encode(), "WhatsApp Chat - Ida Falk.zip")
    assert own(in_zip) == own(found)
    nameless = document("_chat.txt", samples.WHATSAPP.encode())
    assert {voice.own for voice in nameless.voices} == {None}
    assert len(speakers(nameless)) == 2
    assert own(document("telegram.json")) == ["Rope?"]
    assert "Ida: At seven" in document("telegram.json").text


def test_own_words_in_samples_are_the_prompts() -> None:
    assert own(document("chat.jsonl")) == ["Who?", "When?"]
    assert own(document("completion.jsonl")) == ["Rope?"]
    assert document("text.jsonl").voices == ()


def test_whatsapp_of_an_iphone() -> None:
    text = "[04.05.21, 10:01:02] Ida: One\n\u200e[04.05.21, 10:02:03] Emil: Two\n"
    assert document("x.txt", text.encode()).text == "## 04.05.21\n\nIda: One\nEmil: Two\n"


def test_what_whatsapp_says_itself_is_nobodys_words() -> None:
    iphone = (
        "[04.05.21, 10:00:00] The crew: \u200eNachrichten sind Ende-zu-Ende-verschlüsselt.\n"
        "[04.05.21, 10:01:00] Ida: One\n"
        "\u200e[04.05.21, 10:02:00] Emil: \u200eBild weggelassen\n"
        "[04.05.21, 10:03:00] Emil: Two \u200e<Diese Nachricht wurde bearbeitet.>\n"
    )
    found = document("_chat.txt", iphone.encode())
    assert found.text == "## 04.05.21\n\nIda: One\nEmil: Two\n"
    assert found.title == "Chat of Ida and Emil"
    android = (
        "5/4/21, 10:00 - Ida: This message was deleted\n"
        "5/4/21, 10:01 - Ida: Was this message deleted <or not>\n"
        "5/4/21, 10:02 - Emil: Yes <This message was edited>\n"
    )
    found = document("x.txt", android.encode())
    assert found.text == "## 5/4/21\n\nIda: Was this message deleted <or not>\nEmil: Yes\n"
    silent = "\n".join(f"5/4/21, 10:0{minute} - Ida: <Media omitted>" for minute in range(3))
    with pytest.raises(SkippedFile, match="no text"):
        document("x.txt", silent.encode())


def test_a_caption_belongs_to_who_sent_the_picture() -> None:
    android = (
        "5/4/21, 10:00 - Ida: Are you there?\n"
        "5/4/21, 10:01 - Emil: IMG-1.jpg (file attached)\nThe new sail\nin the sun\n"
        "5/4/21, 10:02 - Ida: IMG-2.jpg (file attached)\n"
        "5/4/21, 10:03 - Emil changed the description of the group\nAll about sails\n"
    )
    found = document("x.txt", android.encode())
    assert found.text == "## 5/4/21\n\nIda: Are you there?\nEmil: The new sail\nin the sun\n"
    iphone = (
        "[04.05.21, 10:01:00] Ida: One\n"
        "[04.05.21, 10:02:00] Emil: \u200eBild weggelassen\nThe new sail\n"
    )
    assert document("x.txt", iphone.encode()).text.endswith("Ida: One\nEmil: The new sail\n")


@pytest.mark.parametrize("kind", ["personal_chat", "saved_messages"])
def test_what_is_forwarded_in_telegram_is_not_the_persons_words(kind: str) -> None:
    def message(text: str, **more: object) -> dict[str, object]:
        return {
            "date": "2021-05-04T10:00:00",
            "from": "Emil",
            "from_id": "user1",
            "text": text,
        } | more

    chat = {
        "name": "Ida",
        "type": kind,
        "id": 2,
        "messages": [
            message("Mine."),
            message("Of the press.", forwarded_from="The Herald"),
            message("Of nobody who is left.", forwarded_from=None),
            message("Mine, sent again.", forwarded_from="Emil"),
        ],
    }
    found = document("result.json", json.dumps(chat).encode())
    assert own(found) == ["Mine.", "Mine, sent again."]
    assert "The Herald: Of the press." in found.text
    assert "Unknown: Of nobody who is left." in found.text


@pytest.mark.parametrize("current", ["gone", None, ["odd"], 3])
def test_a_conversation_without_its_last_place_is_read_from_its_end(current: object) -> None:
    words = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Rope?"]}}
    nodes = {"root": {"message": None}, "last": {"parent": "root", "message": words}}
    conversation = {"title": "Ropes", "current_node": current, "mapping": nodes}
    assert own(document("conversations.json", json.dumps([conversation]).encode())) == ["Rope?"]


def test_marks_of_sources_are_no_words_of_an_answer() -> None:
    text = "Use hemp. \ue200cite\ue202turn0search1\ue201It holds【4†source】. 【Not a mark】"
    words = {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": [text]}}
    conversation = {"title": "Ropes", "current_node": "a", "mapping": {"a": {"message": words}}}
    found = document("conversations.json", json.dumps([conversation]).encode())
    assert found.text == "**ChatGPT:**\n\nUse hemp. It holds. 【Not a mark】\n"


def test_files_attached_in_claude_are_read_but_not_the_persons_words() -> None:
    pasted = {"file_name": "rope.txt", "extracted_content": "Hemp rots."}
    picture = {"file_name": "rope.png"}
    message = {"sender": "human", "text": "What of it?", "attachments": [pasted, picture, "odd"]}
    conversation = {"name": "Ropes", "chat_messages": [message]}
    found = document("conversations.json", json.dumps([conversation]).encode())
    assert found.text == "**You:**\n\nWhat of it?\n\n**rope.txt:**\n\nHemp rots.\n"
    assert own(found) == ["What of it?"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user.json", {"id": "u", "email": "a@b.c", "chatgpt_plus_user": True}),
        ("users.json", [{"uuid": "u", "full_name": "Ida", "email_address": "a@b.c"}]),
        ("shared.json", [{"conversation_id": "c", "title": "Ropes", "is_anonymous": True}]),
    ],
)
def test_files_about_an_account_are_no_notes(name: str, value: object) -> None:
    with pytest.raises(SkippedFile, match="account"):
        document(name, json.dumps(value).encode())


def test_notions_names_lose_their_numbers_and_tables_come_once() -> None:
    items = list(read(SourceFile("export.zip", samples.NOTION)))
    found = [item for item in items if isinstance(item, Document)]
    assert [each.part for each in found] == ["Export/Home.md", "Export/Boats_all.csv"]
    assert [i.part for i in items if isinstance(i, SkippedPart)] == ["Export/Boats.csv"]


def test_a_note_of_evernote_that_cannot_be_read_costs_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = ("one", "bad", "three", "four")
    notes = (f"<note><title>A/B</title><content>{text}</content></note>" for text in texts)
    data = f"<en-export>{''.join(notes)}<note><title>A/B</title></note></en-export>".encode()
    fatal = frozenset({"A-B (4)"})

    def parse(html: str) -> object:
        if html == "bad":
            raise ValueError(html)
        return html_text.parse(html)

    monkeypatch.setattr("mlx_backend.importers.readers.enex.parse", parse)
    items = list(read(SourceFile("a.enex", data, excluded_parts=fatal)))
    assert [item.text for item in items if isinstance(item, Document)] == ["one\n", "three\n"]
    skipped = {item.part: item.reason for item in items if isinstance(item, SkippedPart)}
    assert skipped.keys() == {"A-B (2)", "A-B (5)"}
    assert "damaged" in skipped["A-B (2)"]


def test_parts_of_archives_are_their_paths() -> None:
    items = list(read(SourceFile("things.zip", EVERY_FORMAT["things.zip"])))
    parts = [item.part for item in items if isinstance(item, Document)]
    assert parts == ["a/one.md", "two.txt", "b.zip/c.md"]
    assert EnteredPart("b.zip/c.md") in items


def test_a_formula_is_readable() -> None:
    m = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    xml = (
        f"<m:oMath {m}><m:r><m:t>a=</m:t></m:r><m:f><m:num><m:r><m:t>b</m:t></m:r></m:num><m:den>"
        "<m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
        "</m:den></m:f></m:oMath>"
    )
    assert formula_text(parse_xml(xml.encode())) == "a=(b)/(c^2)"
    word = samples.docx(f"<w:p><w:r><w:t>So </w:t></w:r>{xml}</w:p>")
    assert document("x.docx", word).text == "So $a=(b)/(c^2)$\n"


@pytest.mark.parametrize(
    ("name", "content_of"),
    [
        ("letter.txt", "document.pdf"),
        ("document.pdf", "document.docx"),
        ("note.md", "table.xlsx"),
        ("none", "document.rtf"),
        ("none", "mails.mbox"),
        ("old.txt", "page.html"),
        ("x.docx", "note.md"),
    ],
)
def test_content_counts_more_than_the_name(name: str, content_of: str) -> None:
    found = documents(name, EVERY_FORMAT[content_of])
    assert found[0].text == documents(content_of)[0].text or name == "x.docx"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("scan.pdf", samples.pdf([]), "has no text: it is a scan"),
        ("broken.pdf", b"%PDF-1.4 nothing", "damaged"),
        ("picture.md", b"\x89PNG\r\n\x1a\n" + b"x" * 20, "picture"),
        ("film.txt", b"\0\0\0\x18ftypmp42", "film"),
        ("code.py", b"print()", "program code"),
        ("LICENSE", b"Permission is granted", "licence"),
        ("broken.docx", b"PK\3\4" + b"x" * 100, "damaged"),
        ("broken.json", b'{"a": ', "damaged"),
        ("broken.xml", b"<?xml version='1.0'?><rss><channel>", "damaged"),
        ("other.xml", b"<?xml version='1.0'?><recipe/>", "recipe"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "."),
        ("empty.zip", samples.zipped({}), "empty"),
        ("empty.csv", b"\n\n", "empty"),
        ("empty.html", b"<html><body></body></html>", "no text"),
        ("page.pages", samples.zipped({"Index/Document.iwa": "x"}), "Pages"),
    ],
)
def test_what_is_skipped(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(SkippedFile, match=reason):
        list(read(SourceFile(name, data)))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.org", b":PROPERTIES:\n" * 50_000),
        ("a.eml", samples.mail("a@b.c", "d@e.f", "Long", "word\n" * 200_000)),
        ("a.txt", b"04/05/2021, 10:00 - A: x\n04/05/2021, 10:01 - B: y\n" + b"z\n" * 200_000),
        ("a.rst", b"=\n" * 100_000),
        ("a.md", b"[[" * 100_000),
        ("a.csv", b'"' * 100_000),
        ("a.html", b"<html><p>x</p>" + b"<pre>a</pre><img alt=b><a href=c>d</a>" * 10_000),
        ("a.html", b"<html><table>" + b"<tr><td><pre>a</pre></td><td>b</td></tr>" * 4_000),
        ("a.rtf", b"{\\rtf1 " + b"{" * 50_000),
        ("a.mbox", b"From x y\nA: b\n\n" * 5_000),
    ],
)
def test_what_is_long_takes_no_quadratic_time(name: str, data: bytes) -> None:
    with contextlib.suppress(SkippedFile, RecursionError):
        list(read(SourceFile(name, data)))
