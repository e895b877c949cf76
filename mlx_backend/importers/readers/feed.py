"""News feeds (RSS, Atom, RDF) and outlines (OPML): one document, with a section for each entry."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from mlx_backend.importers.document import Document, SkippedFile, SourceFile
from mlx_backend.importers.readers.html_text import html_to_markdown
from mlx_backend.importers.readers.losses import Losses, in_words
from mlx_backend.importers.readers.text import one_line
from mlx_backend.importers.readers.xml_tree import child_text, local_name

_DEEPEST = 100


def read_feed(source: SourceFile, root: Element) -> list[Document]:
    """One document. Raises SkippedFile when the feed has no entries."""
    entries = [e for e in root.iter() if local_name(e) in ("item", "entry")]
    if not entries:
        raise SkippedFile("The feed has no entries")
    channel = next((e for e in root if local_name(e) == "channel"), root)
    title = one_line(child_text(channel, "title")) or source.stem
    about = one_line(child_text(channel, "description", "subtitle"))
    losses = Losses()
    sections = list(filter(None, [f"# {title}", about]))
    sections += [_entry(entry, losses) for entry in entries]
    left_out = in_words(losses, "addresses and authors of the entries")
    text = "\n\n".join(sections) + "\n"
    return [Document(title=title, text=text, kind="feed", left_out=left_out)]


def _entry(entry: Element, losses: Losses) -> str:
    title = one_line(child_text(entry, "title")) or "Untitled"
    date = one_line(child_text(entry, "pubDate", "published", "updated", "date"))
    summary = child_text(entry, "encoded", "content", "description", "summary")
    text, lost = html_to_markdown(summary)
    losses.update(lost)
    text = text.strip("\n")
    return "\n\n".join(filter(None, [f"## {title}", date, text]))


def read_outline(source: SourceFile, root: Element) -> list[Document]:
    """An OPML outline as a nested list. Raises SkippedFile when it is empty."""
    body = next((e for e in root if local_name(e) == "body"), None)
    lines = _outline(body, 0) if body is not None else []
    if not lines:
        raise SkippedFile("The outline is empty")
    head = next((e for e in root if local_name(e) == "head"), root)
    title = one_line(child_text(head, "title")) or source.stem
    return [Document(title=title, text="\n".join(lines) + "\n", kind="outline")]


def _outline(element: Element, level: int) -> list[str]:
    if level > _DEEPEST:
        raise RecursionError
    lines = []
    for child in element:
        text = one_line(child.get("text") or child.get("title"))
        lines += ["  " * level + f"- {text}"] if text else []
        note = one_line(child.get("_note"))
        lines += ["  " * (level + 1) + note] if note else []
        lines += _outline(child, level + 1)
    return lines
