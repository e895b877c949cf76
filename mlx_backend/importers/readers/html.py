"""HTML: the article of a saved web page, or all of an HTML file that is itself a note."""

from __future__ import annotations

import re
from typing import Any

from mlx_backend.importers.document import Document, Format, SkippedFile, SourceFile
from mlx_backend.importers.readers.html_code import CodeBlocks
from mlx_backend.importers.readers.html_text import (
    drop_useless_links,
    parse,
    tidy,
    to_markdown,
)
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.telegram import is_telegram_page, read_telegram_page
from mlx_backend.importers.readers.text import begins_with, one_line, seconds_of

_SUFFIXES = frozenset({".html", ".htm", ".xhtml"})
_PAGE_PARTS = ["nav", "header", "footer", "aside"]
_SIGNS_OF_A_SITE = 2
_LEAST_SHARE = 0.25
_NOTE_MARK = re.compile(r"\s*\[[\w ]{1,12}\]\s*")


def read_html(source: SourceFile) -> list[Document]:
    """One document. Raises SkippedFile when the page has no text."""
    tree = parse(source.data)
    if is_telegram_page(tree):
        return read_telegram_page(source, tree)
    title = one_line(tree.title.get_text()) if tree.title else ""
    document = _page(source, tree) if _is_web_page(tree) else None
    if document is None:
        heading = tree.find("h1")
        title = title or (one_line(heading.get_text()) if heading else "")
        text, losses = to_markdown(tree)
        document = Document(title or source.stem, text, kind="html", left_out=in_words(losses))
    if not document.text.strip():
        raise SkippedFile("The page has no text")
    return [document]


def _is_web_page(tree: Any) -> bool:
    signs = [
        tree.find("nav"),
        tree.find("footer"),
        tree.find("script", src=True),
        tree.find("link", rel="canonical"),
        tree.find("link", rel="stylesheet"),
        tree.find("meta", property="og:title"),
        tree.find("article"),
    ]
    return sum(sign is not None for sign in signs) >= _SIGNS_OF_A_SITE


def _page(source: SourceFile, tree: Any) -> Document | None:
    """The article of a web page; the page without its menus when there is no clear article."""
    import trafilatura

    about = trafilatura.extract_metadata(source.data, extensive=False)
    author = tree.find("meta", attrs={"name": "author"})
    author_name = one_line(str(author.get("content", ""))) if author else ""
    title = one_line(about.title) if about.title else ""
    title = title or (one_line(tree.title.get_text()) if tree.title else "") or source.stem
    text, losses = _article(tree)
    return Document(
        title=title,
        text=text,
        kind="web page",
        created=seconds_of(about.date) if about.date else None,
        author=author_name,
        left_out=in_words(losses, "menus and everything else around the article"),
    )


def _article(tree: Any) -> tuple[str, Losses]:
    """The text of the article, and what of the page, besides its menus, is not in it."""
    import trafilatura

    targets = drop_useless_links(tree, _PAGE_PARTS)
    for mark in tree.find_all("sup"):
        if _NOTE_MARK.fullmatch(mark.get_text()):
            mark.decompose()
    code = CodeBlocks(tree)
    text = trafilatura.extract(
        str(tree),
        output_format="markdown",
        favor_recall=True,
        include_comments=False,
        include_formatting=True,
        include_links=True,
    )
    for part in tree.find_all(_PAGE_PARTS):
        part.decompose()
    whole, losses = to_markdown(tree)
    if not text or len(text.split()) < _LEAST_SHARE * len(whole.split()):
        text = whole
    losses["link target"] += targets
    losses["code block"] += code.missing_in(text)
    return code.restored(tidy(text)), losses


def _recognises(source: SourceFile) -> bool:
    if begins_with(source, b"<!doctype html", b"<html"):
        return True
    return source.suffix in _SUFFIXES


FORMAT = Format(_recognises, read_html)
