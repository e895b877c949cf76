from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_backend.library.notes import Passage
from mlx_backend.study.by_rule.grammar import clauses
from mlx_backend.study.by_rule.rule_writer import quoted_statements, write
from mlx_backend.study.by_rule.statement_questions import questions_about
from mlx_backend.study.by_rule.statements import Statement
from mlx_backend.study.by_rule.topics import topic_of


def asked(text: str, topic: str = "") -> dict[str, str]:
    pairs: tuple[tuple[str, str], ...] = ()
    name, colon, value = text.partition(": ")
    if colon:
        pairs = ((name, value),)
    found = questions_about(Statement(text, pairs), topic)
    return {question.text: question.key for question in found}


@pytest.mark.parametrize(
    ("text", "question", "key"),
    [
        ("The mill needs 12 sails.", "How many sails does the mill need?", "12"),
        ("The mill was painted by Oskar in 1990.", "Who painted the mill?", "Oskar"),
        ("The mill was painted by Oskar in 1990.", "When was the mill painted by Oskar?", "1990"),
        ("Our goat is called Flint.", "What is our goat called?", "Flint"),
        ("Our goat is called Flint.", "What is the name of our goat?", "Flint"),
        ("The key hangs behind the green door.", "Where does the key hang?", "the green door"),
        ("The ladder cost 80 euros.", "How much did the ladder cost?", "80 euros"),
        ("The stamp cost 60 pence.", "How much did the stamp cost?", "60 pence"),
        ("The stamp cost 12 €.", "How much did the stamp cost?", "12 €"),
        ("The oven heats up in ten minutes.", "What heats up in ten minutes?", "the oven"),
        ("The meeting is on 4 March.", "When is the meeting?", "4 March"),
        ("The hens get corn every two days.", "How often do the hens get corn?", "every two days"),
        ("Ida teaches the violin.", "Who teaches the violin?", "Ida"),
        ("We sold it to Ida.", "Who did we sell the boat to?", "Ida"),
        ("Against the wind I wear the grey coat.", "What do I wear against the wind?",
         "the grey coat"),
        ("Leave the parcel in the porch.", "Where should I leave the parcel?", "the porch"),
        ("Bench height: 92 cm", "What is the bench height?", "92 cm"),
        ("Oven time 40 minutes.", "What is the oven time?", "40 minutes"),
        ("The tandem is a 2009 Arriva, bottle green.", "What is the tandem?", "a 2009 Arriva"),
        ("The shed is dry and kept at 11 degrees.", "What is kept at 11 degrees?", "the shed"),
        ("There are two kinds of sail.", "How many kinds are there of sail?", "two"),
        ("Never hang the coat over Old Smoke.", "Where should I never hang the coat?", "Old Smoke"),
        ("The lemon tree winters at Mirjam's.", "Where does the lemon tree winter?", "Mirjam's"),
        ("The choir sings every Friday at 19:30.", "How often does the choir sing?",
         "every Friday"),
        ("Ida pays 5 euros for the boat.", "How much does Ida pay?", "5 euros"),
        ("We rent the barn from 1 May.", "When do we rent the barn from?", "1 May"),
        ("Signs close on 3 May.", "When do signs close?", "3 May"),
        ("Swapped the rope for a chain.", "What did we swap for a chain?", "the rope"),
        ("Lost the day because the storm broke the mast.", "What did the storm break?",
         "the mast"),
        ("The boat is in hall 3.", "Which hall is the boat in?", "3"),
        ("I left the red lamp and the oar in Ida's shed.", "Where did I leave the red lamp and the"
         " oar?", "Ida's shed"),
        ("Sea trial begun at Moss, with four lamps on the deck.", "Where was the sea trial begun?",
         "Moss"),
        ("Sea trial begun at Moss, with four lamps on the deck.", "How many lamps are on the deck?",
         "four"),
        ("Our baker, Ida Lund, lives in Moss.", "Who is our baker?", "Ida Lund"),
        ("The letter is for Emil, who rowed to Bergen in May.", "When did Emil row to Bergen?",
         "May"),
        ("Yearly census by Ida Lund.", "Who is the yearly census by?", "Ida Lund"),
        ("Regatta on 12 June, bring oars", "When is the regatta?", "12 June"),
        ("Ida Lund: baker, speaks Danish, in Moss on Fridays", "Who is the baker?", "Ida Lund"),
        ("Ida Lund: baker, speaks Danish, in Moss on Fridays", "Who or what is Ida Lund?", "baker"),
        ("Ida Lund: baker, speaks Danish, in Moss on Fridays",
         "On which day is Ida Lund in Moss?", "Fridays"),
        ("range: reached 640 metres in May", "How many metres did the range reach?", "640"),
        ("spare key: behind the clock", "Where is the spare key?", "the clock"),
        ("Toll: 18 euros, paid by Ida", "How much is the toll?", "18 euros"),
        ("The rope ladder hangs in the attic.", "What hangs in the attic?", "the rope ladder"),
        ("All the open sails still hold the wind.", "What do all the open sails still hold?",
         "the wind"),
        ("The colours are red, blue and green.", "What are the colours?", "red, blue and green"),
        ("The dean is Ruth McRae.", "Who is Ruth McRae?", "the dean"),
        ("I often row to Bergen in May.", "When do I often row to Bergen?", "May"),
    ],
)  # fmt: skip
def test_sentences_become_questions(text: str, question: str, key: str) -> None:
    assert asked(text, topic="the boat")[question] == key


