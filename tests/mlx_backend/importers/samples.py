"""A small generated file of every format, for testing and fuzzing the readers."""

from __future__ import annotations

import email.message
import io
import json
import zipfile
from collections.abc import Mapping

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"

CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
    'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>The ferry</dc:title>'
    "<dc:creator>Ida Falk</dc:creator><dcterms:created>2021-05-04T10:00:00Z</dcterms:created>"
    "</cp:coreProperties>"
)


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """A zip file with these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in members.items():
            box.writestr(name, content)
    return file.getvalue()


def pdf(lines: list[str], about: str = "") -> bytes:
    """A PDF with one page of these lines; without lines, it is like a scan."""
    shown = "".join(f"({line}) Tj 0 -16 Td " for line in lines)
    stream = f"BT /F1 12 Tf 50 780 Td {shown}ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< {about} >>",
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer << /Size {len(objects) + 1} /Root 1 0 R /Info 6 0 R >>\n"
    return data + end.encode() + f"startxref\n{len(data)}\n%%EOF\n".encode()


def docx(body: str) -> bytes:
    """A Word document with this body."""
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r" Type="{R}/'
            'officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
            "docProps/core.xml": CORE,
        }
    )


def word_paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def pptx() -> bytes:
    def shape(kind: str, text: str) -> str:
        return (
            f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr><p:txBody>'
            f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
        )

    def part(kind: str, shapes: str) -> str:
        return (
            f'<p:{kind} xmlns:p="{P}" xmlns:a="{A}"><p:cSld><p:spTree>{shapes}</p:spTree>'
            f"</p:cSld></p:{kind}>"
        )

    def cell(text: str) -> str:
        return f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"

    rows = (("Pier", "Boats"), ("North", "four"))
    cells = "".join(f"<a:tr>{''.join(map(cell, row))}</a:tr>" for row in rows)
    table = f"<p:graphicFrame><a:graphic><a:tbl>{cells}</a:tbl></a:graphic></p:graphicFrame>"
    return zipped(
        {
            "ppt/presentation.xml": "<p/>",
            "ppt/slides/slide10.xml": part("sld", shape("body", "The tenth")),
            "ppt/slides/slide2.xml": part("sld", shape("title", "Piers") + table),
            "ppt/slides/_rels/slide2.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship'
            f' Id="n" Type="{R}/notesSlide" Target="../notesSlides/notesSlide1.xml"/>'
            "</Relationships>",
            "ppt/notesSlides/notesSlide1.xml": part("notes", shape("body", "Mention the storm")),
            "docProps/core.xml": CORE,
        }
    )


def xlsx() -> bytes:
    def row(*values: str | int) -> str:
        cells = "".join(
            f"<c><v>{v}</v></c>"
            if isinstance(v, int)
            else f'<c t="inlineStr"><is><t>{v}</t></is></c>'
            for v in values
        )
        return f"<row>{cells}</row>"

    rows = row("Boat", "Year") + row("Comma", 1974) + row("Amber", 1982)
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zipped(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
            f'content-types"><Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main'
            f'+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet'
            '+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r" Type="{R}/'
            'officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets><sheet name="Boats"'
            ' sheetId="1" r:id="s1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship'
            f' Id="s1" Type="{R}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{S}"><sheetData>{rows}</sheetData>'
            "</worksheet>",
        }
    )


def _opendocument(kind: str, body: str) -> bytes:
    names = f'xmlns:office="{OFFICE}" xmlns:text="{TEXT}" xmlns:table="{TABLE}"'
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "META-INF/manifest.xml": "<manifest/>",
            "content.xml": f"<office:document-content {names}><office:body><office:{kind}>{body}"
            f"</office:{kind}></office:body></office:document-content>",
        }
    )


def _opendocument_table(*rows: tuple[str, ...]) -> str:
    def cell(text: str) -> str:
        kind = 'office:value-type="string"'
        return f"<table:table-cell {kind}><text:p>{text}</text:p></table:table-cell>"

    filled = (f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    return f'<table:table table:name="Beds">{"".join(filled)}</table:table>'


def odt() -> bytes:
    body = (
        '<text:h text:outline-level="2">Garden</text:h>'
        '<text:p>Plum<text:s text:c="2"/>tree</text:p>'
        "<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>"
    )
    return _opendocument("text", body + _opendocument_table(("Bed", "Crop"), ("north", "leek")))


def epub() -> bytes:
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="in/book.opf"/>'
            "</rootfiles></container>",
            "in/book.opf": '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            "<dc:title>Islands</dc:title><dc:creator>O. Lind</dc:creator></metadata><manifest>"
            '<item id="b" href="two.xhtml"/><item id="a" href="one.xhtml"/>'
            '<item id="t" href="nav.xhtml" properties="nav"/></manifest>'
            '<spine><itemref idref="t"/><itemref idref="a"/><itemref idref="b"/></spine></package>',
            "in/one.xhtml": "<html><body><h1>First</h1><p>Corrow is green.</p></body></html>",
            "in/two.xhtml": "<html><body><h1>Second</h1><p>Hush is quiet.</p></body></html>",
            "in/nav.xhtml": "<html><body>contents</body></html>",
        }
    )


def mail(sender: str, to: str, subject: str, body: str, received: bool = False) -> bytes:
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Tue, 04 May 2021 10:00:00 +0000"
    if received:
        message["Received"] = "from harbour by cove; Tue, 04 May 2021 10:00:01 +0000"
    message.set_content(body)
    return message.as_bytes()


MARTA, OSKAR = "Marta Voss <marta@cove.example>", "Oskar Lind <oskar@cove.example>"
MBOX = b"\n".join(
    b"From x Tue May  4 10:00:00 2021\n" + each
    for each in (
        mail(MARTA, OSKAR, "Oil", "We need oil.\n\n> How much?\n"),
        mail(OSKAR, MARTA, "Re: Oil", "Fourteen litres.\nFrom Bergen.\n"),
        mail(MARTA, "Ida <ida@cove.example>", "Rope", "Three metres, please.\n"),
    )
)
WEB_PAGE = (
    "<!DOCTYPE html><html><head><title>The lens - Cove News</title>"
    '<meta name="author" content="Ida Falk"><link rel="stylesheet" href="x.css">'
    '<link rel="canonical" href="https://cove.example/lens"></head><body>'
    "<nav><a href='/'>Home</a> <a href='/news'>All the news</a></nav><article><h1>The lens</h1>"
    + "<p>The lens of the lighthouse came from Bergen by boat, wrapped in nine wool blankets.</p>"
    "<p>It weighs two hundred kilos and <a href='https://cove.example/oil'>burns no oil</a>.</p>"
    * 4
    + "</article><footer>Cookies and imprint</footer><script>track()</script></body></html>"
)
NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "metadata": {"language_info": {"name": "python"}},
        "cells": [
            {"cell_type": "markdown", "source": ["# Tides\n", "High at noon."]},
            {
                "cell_type": "code",
                "source": "print(6 * 7)",
                "outputs": [{"output_type": "stream", "text": ["42\n"]}],
            },
        ],
    }
)
CHATGPT = json.dumps(
    [
        {
            "title": "Boat paint",
            "create_time": 1_620_122_400.0,
            "current_node": "c",
            "mapping": {
                "a": {"message": None, "parent": None},
                "x": {
                    "parent": "a",
                    "message": {
                        "author": {"role": "assistant"},
                        "content": {"content_type": "text", "parts": ["An abandoned branch."]},
                    },
                },
                "b": {
                    "parent": "a",
                    "message": {
                        "author": {"role": "user"},
                        "content": {"content_type": "text", "parts": ["Which paint lasts?"]},
                    },
                },
                "c": {
                    "parent": "b",
                    "message": {
                        "author": {"role": "assistant"},
                        "content": {"content_type": "text", "parts": ["Epoxy does."]},
                    },
                },
            },
        }
    ]
)
CLAUDE = json.dumps(
    [
        {
            "uuid": "1",
            "name": "Knots",
            "created_at": "2024-03-01T10:00:00.000000Z",
            "chat_messages": [
                {"sender": "human", "text": "Which knot?", "content": []},
                {
                    "sender": "assistant",
                    "text": "",
                    "content": [{"type": "text", "text": "A bowline."}],
                },
            ],
        }
    ]
)
TELEGRAM = json.dumps(
    {
        "name": "Ida",
        "type": "personal_chat",
        "id": 7,
        "messages": [
            {"date": "2021-05-04T10:00:00", "from": "Marta", "from_id": "user1", "text": "Rope?"},
            {
                "date": "2021-05-04T10:01:00",
                "from": "Ida",
                "from_id": "user7",
                "text": ["At ", {"type": "bold", "text": "seven"}],
            },
        ],
    }
)
TELEGRAM_PAGE = (
    '<html><head><title>Exported Data</title></head><body><div class="page_wrap">'
    '<div class="page_header"><div class="text bold">Ida</div></div><div class="history">'
    '<div class="message service"><div class="body details">4 May 2021</div></div>'
    '<div class="message default clearfix"><div class="body"><div class="from_name">Marta</div>'
    '<div class="text">Rope?</div></div></div><div class="message default clearfix joined">'
    '<div class="body"><div class="text">Three <b>metres</b>.</div></div></div></div></div></body>'
)
WHATSAPP = (
    "04/05/2021, 10:00 - Messages and calls are end-to-end encrypted.\n"
    "04/05/2021, 10:01 - Ida Falk: Are you coming?\n"
    "04/05/2021, 10:02 - Marta: Yes, at seven.\nWith the boat.\n"
    "04/05/2021, 10:03 - Ida Falk: <Media omitted>\n"
)
ENEX = (
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE en-export SYSTEM'
    ' "http://xml.evernote.com/pub/evernote-export4.dtd"><en-export>'
    "<note><title>Soup</title><created>20210504T100000Z</created><tag>kitchen</tag><content>"
    '<![CDATA[<?xml version="1.0"?><!DOCTYPE en-note SYSTEM "x.dtd"><en-note><div>Leek and'
    ' <b>potato</b></div><en-todo checked="true"/>stir</en-note>]]></content></note>'
    "<note><title>Empty</title><content/></note></en-export>"
)
RSS = (
    '<rss version="2.0"><channel><title>Cove</title><item><title>Storm</title>'
    "<pubDate>Tue, 04 May 2021 10:00:00 GMT</pubDate>"
    "<description>&lt;p&gt;The pier &lt;b&gt;held&lt;/b&gt;.&lt;/p&gt;</description></item>"
    "</channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>Log</title><entry><title>Day one</title>'
    "<updated>2021-05-04T10:00:00Z</updated><content>Calm sea.</content></entry></feed>"
)
OPML = '<opml><body><outline text="Boat"><outline text="Paint it"/></outline></body></opml>'
ORG = (
    "#+TITLE: Workshop\n#+AUTHOR: Emil\n\n* Tools\n:PROPERTIES:\n:ID: 5\n:END:\nA plane.\n"
    "** Glue\n#+begin_src python\n* not a headline\n#+end_src\n"
)
RST = "====\nKite\n====\n\nTail\n----\n\nFour metres::\n\n    keep  this\n"
RTF = r"{\rtf1\ansi\ansicpg1252 {\fonttbl\f0 Arial;}\f0 The caf\'e9 opens.\par At seven.\par}"
MARKDOWN = (
    "---\ntitle: Lamp\ntags: [light]\ncreated: 2021-05-04\n---\n\n> [!note] Callout\n"
    "> See [[Oil|the oil]] and ![[lens.png]] #light\n\n```python\nif x:\n\treturn  1\n```\n"
)
HTML_NOTE = "<html><head><title>List</title></head><body><ul><li>rope</li><li>tar</li></ul></body>"
NOTION = zipped(
    {
        "Export/Home 0123456789abcdef0123456789abcdef.md": "# Home\n\nThe plan.\n",
        "Export/Boats 0123456789abcdef0123456789abcde0.csv": "Name,Year\nComma,1974\n",
        "Export/Boats 0123456789abcdef0123456789abcde0_all.csv": "Name,Year\nAmber,1982\n",
    }
)
DOCX = docx(word_paragraph("Ferry", "Heading1") + word_paragraph("It leaves at nine."))
JSONL = (
    '{"messages": [{"role": "user", "content": "Who?"},'
    ' {"role": "assistant", "content": "Ida."}]}\n'
    '{"messages": [{"role": "user", "content": "When?"}]}\n'
)

EVERY_FORMAT: dict[str, bytes] = {
    "atom.xml": ATOM.encode(),
    "book.epub": epub(),
    "chat.jsonl": JSONL.encode(),
    "chatgpt/conversations.json": CHATGPT.encode(),
    "claude/conversations.json": CLAUDE.encode(),
    "completion.jsonl": b'{"prompt": "Rope?", "completion": "Three crowns."}\n',
    "deck.odp": _opendocument("presentation", "<text:p>The beds in spring</text:p>"),
    "deck.pptx": pptx(),
    "document.docx": DOCX,
    "document.odt": odt(),
    "document.pdf": pdf(["The lamp burns oil.", "Every night."], "/Title (Lamp) /Author (Marta)"),
    "document.rtf": RTF.encode(),
    "evernote.enex": ENEX.encode(),
    "letter.eml": mail(MARTA, OSKAR, "Oil", "We need oil.\n\n> How much?\n"),
    "list.html": HTML_NOTE.encode(),
    "log.txt": b"A plain note\n\nWith two paragraphs.\n",
    "mails.mbox": MBOX,
    "news.xml": RSS.encode(),
    "note.md": MARKDOWN.encode(),
    "notebook.ipynb": NOTEBOOK.encode(),
    "notion.zip": NOTION,
    "outline.opml": OPML.encode(),
    "page.html": WEB_PAGE.encode(),
    "people.csv": b"Name;Town\nIda;Amber Cove\nEmil;Bergen\n",
    "people.tsv": b"Name\tTown\nIda\tAmber Cove\n",
    "plan.org": ORG.encode(),
    "plan.rst": RST.encode(),
    "settings.json": b'{"boat": {"name": "Comma", "crew": ["Ida", "Emil"]}}',
    "table.ods": _opendocument(
        "spreadsheet", _opendocument_table(("Bed", "Crop"), ("north", "leek"))
    ),
    "table.xlsx": xlsx(),
    "telegram.json": TELEGRAM.encode(),
    "telegram.html": TELEGRAM_PAGE.encode(),
    "text.jsonl": b'{"text": "The tide turns."}\n{"text": "It always does."}\n',
    "things.zip": zipped(
        {"a/one.md": "# One\n", "two.txt": "Two.", "b.zip": zipped({"c.md": "# C\n"})}
    ),
    "WhatsApp Chat with Ida Falk.txt": WHATSAPP.encode(),
}
