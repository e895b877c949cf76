"""The genres of questions that a reader writes, each with its instruction and worked examples.

The examples are turns of a conversation before the one that counts, because small models follow
examples better than instructions. They are in several languages, since the only one would be taken
for the one to write in. Whatever is in them is invented.

A reply quotes first, then chooses the words to ask for, then asks: a small model asks better for
words that it has just written than for something in a passage further up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlx_backend.study.by_model.reader.items import Item

Subject = Literal["sentence", "passage", "passages", "notes"]
"""What a question is about: a sentence of a passage, a passage, two of one note, two notes."""


@dataclass(frozen=True)
class Example:
    """What the model is shown, and the items of its reply; none says that nothing fits."""

    shown: str
    language: str
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Genre:
    """A kind of questions. tokens: the most of a reply; a runaway model ends there."""

    name: str
    subject: Subject
    instruction: str
    tokens: int
    examples: tuple[Example, ...]


_LIGHTHOUSE = (
    "Note: Lighthouse\n"
    "The lamp was mended by Oskar Lind in 1984, because salt had eaten its frame. To light it, open"
    " the valve, wait a minute and hold a match to the wick. The old lamp shone 9 miles, the new"
    " one shines 14."
)
_OVEN = (
    "Note: Backhaus\n"
    "Gebacken wird samstags. Zuerst wird eingeheizt, dann die Glut ausgeräumt, zuletzt das Brot"
    " eingeschossen.\n"
    "- Roggenbrot: 50 Minuten\n- Weißbrot: 35 Minuten\n- Zwiebelkuchen: 20 Minuten"
)
_BOAT = (
    "Note: La barque\n"
    "La barque s'appelle Mouette. Nous l'avons repeinte en bleu parce que le vernis s'écaillait."
)
_PARKING = "Note: Parkplätze\nVor der Schule gibt es acht Parkplätze, hinter dem Bad zwanzig."

_FORM = (
    " Reply with a JSON list of objects with quote (words of the note, copied exactly), key (the"
    " shortest words of the quote that answer the question), question and answer (in words of your"
    " own). Name in the question what it is about, because whoever is asked does not see the note."
)
_OR_NOTHING = " If the note tells nothing of the kind, reply []."

_FACTS = Genre(
    "facts",
    "sentence",
    "Write a short question about a fact of the note: who, what, when, where, which, how much."
    + _FORM,
    110,
    (
        Example(
            _LIGHTHOUSE,
            "English",
            (
                Item(
                    quote="The lamp was mended by Oskar Lind in 1984, because salt had eaten its"
                    " frame.",
                    key="Oskar Lind",
                    question="Who mended the lamp of the lighthouse?",
                    answer="It was repaired by Oskar Lind.",
                ),
            ),
        ),
        Example(
            _OVEN,
            "German",
            (
                Item(
                    quote="Weißbrot: 35 Minuten",
                    key="35 Minuten",
                    question="Wie lange muss Weißbrot im Backhaus in den Ofen?",
                    answer="Weißbrot braucht dort 35 Minuten.",
                ),
            ),
        ),
        Example(
            _BOAT,
            "French",
            (
                Item(
                    quote="La barque s'appelle Mouette.",
                    key="Mouette",
                    question="Quel est le nom de notre barque ?",
                    answer="Elle porte le nom de Mouette.",
                ),
            ),
        ),
    ),
)
_WHY = Genre(
    "why",
    "passage",
    "Write a question that asks for a reason which the note gives." + _FORM + _OR_NOTHING,
    150,
    (
        Example(
            _LIGHTHOUSE,
            "English",
            (
                Item(
                    quote="The lamp was mended by Oskar Lind in 1984, because salt had eaten its"
                    " frame",
                    key="salt had eaten its frame",
                    question="Why did the lamp of the lighthouse have to be mended?",
                    answer="Because its frame had been corroded by salt.",
                ),
            ),
        ),
        Example(_PARKING, "German"),
        Example(
            _BOAT,
            "French",
            (
                Item(
                    quote="Nous l'avons repeinte en bleu parce que le vernis s'écaillait",
                    key="le vernis s'écaillait",
                    question="Pourquoi avons-nous repeint la barque Mouette ?",
                    answer="Parce que son vernis partait en écailles.",
                ),
            ),
        ),
    ),
)
_HOW = Genre(
    "how",
    "passage",
    "Write a question that asks how something is done, made or used, which the note tells."
    + _FORM
    + _OR_NOTHING,
    150,
    (
        Example(
            _LIGHTHOUSE,
            "English",
            (
                Item(
                    quote="To light it, open the valve, wait a minute and hold a match to the wick",
                    key="open the valve, wait a minute and hold a match to the wick",
                    question="How do you light the lamp of the lighthouse?",
                    answer="Open its valve, and after a minute put a match to the wick.",
                ),
            ),
        ),
        Example(_PARKING, "German"),
    ),
)
_COMPARE = Genre(
    "compare",
    "passage",
    "Write a question that compares two things of the note: which is more, older or better, or how"
    " they differ." + _FORM + _OR_NOTHING,
    150,
    (
        Example(
            _LIGHTHOUSE,
            "English",
            (
                Item(
                    quote="The old lamp shone 9 miles, the new one shines 14",
                    key="the new one",
                    question="Which lamp of the lighthouse shines further, the old or the new one?",
                    answer="The new lamp does: 14 miles instead of 9.",
                ),
            ),
        ),
        Example(_BOAT, "French"),
        Example(
            _PARKING,
            "German",
            (
                Item(
                    quote="Vor der Schule gibt es acht Parkplätze, hinter dem Bad zwanzig",
                    key="hinter dem Bad",
                    question="Wo gibt es mehr Parkplätze, vor der Schule oder hinter dem Bad?",
                    answer="Mehr sind es hinter dem Bad, nämlich zwanzig.",
                ),
            ),
        ),
    ),
)
_LIST = Genre(
    "list",
    "passage",
    "Write a question that asks for all members of a list in the note, with an answer that names"
    " all of them." + _FORM + _OR_NOTHING,
    220,
    (
        Example(_BOAT, "French"),
        Example(
            _OVEN,
            "German",
            (
                Item(
                    quote="- Roggenbrot: 50 Minuten\n- Weißbrot: 35 Minuten\n- Zwiebelkuchen: 20"
                    " Minuten",
                    key="Roggenbrot: 50 Minuten\n- Weißbrot: 35 Minuten\n- Zwiebelkuchen",
                    question="Was wird im Backhaus alles gebacken?",
                    answer="Dreierlei: Roggenbrot, Weißbrot und Zwiebelkuchen.",
                ),
            ),
        ),
        Example(
            "Note: Picnic\nBring a blanket, two lemons and the blue thermos.",
            "English",
            (
                Item(
                    quote="Bring a blanket, two lemons and the blue thermos",
                    key="a blanket, two lemons and the blue thermos",
                    question="What do we have to bring to the picnic?",
                    answer="Three things: a blanket, two lemons and the blue thermos.",
                ),
            ),
        ),
    ),
)
_STEPS = Genre(
    "steps",
    "passage",
    "Write a question that asks for the steps of something that the note explains, with an answer"
    " that tells them in their order." + _FORM + _OR_NOTHING,
    260,
    (
        Example(_BOAT, "French"),
        Example(
            _OVEN,
            "German",
            (
                Item(
                    quote="Zuerst wird eingeheizt, dann die Glut ausgeräumt, zuletzt das Brot"
                    " eingeschossen",
                    key="Zuerst wird eingeheizt, dann die Glut ausgeräumt, zuletzt das Brot"
                    " eingeschossen",
                    question="In welchen Schritten wird im Backhaus gebacken?",
                    answer="Erst einheizen, danach die Glut herausholen und am Ende das Brot in den"
                    " Ofen schieben.",
                ),
            ),
        ),
        Example(
            _LIGHTHOUSE,
            "English",
            (
                Item(
                    quote="To light it, open the valve, wait a minute and hold a match to the wick",
                    key="open the valve, wait a minute and hold a match to the wick",
                    question="What are the steps for lighting the lamp of the lighthouse?",
                    answer="First open the valve, then wait for a minute, and finally hold a match"
                    " to the wick.",
                ),
            ),
        ),
    ),
)
_TWO = (
    " Reply with a JSON list of objects with quote (words of the first, copied exactly), other"
    " (words of the second, copied exactly), key (the shortest words of the quote that answer the"
    " question), question and answer (in words of your own, with what both say). Name in the"
    " question what it is about, because whoever is asked sees neither. If they have nothing to do"
    " with each other, reply []."
)
_TWO_EXAMPLES = (
    Example(
        "Note: Harbour, Boats\nThe Mary Ann is the oldest boat; she was built in 1921.\n\n"
        "Note: Harbour, Berths\nThe Mary Ann lies at pier four.",
        "English",
        (
            Item(
                quote="The Mary Ann is the oldest boat",
                other="The Mary Ann lies at pier four",
                key="The Mary Ann",
                question="Which boat at pier four is the oldest of the harbour?",
                answer="It is the Mary Ann, which lies at pier four.",
            ),
        ),
    ),
    Example(
        "Note: Verein, Kasse\nDer Beitrag ist 20 Euro.\n\n"
        "Note: Verein, Fest\nDas Fest ist im Juni.",
        "German",
    ),
    Example(
        "Note: Chorale\nNotre chef est Antoine Meunier.\n\n"
        "Note: Antoine Meunier\nAntoine habite à Romans depuis 2019.",
        "French",
        (
            Item(
                quote="Notre chef est Antoine Meunier",
                other="Antoine habite à Romans depuis 2019",
                key="Antoine Meunier",
                question="Qui est le chef de la chorale, et où habite-t-il ?",
                answer="C'est Antoine Meunier, qui habite à Romans.",
            ),
        ),
    ),
)
_PASSAGES = Genre(
    "passages",
    "passages",
    "Write a question whose answer needs both parts of the note." + _TWO,
    200,
    _TWO_EXAMPLES,
)
_NOTES = Genre(
    "notes", "notes", "Write a question whose answer needs both notes." + _TWO, 200, _TWO_EXAMPLES
)

ROUNDS: tuple[tuple[Genre, ...], ...] = (
    (_FACTS,),
    (_WHY, _HOW),
    (_LIST, _STEPS, _COMPARE),
    (_PASSAGES, _NOTES),
)
"""The genres in the order of writing: each round goes over all passages before the next begins."""

ALL: dict[str, Genre] = {genre.name: genre for genres in ROUNDS for genre in genres}
"""Every genre by its name, as `sample_drafts.GENRES` lists them."""