def test_rows_are_asked_for_from_both_ends() -> None:
    row = Statement("Ida: age 41", (("name", "Ida"), ("age", "41")), is_row=True)
    found = {question.text: question.key for question in questions_about(row)}
    assert found["What is the age of Ida?"] == "41"
    assert found["Which name is listed with age 41?"] == "Ida"


def test_a_pair_is_not_joined_with_the_line_before() -> None:
    text = "- spare key: with Ida, third floor\n- landlord: Rusk"
    passage = Passage(id=1, note_id=1, note_title="House", position=0, heading="", text=text)
    ((_, landlord),) = quoted_statements([passage])
    assert landlord.quote == "landlord: Rusk"


def test_items_with_a_dash_are_pairs_too() -> None:
    text = "- Ida Lund - baker, in on Mondays\n- Per Holt — printer\n- spare key – keeps the gate"
    passage = Passage(id=1, note_id=1, note_title="Staff", position=0, heading="", text=text)
    (stated,) = quoted_statements([passage])
    found = {draft.prompt: draft.key for draft in write("Staff", stated)}
    assert found["Who is the baker?"] == "Ida Lund"
    assert found["When is Ida Lund in?"] == "Mondays"
    assert found["Who or what is Per Holt?"] == "printer"
    assert found["What does the spare key keep?"] == "the gate"


def test_a_dash_in_a_sentence_names_nothing() -> None:
    passage = Passage(id=1, note_id=1, note_title="Staff", position=0, heading="",
        text="The boat - a gift - is gone.\n\n- a-b-c\n- 3 - 4\n- - -")  # fmt: skip
    (stated,) = quoted_statements([passage])
    assert not [draft for draft in write("Staff", stated) if draft.kind == "pair"]


def test_what_is_struck_through_is_not_asked() -> None:
    text = "~~The fair is on 4 March.~~ The fair is on ~~6~~ 9 May."
    passage = Passage(id=1, note_id=1, note_title="Fair", position=0, heading="", text=text)
    (stated,) = quoted_statements([passage])
    assert [each.quote for each in stated] == ["The fair is on 9 May."]


