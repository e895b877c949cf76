"""The genres of questions that a reader writes, each with its request, and the worked examples.

The examples are turns of a conversation before the one that counts, because small models follow
examples better than instructions. All genres about as many passages have the same, so that a model
reads them once for each form of reply. They are in several languages, since the only one would be
taken for the one to write in. Whatever is in them is invented.

A reply quotes first, because what a model has just written is what it asks about. Then it asks, and
says which words of the quote are the answer. Where it is given the words to ask for, these stand
before the question, in the examples as well: of 64 sentences, 0.5 billion parameters so wrote 26
questions that were kept, and 11 where the examples had them after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlx_backend.study.by_model.reader.items import Item
from mlx_backend.text.words import folded_words

Subject = Literal["sentence", "words", "passage", "numbers", "list", "steps", "passages", "notes"]
"""What a question is about: a sentence of a passage, a name or number in one, a passage, one with
amounts in a sentence, a list in one, a list in order, two passages of a note, two notes."""


@dataclass(frozen=True)
class Genre:
    """A kind of questions. tokens: the most of a reply; a runaway model ends there."""

    name: str
    subject: Subject
    request: str
    tokens: int


@dataclass(frozen=True)
class Example:
    """A note (or two) that the model is shown, and its reply to each request, in their order.

    A reply without items says that nothing fits. names: words that only it has.
    """

    shown: str
    language: str
    names: tuple[str, ...]
    replies: tuple[tuple[Genre, tuple[Item, ...]], ...]


FACTS = Genre("facts", "sentence", "Ask for a fact: who, what, when, where, which, how much.", 110)
DETAILS = Genre("details", "words", FACTS.request, 110)
WHY = Genre("why", "passage", "Ask why: for a reason that the note gives.", 140)
HOW = Genre("how", "passage", "Ask how something is done, made or used.", 140)
COMPARE = Genre("compare", "numbers", "Ask which of two things has more of something.", 140)
LIST = Genre("list", "list", "Ask for all of a list, and name all in the answer.", 200)
STEPS = Genre("steps", "steps", "Ask for the steps of something, and tell all in the answer.", 240)

PASSAGES = Genre("passages", "passages", "Ask for something that needs both parts.", 180)
NOTES = Genre("notes", "notes", "Ask for something that needs both notes.", 180)

INSTRUCTION = (
    "Write questions about notes for somebody who does not see the notes. Reply with a JSON list of"
    " objects with quote (words of the note, copied exactly), question (it names what it is about,"
    " and does not tell the answer), key (the shortest words of the quote that answer the question)"
    " and answer (a sentence in words of your own). If a note tells nothing of the kind, reply []."
)
INSTRUCTION_FOR_KEYS = (
    "Write questions about notes for somebody who does not see the notes. Reply with a JSON list of"
    " objects with quote (words of the note, copied exactly), key (the words of the quote to ask"
    " for), question (the key answers it; it names what it is about, and does not tell the key) and"
    " answer (a sentence in words of your own). If a note tells nothing of the kind, reply []."
)
INSTRUCTION_FOR_TWO = (
    "Write questions about two notes for somebody who does not see them. Reply with a JSON list of"
    " objects with quote (words of the first, copied exactly), other (words of the second, copied"
    " exactly), question (it names what it is about, and does not tell the answer), key (the"
    " shortest words of the quote that answer the question) and answer (a sentence in"
    " words of your own). If the two have nothing to do with each other, reply []."
)

_LIGHTHOUSE = Example(
    "Note: Lighthouse\n"
    "The lamp was mended by Oskar Lind in 1984, because salt had eaten its frame. To light it, open"
    " the valve, wait a minute and hold a match to the wick. The old lamp shone 9 miles, the new"
    " one shines 14.",
    "English",
    ("lighthouse", "oskar", "lind"),
    (
        (
            FACTS,
            (
                Item(
                    quote="The lamp was mended by Oskar Lind in 1984, because salt had eaten its"
                    " frame.",
                    question="In which year was the lamp of the lighthouse mended?",
                    key="1984",
                    answer="That was done in 1984.",
                ),
            ),
        ),
        (
            WHY,
            (
                Item(
                    quote="The lamp was mended by Oskar Lind in 1984, because salt had eaten its"
                    " frame.",
                    question="Why did the lamp of the lighthouse have to be mended?",
                    key="salt had eaten its frame",
                    answer="Because its frame had been corroded by salt.",
                ),
            ),
        ),
        (
            HOW,
            (
                Item(
                    quote="To light it, open the valve, wait a minute and hold a match to the"
                    " wick.",
                    question="How do you light the lamp of the lighthouse?",
                    key="open the valve, wait a minute and hold a match to the wick",
                    answer="Open its valve, and after a minute put a match to the wick.",
                ),
            ),
        ),
        (
            COMPARE,
            (
                Item(
                    quote="The old lamp shone 9 miles, the new one shines 14.",
                    question="Which lamp of the lighthouse shines further, the old or the new one?",
                    key="the new one",
                    answer="The new lamp does: 14 miles instead of 9.",
                ),
            ),
        ),
    ),
)
_PICNIC = Example(
    "Note: Picnic\nThe baskets are in the car. Bring a blanket, two lemons and the blue thermos.",
    "English",
    ("picnic",),
    (
        (WHY, ()),
        (
            LIST,
            (
                Item(
                    quote="Bring a blanket, two lemons and the blue thermos.",
                    question="What do we have to bring to the picnic?",
                    key="a blanket, two lemons and the blue thermos",
                    answer="Three things: a blanket, two lemons and the blue thermos.",
                ),
            ),
        ),
        (COMPARE, ()),
        (STEPS, ()),
    ),
)
_OVEN = Example(
    "Note: Backhaus\n"
    "Der Teig ruht über Nacht, weil er sonst reißt. Zuerst wird eingeheizt, dann die"
    " Glut ausgeräumt, zuletzt das Brot eingeschossen.\n"
    "- Roggenbrot: 50 Minuten\n- Weißbrot: 35 Minuten\n- Zwiebelkuchen: 20 Minuten",
    "German",
    ("backhaus", "roggenbrot", "weißbrot", "zwiebelkuchen"),
    (
        (
            FACTS,
            (
                Item(
                    quote="Weißbrot: 35 Minuten",
                    question="Wie lange muss Weißbrot im Backhaus in den Ofen?",
                    key="35 Minuten",
                    answer="Weißbrot bleibt dort 35 Minuten im Ofen.",
                ),
            ),
        ),
        (
            WHY,
            (
                Item(
                    quote="Der Teig ruht über Nacht, weil er sonst reißt.",
                    question="Warum lässt man den Teig im Backhaus über Nacht ruhen?",
                    key="er sonst reißt",
                    answer="Weil der Teig ohne die lange Ruhe reißen würde.",
                ),
            ),
        ),
        (COMPARE, ()),
        (
            STEPS,
            (
                Item(
                    quote="Zuerst wird eingeheizt, dann die Glut ausgeräumt, zuletzt das Brot"
                    " eingeschossen.",
                    question="In welchen Schritten wird im Backhaus gebacken?",
                    key="Zuerst wird eingeheizt, dann die Glut ausgeräumt, zuletzt das Brot"
                    " eingeschossen",
                    answer="Erst einheizen, danach die Glut herausholen und am Ende das Brot in den"
                    " Ofen schieben.",
                ),
            ),
        ),
    ),
)
_BOAT = Example(
    "Note: La barque\n"
    "La barque s'appelle Mouette. Nous l'avons repeinte en bleu parce que le vernis s'écaillait.",
    "French",
    ("barque", "mouette"),
    (
        (COMPARE, ()),
        (
            FACTS,
            (
                Item(
                    quote="La barque s'appelle Mouette.",
                    question="Quel est le nom de notre barque ?",
                    key="Mouette",
                    answer="Elle porte le nom de Mouette.",
                ),
            ),
        ),
        (
            WHY,
            (
                Item(
                    quote="Nous l'avons repeinte en bleu parce que le vernis s'écaillait.",
                    question="Pourquoi avons-nous repeint la barque Mouette ?",
                    key="le vernis s'écaillait",
                    answer="Parce que son vernis partait en écailles.",
                ),
            ),
        ),
    ),
)
EXAMPLES = (_PICNIC, _LIGHTHOUSE, _OVEN, _BOAT)
"""For the genres that are about one passage."""

_HARBOUR = Example(
    "Note: Harbour, Berths\nThe Mary Ann lies at pier four.\n\n"
    "Note: Harbour, Boats\nThe Mary Ann is the oldest boat; she was built in 1921.",
    "English",
    ("harbour", "mary", "ann"),
    (
        (
            PASSAGES,
            (
                Item(
                    quote="The Mary Ann lies at pier four",
                    other="The Mary Ann is the oldest boat",
                    question="At which pier does the oldest boat of the harbour lie?",
                    key="pier four",
                    answer="The oldest boat, the Mary Ann, lies at pier four.",
                ),
            ),
        ),
    ),
)
_CLUB = Example(
    "Note: Verein, Kasse\nDer Beitrag ist 20 Euro.\n\nNote: Verein, Fest\nDas Fest ist im Juni.",
    "German",
    ("verein",),
    ((PASSAGES, ()),),
)
_CHOIR = Example(
    "Note: Antoine Meunier\nAntoine habite à Romans depuis 2019.\n\n"
    "Note: Chorale\nNotre chef est Antoine Meunier.",
    "French",
    ("antoine", "meunier", "chorale", "romans"),
    (
        (
            NOTES,
            (
                Item(
                    quote="Antoine habite à Romans depuis 2019",
                    other="Notre chef est Antoine Meunier",
                    question="Où habite le chef de la chorale ?",
                    key="Romans",
                    answer="Le chef, Antoine Meunier, habite à Romans.",
                ),
            ),
        ),
    ),
)
EXAMPLES_FOR_TWO = (_HARBOUR, _CLUB, _CHOIR)
"""For the genres that are about two passages."""

NAMES_IN_EXAMPLES = frozenset(
    word
    for example in (*EXAMPLES, *EXAMPLES_FOR_TWO)
    for word in folded_words(" ".join(example.names))
)
"""A question that has one of these words, and whose note has it not, is about an example."""

ROUNDS: tuple[tuple[Genre, ...], ...] = (
    (FACTS,),
    (WHY, HOW, LIST, STEPS, COMPARE),
    (DETAILS,),
    (PASSAGES, NOTES),
)
"""The genres in the order of writing: each round goes over all passages before the next begins.

Those of a round are written together, because the model then reads each passage once for them (a
second time for lists, whose words are given).
"""

ALL: dict[str, Genre] = {genre.name: genre for genres in ROUNDS for genre in genres}
"""Every genre by its name, as `sample_drafts.GENRES` lists them."""
