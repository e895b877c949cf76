"""Samples about notes that link to each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from mlx_backend.dataset.facts import LONGEST_MENTION, StudiedPassage, ended, titled_question
from mlx_backend.dataset.link_targets import Places
from mlx_backend.dataset.samples import Sample
from mlx_backend.library.sample_drafts import titled_answer
from mlx_backend.study.by_rule.keyword_prompts import content_terms
from mlx_backend.study.by_rule.markdown_links import links_in
from mlx_backend.study.by_rule.rule_writer import QuotedStatement
from mlx_backend.study.by_rule.statements import plain
from mlx_backend.text.words import count_words

_MOST_JOINED = 4  # links from a note or to it, because an index note would dominate
_MOST_LISTED = 8
_SHORTEST_OPENING = 4  # words
_FEWEST_TERMS = 2  # content words beside the links: more than "see"
_LISTS = (
    ("{} links to {}.", ("Which notes does {} link to?", "What does {} refer to?")),
    ("{} is linked from {}.", ("Which notes link to {}?", "Which notes point to {}?")),
)
_JOINED = (
    "What do my notes say about {to}, which {title} mentions?",
    "What does {title} say about {to}, and what does {to} say?",
)


@dataclass(frozen=True)
class _Link:
    """A link from a passage to the note with id `to`.

    quote: the statement with the link. shown: the text of the link. Both "" without a statement.
    """

    studied: StudiedPassage
    to: int
    to_title: str
    quote: str = ""
    shown: str = ""

    @property
    def titles(self) -> tuple[str, str]:
        return self.studied.passage.note_title, self.to_title

    @property
    def notes(self) -> tuple[int, int]:
        return self.studied.passage.note_id, self.to


def about_links(
    studied: Sequence[StudiedPassage], places: Places, withheld: Set[tuple[str, str]]
) -> Iterator[Sample]:
    """Samples about which notes link to which, and about what two linked notes say.

    `withheld`: pairs of (prompt, answer) that must not be trained.
    """
    links = list(_links(studied, places))
    named = Counter({each.passage.note_id: each.passage.note_title for each in studied}.values())
    yield from _lists(links, named)
    openings = _openings(studied)
    for link in _few_of_each(link for link in links if link.quote and link.to in openings):
        yield from _joined(link, openings[link.to], withheld)


def _links(studied: Sequence[StudiedPassage], places: Places) -> Iterator[_Link]:
    """The links between notes that are taught, without those in withdrawn statements."""
    titles = {each.passage.note_id: each.passage.note_title for each in studied}
    for each in studied:
        passage, said = each.passage, _said_around(each.taught)
        left_out = _targets(each.stated) - _targets(each.taught)
        for target in dict.fromkeys(link.target for link in links_in(passage.text)):
            to = places.pointed_to(passage.note_id, target)
            if to in titles and titles[to] != passage.note_title and target not in left_out:
                yield _Link(each, to, titles[to], *said.get(target, ()))


def _targets(stated: Sequence[QuotedStatement]) -> set[str]:
    return {link.target for each in stated for link in each.statement.links}


def _said_around(stated: Sequence[QuotedStatement]) -> dict[str, tuple[str, str]]:
    """By link target: the first quote with more than its links, and the text of the link."""
    found: dict[str, tuple[str, str]] = {}
    for each in stated:
        shown = {link.target: plain(link.shown) for link in each.statement.links}
        rest = each.statement.text
        for words in filter(None, shown.values()):
            rest = rest.replace(words, " ")
        if len(content_terms(rest)) >= _FEWEST_TERMS:
            found = {target: (each.quote, words) for target, words in shown.items()} | found
    return found


def _lists(links: Sequence[_Link], named: Counter[str]) -> Iterator[Sample]:
    """Samples that list the links from a note and to it, unless several notes have its title."""
    for side, (said, forms) in enumerate(_LISTS):
        listed: defaultdict[int, dict[str, _Link]] = defaultdict(dict)
        for link in links:
            if named[link.titles[side]] == 1:
                listed[link.notes[side]].setdefault(link.titles[1 - side], link)
        for others in listed.values():
            first = next(iter(others.values()))
            title = first.titles[side]
            answer = said.format(title, _enumerated(list(others)))
            if len(others) <= _MOST_LISTED and count_words(answer) <= LONGEST_MENTION:
                for form in forms:
                    yield _sample(list(others.values()), form.format(title), answer)


def _few_of_each(links: Iterable[_Link]) -> Iterator[_Link]:
    """At most one link between two titles, and few from and to each note."""
    written: Counter[tuple[str, int]] = Counter()
    seen: set[tuple[str, str]] = set()
    for link in links:
        ends = ("from", link.studied.passage.note_id), ("to", link.to)
        if link.titles not in seen and max(written[end] for end in ends) < _MOST_JOINED:
            seen.add(link.titles)
            written.update(ends)
            yield link


def _openings(studied: Sequence[StudiedPassage]) -> dict[int, QuotedStatement]:
    """The first statement of each note, by its id; a whole sentence if there is one."""
    found: defaultdict[int, list[QuotedStatement]] = defaultdict(list)
    for each in studied:
        found[each.passage.note_id] += each.taught
    return {note: min(stated, key=_is_aside) for note, stated in found.items() if stated}


def _is_aside(quoted: QuotedStatement) -> bool:
    statement = quoted.statement
    is_short = count_words(statement.text) < _SHORTEST_OPENING
    return is_short or bool(statement.pairs or statement.links) or statement.text.endswith("?")


def _joined(
    link: _Link, opening: QuotedStatement, withheld: Set[tuple[str, str]]
) -> Iterator[Sample]:
    title, to = link.titles
    quotes = titled_answer(title, link.quote), titled_answer(to, opening.quote)
    answer = " ".join(ended(quote) for quote in quotes)
    if count_words(answer) > LONGEST_MENTION:
        return
    for form in _JOINED:
        yield _sample([link], form.format(title=title, to=to), answer)
    for stored in link.studied.samples:
        asks_for_it = link.shown and link.shown in stored.key and stored.quote == link.quote
        is_free = not stored.choice and (stored.prompt, stored.answer) not in withheld
        if asks_for_it and is_free and stored.prompt.endswith("?"):
            question = titled_question(title, stored.prompt).rstrip("?")
            yield _sample([link], f"{question}, and what do my notes say about that?", answer)
            return


def _sample(links: Sequence[_Link], prompt: str, answer: str) -> Sample:
    """A sample about some links; it belongs to the note of the first."""
    passage = links[0].studied.passage
    notes = dict.fromkeys(note for link in links for note in link.notes)
    others = tuple(note for note in notes if note != passage.note_id)
    return Sample(prompt, answer, passage.note_id, passage.id, "linked", others=others)


def _enumerated(titles: Sequence[str]) -> str:
    before = ", ".join(titles[:-1])
    return f"{before} and {titles[-1]}" if before else titles[-1]
