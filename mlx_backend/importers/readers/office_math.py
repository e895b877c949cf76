"""Word's formulas as one line of text, similar to TeX.

Elements: ECMA-376 part 1, 22.1 (Office Math Markup).
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from mlx_backend.importers.readers.xml_tree import local_name

_DEEPEST = 100


def formula_text(formula: Element, depth: int = 0) -> str:
    """The text of a formula, or of a part of one."""
    if depth > _DEEPEST:
        raise RecursionError
    return "".join(_piece(child, depth + 1) for child in formula)


def _piece(element: Element, depth: int) -> str:  # noqa: PLR0911 - one line a kind of formula
    parts = {local_name(child): child for child in element}

    def part(name: str) -> str:
        return formula_text(parts[name], depth) if name in parts else ""

    match local_name(element):
        case "t":
            return element.text or ""
        case "f":
            return f"({part('num')})/({part('den')})"
        case "sSup":
            return f"{part('e')}^{_group(part('sup'))}"
        case "sSub":
            return f"{part('e')}_{_group(part('sub'))}"
        case "sSubSup":
            return f"{part('e')}_{_group(part('sub'))}^{_group(part('sup'))}"
        case "nary":
            sign = _property(element, "chr") or "∫"
            return f"{sign}_{_group(part('sub'))}^{_group(part('sup'))} {part('e')}"
        case "rad":
            return f"√[{part('deg')}]({part('e')})" if part("deg") else f"√({part('e')})"
        case "d":
            inner = ", ".join(formula_text(e, depth) for e in element if local_name(e) == "e")
            begin, end = _property(element, "begChr"), _property(element, "endChr")
            return f"{begin or '('}{inner}{end or ')'}"
        case _:
            return formula_text(element, depth)


def _group(text: str) -> str:
    return text if len(text) == 1 else "{" + text + "}"


def _property(element: Element, name: str) -> str:
    for child in element.iter():
        if local_name(child) == name:
            return next((v for k, v in child.attrib.items() if k.endswith("val")), "")
    return ""
