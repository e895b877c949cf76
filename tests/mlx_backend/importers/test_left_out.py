"""What is missing from a note's text is listed, and code in HTML is kept verbatim."""

from __future__ import annotations

import json
import struct
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from mlx_backend.importers.document import Document, SourceFile
from mlx_backend.importers.readers.office_losses import old_workbook_losses
from mlx_backend.importers.readers.registry import read
from tests.mlx_backend.importers import samples

WORKBOOK = Path(__file__).parents[4] / "shared" / "documents" / "test.xls"
CODE = "def f(x):\n\n\n\tif x:   \n        return `1`\n\n    # <b> & \xa0\n"
ESCAPED = CODE.replace("&", "&amp;").replace("<", "&lt;")


def document(name: str, data: str | bytes) -> Document:
    content = data.encode() if isinstance(data, str) else data
    (found,) = (item for item in read(SourceFile(name, content)) if isinstance(item, Document))
    return found


def with_members(data: bytes, members: dict[str, str | bytes]) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as box:
        return samples.zipped({name: box.read(name) for name in box.namelist()} | members)


def as_enex(html: str) -> str:
    return (
        "<en-export><note><title>Note</title><content><![CDATA[<en-note>"
        f"{html}</en-note>]]></content><resource/><resource/></note></en-export>"
    )


def as_epub(html: str) -> bytes:
    chapter = f"<html><body>{html}</body></html>"
    return with_members(samples.epub(), {"in/one.xhtml": chapter, "in/nav.xhtml": "<p>x</p>"})


def as_page(html: str) -> str:
    return samples.WEB_PAGE.replace("</h1>", f"</h1>{html}", 1)


MADE: dict[str, Callable[[str], str | bytes]] = {
    "note.html": lambda html: f"<html><body>{html}</body></html>",
    "note.enex": as_enex,
    "note.epub": as_epub,
    "page.html": as_page,
}


@pytest.mark.parametrize("name", MADE)
def test_code_in_html_is_untouched(name: str) -> None:
    html = f"<p>Before  it</p><pre>{ESCAPED}</pre><p>After it</p>"
    text = document(name, MADE[name](html)).text
    assert f"Before it\n\n```\n{CODE}```\n\nAfter it\n" in text


def test_evernotes_own_blocks_of_code_are_code() -> None:
    lines = "<div>def f():</div><div><br/></div><div>\xa0   return 1</div>"
    html = f'<div style="--en-codeblock:true;box-sizing: border-box">{lines}</div><div>end</div>'
    text = document("a.enex", as_enex(html)).text
    assert text == "```\ndef f():\n\n    return 1\n```\n\nend\n"


def test_code_is_as_far_in_as_what_it_belongs_to() -> None:
    html = (
        '<ul><li>one<pre><code class="language-python">a\n\n b</code></pre></li></ul>'
        "<blockquote><pre>c\n\n d</pre></blockquote><p>end</p>"
    )
    text = document("a.html", f"<html><body>{html}</body></html>").text
    assert "  ```python\n  a\n\n   b\n  ```\n" in text
    assert "> ```\n> c\n>\n>  d\n> ```\n" in text


def test_code_in_a_table_and_with_fences_stays_whole() -> None:
    html = "<table><tr><td>Name</td><td><pre>```\n\na\n```</pre></td></tr></table><pre> \n</pre>"
    text = document("a.html", f"<html><body>{html}</body></html>").text
    assert text.startswith("````\n```\n\na\n```\n````\n\n|")
    assert "| Name |" in text
    nothing = document("a.html", "<html><body>codeblockq0q<pre>a</pre>codeblock</body></html>")
    assert nothing.text == "codeblockq0q\n\n```\na\n```\n\ncodeblock\n"


@pytest.mark.parametrize(
    ("html", "left_out"),
    [
        ("<p>text<img src=a alt=A><img src=b></p>", "2 pictures"),
        ("<a href='b.html'>b</a> <a href='#c'>c</a> <a href='https://d.example'>d</a>", "1 link t"),
        ("<p>text<svg><path/></svg><iframe src=x></iframe></p>", "1 drawing, 1 embedded page"),
        ("<p>text<script>1</script></p>", ""),
    ],
)
def test_html_tells_of_what_is_no_text(html: str, left_out: str) -> None:
    found = document("a.html", f"<html><body>{html}</body></html>").left_out
    assert found.startswith(left_out)
    assert bool(found) == bool(left_out)


def test_a_web_page_tells_of_pictures_of_the_article_alone() -> None:
    page = as_page("<img src=a><a href='/b'>there</a>").replace("<nav>", "<nav><img src=x>")
    found = document("a.html", page).left_out
    assert found == "menus and everything else around the article, 1 picture, 1 link target"