def test_heads_that_are_half_a_sentence_are_asked_for_in_whole_ones() -> None:
    pairs = (("Name", "stoat"), ("Where it stands", "the cellar"), ("Used for", "old files"))
    row = Statement("stoat: Where it stands the cellar, Used for old files", pairs, is_row=True)
    found = {question.text: question.key for question in questions_about(row)}
    assert found["Where does stoat stand?"] == "the cellar"
    assert found["What is stoat used for?"] == "old files"
    assert found["What is used for old files?"] == "stoat"


@pytest.mark.parametrize(
    "text",
    [
        "Das Boot liegt im Hafen von Kiel.",
        "and so on and so forth",
        "12 13 14",
        "So if you write a program like so: and then run it",
        "It is important to note that this happens.",
        "?!?! ... --- ***",
        "the the the the",
        "is is is",
        "{title} %s {0} \\1",
    ],
)
def test_what_is_not_understood_is_not_asked(text: str) -> None:
    assert asked(text) == {}


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("They allow for single and double quotes without fuss.", "What quotes"),
        ("The approach that you can take is to chain two commands.", "can take is"),
        ("The trick is to double them up.", "is to double"),
        ("Make sure the lamp is included in the list.", "make sure"),
        ("This is handy if you are looking in the cellar.", "this handy"),
        ("The rule requires that every lamp in the hall burns.", "every lamp?"),
        ("The upper M and B are gone.", "What are B"),
        ("I can buy it for Vim's sake.", "buy it for?"),
        ("We had tea with React 16.3 there.", "tea with"),
        ("The lamp works a lot like a candle.", "lamp work?"),
        ("The lamp gets passed along to Ida.", "get along"),
        ("It cost 5 euros and 30 cents.", "cost 5 euros and?"),
        ("Prices are $5, €6 and £7.", "$5?"),
        ("The lamp has 3 bulbs, 4 screws and 5 hooks.", "have 3 bulbs?"),
        ("Anna said Ben lives in Oslo.", "Who lives"),
        ("The team no longer uses the mill.", "What uses"),
        ("The plan is that Emil goes to Bergen in May.", "What is that"),
        ("The first is by giving it a block.", "is by giving"),
        ("TypeError: Cannot read the file.", "TypeError?"),
        ("It can be used to draw floats between 0 and 1.", "between 0?"),
        ("Whenever the mill gets run, Ida sings.", "gets run"),
        ("The command can show the sum right in the terminal.", "sum right?"),
        ("The manual recommends adding a second, smaller test.", "a second?"),
        ("I use it to alter and limit the paths in a command.", "should I limit"),
        ("You keep it quick by showing the first 100 lines.", "How many"),
        ("If the number happens to be 0.", "number happens"),
        ("The result is shown in the same way.", "Where"),
        ("It is also possible to row to the mill.", "possible"),
        ("Add the row names as headers to the mill with the keyword.", "names as headers"),
        ("What's needed to row is the oar.", "What is What's"),
        ("The mill runs the latest version 0.16.0.", "time"),
        ("Either is separated from the other three sails.", "How many"),
        ("The mill has a door called", "called?"),
        ("There are two sails.", "How many sails are there?"),
        ("The keeper does this with a rope.", "this with"),
        ("The keeper pays the toll within that week.", "that week"),
        ("The boat is a mix of each of the planks in the yard.", "Where"),
        ("It was at 5 seconds past noon.", "How long"),
        ("The keeper's notes give a few hints.", "What notes"),
        ("Included with the mill is a rope which opens the door.", "included with"),
        ("The sails are worn and scattered across the yard.", "What scattered"),
        ("The next bus goes to stop 7, not 8.", "Not?"),
        ("Small caveat: sails tear", "caveat?"),
        ("The sails are named after their makers.", "Who or what is called"),
        ("The mill is a bit noisy.", "What is the mill?"),
        ("The basket holds the bread, the cheese and a knife.", "does the basket hold?"),
        ("Ruth also captures the wind in the sails.", "What captures"),
        ("We carry ropes and oars using straps.", "does we"),
        ("Which brings the light, and sails is what 1 looks like.", "How many looks"),
        ("You can do it one of two ways.", "How many ways"),
        ("The fee was about $0.02 in all.", "At what time"),
        ("All but the last two sails are new.", "What are new"),
        ("Our lamps are capable of so much more.", "are our lamps"),
        ("Sorting lists of sails is dull.", "What lists"),
        ("Whose sails can be set by hand.", "What can be set"),
        ("Which mill is the oldest of the valley?", "What"),
        ("This gives the same: 10 sails after the first", "This gives"),
        ("All the open sails still hold the wind.", "What sails"),
        ("The mast was not painted by Ida Lund.", "Who painted"),
        ("The boat is not called Rusk but Flint.", "called"),
        ("Modern kinds of oars and sails have a mark.", "What kinds"),
        ("The clerk also needs to know.", "to know"),
        ("Oars have some habits that make lamps, ropes and sails wet.", "make lamps?"),
        ("The sails are marked for racing, rowing and rest.", "marked for racing?"),
        ("Two old, dull ones are the oar and", "ones"),
        ("Many of the harbour lamps we use hang in Moss.", "What lamps"),
        ("I wanted a list of all the lamps broken in Moss.", "Where"),
        ("Sails mended in Moss receive a red mark.", "mended in Moss receive"),
        ("Being able to row the boat races through the fjord to Moss is fine.", "through"),
        ("The first thing the keeper tells you to do is row.", "What tells"),
        ("Whatever is in the box is what the keeper sells.", "What is in"),
        ("A little bit later the bell rang.", "What bit"),
        ("It turns out the key is gone.", "turns out"),
        ("Our basket is a light, sturdy thing.", "What is our basket?"),
        ("The cellar is separate from the attic.", "What is the cellar?"),
        ("The choices are oak, elm, ash and pine.", "What is oak"),
        ("Both the upper hall and your own boat have a bell.", "What has"),
        ("The clerk can show the current date and related letters.", "What did"),
        ("Polishing makes rowing to Moss even easier.", "make"),
        ("You still have letters to them lying around.", "to them"),
        ("The tide tells the keeper when to row.", "What tells the keeper?"),
        ("The paint lets you work faster, cleaner, happier days.", "cleaner?"),
        ("The main one is a lamp.", "What is a lamp"),
        ("The lamp rests on its own.", "Where"),
        ("These two halls hold the oars.", "these"),
        ("HSL is older than the mill.", "Who"),
        ("Hitting Moss is a feat of the crew.", "Who"),
        ("The bell rings and then the mill stops.", "then"),
        ("They keep track of ropes and anchors in the book.", "What anchors"),
        ("Milk: oat; ...", "..."),
        ("The aerial: ...", "..."),
        ("We can build a boat in a familiar manner.", "Where"),
        ("I present all four lamps in this letter.", "How many"),
        ("The oar is particularly important.", "important?"),
        ("The third line gives me the help I need.", "gives me"),
        ("The box has a set of oars, one of which holds the rope and carries your lamp.", "carr"),
        ("Most of the oars are long poles.", "What are most"),
        ("The lamp now shows a time in the harbour.", "What does the lamp"),
        ("The yellow mast is the perfect fit for this.", "What is the yellow mast"),
        ("Password: [password removed]", "assword"),
        ("The code of the gate is [code removed].", "code of the gate"),
        ("Oars need to be dried and used within the week.", "What used"),
        ("The old boat can do that and a lot more.", "do that"),
        ("One in particular caught my eye.", "one in particular"),
        ("Emil is only one of three rowers.", "What is Emil"),
        ("The crew keeps both the oar and the sail in a shed.", "both the oar?"),
        ("We can take a quick peek under the sail.", "Where"),
        ("You can simply hit F8.", "Which"),
        ("The sum will approach 0.", "Which approach"),
        ("We can say we want to do something N times.", "Which something"),
        ("Formatting a string with Printf", "the formatting"),
        ("Stem bolts 5 newton metres.", "does stem bolt"),
        ("Noticed by: Ida, through a window in Moss", "the noticed by"),
        ("The crew is given four lamps on Monday.", "lamps are on"),
    ],
)
def test_what_is_half_understood_is_not_asked(text: str, question: str) -> None:
    assert not [asked_for for asked_for in asked(text, "our goat") if question in asked_for]


