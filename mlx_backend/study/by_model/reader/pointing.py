"""Questions that point at a text in view, as "What does the author say?" does.

Whoever asks it in a chat has no text in view. A list of phrases for the languages of the reading
exam; in other languages such questions pass.
"""

from __future__ import annotations

import re

_PHRASES = (
    # English
    r"(?:the|this|that|these|above|given) (?:passage|text|excerpt|paragraph|sentence|snippet|note|"
    r"notes|document|article|author|writer|speaker|narrator)(?! of\b)",
    r"(?:mentioned|described|listed|stated|according to)(?: above| here)?\s*\?",
    # German
    r"(?:i[mn]|de[mrsn]|diese[mrsn]?|laut|obige[mrn]) (?:obige[mrn] )?(?:Text\w*|Abschnitt\w*|"
    r"Notiz|Passage|Auszug\w*|Satz\w*|Autor\w*|Verfasser\w*|Dokument\w*)",
    # French
    r"(?:le|ce|du|au|la|cette|cet|l['’]|selon) ?(?:texte|passage|extrait|auteure?|note|document|"
    r"paragraphe|phrase)",
    # Spanish
    r"(?:el|este|la|esta|del|al|según) (?:texto|pasaje|fragmento|autora?|nota|documento|frase)",
    # Italian
    r"(?:il|questo|la|questa|del(?:la)?|nel(?:la)?|al(?:la)?|dell['’]|l['’]) ?(?:testo|passaggio|"
    r"brano|autore|autrice|nota|documento|frase)",
    # Portuguese
    r"(?:o|este|a|esta|d[oae]|n[oa]|nest[ea]|ao) (?:texto|trecho|passagem|autora?|nota|documento|"
    r"frase)",
)
_POINTS = re.compile(rf"\b(?:{'|'.join(_PHRASES)})(?!\w)", re.IGNORECASE)


def points_at_text(question: str, shown: str) -> bool:
    """Whether a question speaks of a text in view, in words that what is `shown` does not have.

    A note about an author may be asked about the author.
    """
    own = shown.casefold()
    return any(
        found.group().rstrip(" ?").rpartition(" ")[2].casefold() not in own
        for found in _POINTS.finditer(question)
    )