def test_org_names_its_keywords_and_drawers() -> None:
    org = (
        "#+TITLE: Keel\n#+FILETAGS: :boat:\n#+OPTIONS: toc:nil\n* Lock\n:PROPERTIES:\n:ID: 5\n"
        ":END:\n:LOGBOOK:\n- Note taken\n:END:\nText\n** More\n:LOGBOOK:\n:END:\n"
    )
    found = document("a.org", org)
    assert found.left_out == (
        "#+TITLE, #+FILETAGS, #+OPTIONS, 1 PROPERTIES drawer, 2 LOGBOOK drawers"
    )
    assert document("a.org", "* Lock\nText\n").left_out == ""
    assert document("a.org", "#+TITLE: Keel\n").left_out == ""  # all of it is the text


def test_a_notebook_tells_what_its_outputs_hold_more() -> None:
    outputs = [
        {"output_type": "stream", "text": ["x" * 6000]},
        {"output_type": "display_data", "data": {"image/png": "aGk=", "text/plain": "<Figure>"}},
        {"output_type": "error", "ename": "E", "traceback": ["no"]},
        {"output_type": "execute_result", "data": {"text/html": "<b>1</b>"}},
    ]
    cells = [
        {"cell_type": "code", "source": "a", "outputs": outputs},
        {"cell_type": "code", "source": "", "outputs": outputs[:2]},
        {"cell_type": "markdown", "source": "b", "attachments": {"a.png": {}}},
    ]
    found = document("a.ipynb", json.dumps({"nbformat": 4, "cells": cells}))
    assert set(found.left_out.split(", ")) == {
        "2 pictures",
        "1 traceback",
        "1 other output",
        "2 orphaned outputs",
        "1 shortened output",
    }
    sheets = [{"cells": cells[2:]}, {"cells": [{"cell_type": "markdown", "source": "Second"}]}]
    assert "Second" in document("a.ipynb", json.dumps({"nbformat": 3, "worksheets": sheets})).text


def test_chatgpt_tells_of_other_branches() -> None:
    assert document("conversations.json", samples.CHATGPT).left_out.endswith(
        ", 1 message of other branches"
    )


def test_office_documents_tell_of_pictures_charts_and_deletions() -> None:
    body = (
        samples.word_paragraph("Kept")
        + "<w:p><w:del><w:r><w:delText>a</w:delText></w:r></w:del></w:p>"
    )
    word = with_members(
        samples.docx(body),
        {
            "word/media/image1.png": "x",
            "word/media/image2.png": "x",
            "word/charts/chart1.xml": "<c/>",
            "word/embeddings/Microsoft_Excel_Sheet1.xlsx": "x",
            "word/header1.xml": "<w:hdr><w:t>A</w:t><w:t>B</w:t></w:hdr>",
        },
    )
    assert set(document("a.docx", word).left_out.split(", ")) == {
        "2 pictures",
        "1 chart",
        "1 deletion",
        "1 header",
    }
    deck = with_members(samples.pptx(), {"ppt/media/a.MP4": "x", "ppt/diagrams/data1.xml": "<d/>"})
    assert set(document("a.pptx", deck).left_out.split(", ")) == {"1 recording", "1 diagram"}
    comments = "<comments><commentList><comment ref='A1'/></commentList></comments>"
    table = with_members(samples.xlsx(), {"xl/comments1.xml": comments})
    assert document("a.xlsx", table).left_out == "1 comment"
    text = with_members(samples.odt(), {"Pictures/1.png": "x", "Object 1/content.xml": "<x/>"})
    assert set(document("a.odt", text).left_out.split(", ")) == {"1 picture", "1 embedded object"}
    assert document("a.docx", samples.DOCX).left_out == ""


def test_books_rtf_mails_and_evernote_tell_of_pictures() -> None:
    book = document("a.epub", as_epub("<p>text<img src=a></p>"))
    assert book.left_out == "1 picture"
    rtf = r"{\rtf1\ansi Text {\pict\pngblip 00}{\*\shppict {\pict 00}}\par}"
    assert document("a.rtf", rtf).left_out == "2 pictures"
    mail = (
        "From: a@b.c\nTo: d@e.f\nSubject: S\nMIME-Version: 1.0\nContent-Type: text/html\n\n"
        "<p>text <img src='cid:1'></p>\n"
    )
    assert document("a.eml", mail).left_out == "1 picture"
    note = document("a.enex", as_enex("<p>text</p><en-media type='image/png'/>"))
    assert note.left_out == "2 attached files"


def as_pdf(*objects: str) -> bytes:
    """A PDF of these objects, the first being its catalogue; PDFium needs no xref table."""
    numbered = (f"{n} 0 obj\n{content}\nendobj\n" for n, content in enumerate(objects, start=1))
    return f"%PDF-1.4\n{''.join(numbered)}trailer << /Root 1 0 R >>\n".encode()


def as_stream(content: str, about: str = "") -> str:
    return f"<< {about} /Length {len(content)} >>\nstream\n{content}\nendstream"


def as_picture(width: int, height: int, about: str = "") -> str:
    """A picture of one shade of grey; pictures of equal size and length count as one."""
    size = f"/Width {width} /Height {height} /ColorSpace /DeviceGray /BitsPerComponent 8"
    return as_stream("x" * width * height, f"/Type /XObject /Subtype /Image {size} {about}")