def test_the_rest_of_a_torn_sentence_is_not_taken_for_one() -> None:
    torn = Statement("worn sails turn for that mill", is_torn=True)
    assert questions_about(torn, "our goat") == []
    assert topic_of(Statement("our mill turns", is_torn=True)) == ""


def test_a_pronoun_may_not_stand_for_just_any_one() -> None:
    assert topic_of(Statement("A new mill was built.")) == ""


@pytest.mark.parametrize(
    ("before", "text", "question"),
    [
        ("Ida bought the boat in May.", "It is called Rusk.", "Ida"),
        ("The goat ate the book.", "It was printed in Moss.", "goat"),
        ("The keeper is ill.", "They row to Moss.", "keeper"),
    ],
)
def test_a_pronoun_that_may_stand_for_another_is_left_alone(
    before: str, text: str, question: str
) -> None:
    assert not [asked_for for asked_for in asked(text, topic_of(Statement(before)))
                if question in asked_for]  # fmt: skip


def test_no_question_tells_its_answer() -> None:
    text = "The mill was painted by Oskar in 1990 and the goat is called Flint."
    found = asked(text)
    assert found
    assert not any(f" {key} " in question.replace("?", " ?") for question, key in found.items())


def test_a_pronoun_stands_for_what_the_sentence_before_was_about() -> None:
    before = Statement("Our goat is two years old.")
    topic = topic_of(before)
    assert topic == "our goat"
    assert "What did we name our goat?" in asked("We named it Flint.", topic)
    assert topic_of(Statement("It eats hay."), topic) == topic
    assert topic_of(Statement("We are here."), topic) == ""