def illustrated_pdf(*pages: str, pictures: tuple[str, ...] = ()) -> bytes:
    """Pages with this content, in which /P0, /P1 ... show the pictures, and /Form shows /P0."""
    first = 6 + 2 * len(pages)
    named = " ".join(f"/P{n} {first + n} 0 R" for n in range(len(pictures)))
    kids = " ".join(f"{6 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        as_stream(
            "/P0 Do",
            "/Type /XObject /Subtype /Form /BBox [0 0 500 500]"
            f" /Resources << /XObject << {named} >> >>",
        ),
        f"<< /Font << /F 3 0 R >> /XObject << {named} /Form 4 0 R >> >>",
    ]
    for number, content in enumerate(pages):
        contents = 7 + 2 * number
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources 5 0 R"
            f" /Contents {contents} 0 R >>"
        )
        objects.append(as_stream(content))
    return as_pdf(*objects, *pictures)


WORDS = "BT /F 12 Tf 50 700 Td (The lens) Tj ET "
LOGO, PHOTO = as_picture(20, 30), as_picture(40, 30)


@pytest.mark.parametrize(
    ("pages", "left_out"),
    [
        ([WORDS], ""),
        ([WORDS + "/P0 Do /P1 Do"], "2 pictures"),
        ([WORDS + "/P0 Do"] * 3 + [WORDS + "/P0 Do /P1 Do"], "2 pictures"),
        ([WORDS + "/Form Do"], "1 picture"),
        ([WORDS + "/P0 Do", "/P1 Do"], "1 of 2 pages, which have no text, 1 picture"),
        ([WORDS + "/P2 Do"], ""),  # a line
        ([WORDS + "/P3 Do /P0 Do"], "1 picture"),  # that one is not there
    ],
)
def test_a_pdf_tells_of_each_picture_once(pages: list[str], left_out: str) -> None:
    pictures = (LOGO, PHOTO, as_picture(400, 2))
    found = document("a.pdf", illustrated_pdf(*pages, pictures=pictures))
    assert (found.left_out, found.title) == (left_out, "a")
    assert found.text.startswith("The lens")


@pytest.mark.parametrize(
    "picture",
    [
        as_picture(20, 30, "/Filter /DCTDecode"),
        as_picture(20, 30, "/Filter [/FlateDecode /JBIG2Decode]"),
        as_picture(20, 30).replace("/Width 20", "/Width -20"),
        as_picture(20, 30).replace("/Width 20", "/Width 2000000000"),
        as_picture(20, 30).replace("/Length 600", "/Length 999999999"),
        as_stream("/P0 Do", "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources 5 0 R"),
    ],
)
def test_no_picture_costs_a_pdf_its_text(picture: str) -> None:
    found = document("a.pdf", illustrated_pdf(WORDS + "/P0 Do", pictures=(picture,)))
    assert found.text == "The lens\n"


def test_a_pdf_of_very_many_pictures_and_strokes_is_read_in_time() -> None:
    drawn = "0 0 m 9 9 l S " * 100_000 + "/P0 Do " * 100_000
    began = time.process_time()
    found = document("a.pdf", illustrated_pdf(WORDS + drawn, pictures=(LOGO,)))
    assert found.text == "The lens\n"
    assert time.process_time() - began < 10


def as_drawing_group(pictures: int, kind: int = 0xF001) -> bytes:
    """The record of an old workbook that lists its pictures, without their data."""
    ids = struct.pack("<HHI", 0, 0xF006, 24) + bytes(24)
    store = struct.pack("<HHI", pictures << 4 | 0xF, kind, 0)
    drawings = struct.pack("<HHI", 0xF, 0xF000, len(ids + store)) + ids + store
    return struct.pack("<HH", 0xEB, len(drawings)) + drawings


def test_an_old_workbook_tells_of_its_pictures() -> None:
    whole = as_drawing_group(3)
    assert old_workbook_losses(b"\0" * 99 + whole + b"\0" * 99)["picture"] == 3
    assert not old_workbook_losses(as_drawing_group(3, kind=0xF003))["picture"]  # shapes alone
    assert not any(old_workbook_losses(whole[:length])["picture"] for length in range(48))
    begin, end = whole[:16], whole[20:]
    for length in (0, 1, 23, 25, 1 << 31, (1 << 32) - 1):
        assert not old_workbook_losses(begin + struct.pack("<I", length) + end)["picture"]


@pytest.mark.skipif(not WORKBOOK.is_file(), reason="no documents are here")
def test_pictures_are_told_with_the_cells_of_an_old_workbook() -> None:
    workbook = WORKBOOK.read_bytes()
    plain, illustrated = (
        document("a.xls", workbook),
        document("a.xls", workbook + as_drawing_group(2)),
    )
    assert (plain.left_out, illustrated.left_out) == ("", "2 pictures")
    assert plain.text == illustrated.text