def test_a_clause_lends_its_subject_to_the_next() -> None:
    first, second = clauses("The hen is called Ada and lays every day.")
    assert (first.subject, second.subject) == ("the hen", "the hen")
    assert (second.verb, second.base) == ("lays", "lay")


_WORDS = [
    "The",
    "an",
    "Ida",
    "Rusk",
    "who",
    "which",
    "is",
    "was",
    "were",
    "has",
    "of",
    "by",
    "with",
    "because",
    "and",
    "but",
    "not",
    "to",
    "keeps",
    "lost",
    "Swapped",
    "lamp",
    "oars",
    "12",
    "12.5",
    "3rd",
    "May",
    "every",
    "Friday",
    "at",
    "19:30",
    "5",
    "euros",
    "`x`",
    "*a*",
    "(b)",
    '"c"',
    "...",
    ",",
    ";",
    ":",
    ".",
    "-",
    "?",
    "I",
    "it",
    "them",
    "there",
    "all",
    "four",
    "first",
    "way",
    "stands",
    "given",
    "done",
]


@settings(max_examples=300)
@given(words=st.lists(st.sampled_from(_WORDS), max_size=14), joint=st.sampled_from([" ", ""]))
def test_no_statement_is_too_odd_to_be_read(words: list[str], joint: str) -> None:
    text = joint.join(words)
    passage = Passage(
        id=1, note_id=1, note_title="Odd", position=0, heading="", text=f"{text}\n- a: {text}"
    )
    for stated in quoted_statements([passage]):
        for draft in write("Odd", stated):
            assert draft.prompt


def test_a_number_begins_no_other_thing_behind_and() -> None:
    text = "We need seven square metres and one box over for breakages."
    assert not [question for question in asked(text) if question.startswith("What do we need")]
