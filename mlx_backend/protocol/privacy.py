"""The privacy page: what the gate before any export found, for the person alone."""

from __future__ import annotations

import msgspec


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the person stands in a file that would leave.

    file: its path, for a file in a zip followed by its name there. what: in words for the person;
    a secret or a token is never repeated. where: the place in the file, in words. note: the note
    that it comes from, 0 where it comes from none. is_secret: it is a secret or a token, which may
    leave on no condition.
    """

    file: str
    what: str
    where: str = ""
    note: int = 0
    is_secret: bool = False


class Exposed(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that the adapter finds likelier than others of the same form: it learned it.

    note, title: the note that it stands in. kind: as in "password". rank: its place among the `of`
    tried, itself included, by how likely the adapter finds each after the note's own words;
    base_rank: its place without the adapter. allowed: whether the person let training see it. The
    secret itself is never told.
    """

    note: int
    title: str
    kind: str
    rank: int
    base_rank: int
    of: int
    allowed: bool = False


class Continuation(msgspec.Struct, frozen=True, kw_only=True):
    """How base model and adapter go on where a private passage begins, each by its likeliest words.

    beginning: the words of the note that both were given; base, adapter: what each wrote after
    them. base_run, adapter_run: the longest run of words of that which stands in the note as well.
    secrets: the kinds of the note's secrets that the adapter's words repeat;
    their values are masked.
    """

    note: int
    title: str
    beginning: str
    base: str
    adapter: str
    base_run: int
    adapter_run: int
    secrets: tuple[str, ...] = ()


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """An invented code that was trained along, and whether the adapter would give it away.

    title: what the sentence with it is about, invented as well. rank, base_rank, of: as of
    `Exposed`. seen: how often training showed it. is_usual: as often as a fact that stands in one
    note, else in a single sample. is_earlier: it was trained in a night before the adapter's own.
    The code itself is never told.
    """

    title: str
    rank: int
    base_rank: int
    of: int
    seen: int
    is_usual: bool
    is_given_away: bool
    is_earlier: bool = False


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """How much was tested. secrets: of `secrets_known` in the notes that the adapter learned.

    notes: how many notes that is; 0 for an adapter that came from others, whose notes are not here.
    """

    files: int = 0
    bytes: int = 0
    words: int = 0
    notes: int = 0
    secrets: int = 0
    secrets_known: int = 0
    passages: int = 0


class PrivacyPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the gate found about an adapter and the files that would leave.

    adapter_tested: whether the adapter itself was tested, and not the files alone. was_made_here:
    whether notes of this library were taught to it, so that it should have been. planted: the
    invented codes that were trained along, none where the person had not agreed. stopped: whether
    the person stopped the test before its end.
    """

    adapter: str
    hits: tuple[Hit, ...] = ()
    exposed: tuple[Exposed, ...] = ()
    continuations: tuple[Continuation, ...] = ()
    tested: Tested = Tested()
    adapter_tested: bool = False
    was_made_here: bool = False
    planted: tuple[Planted, ...] = ()
    stopped: bool = False

    @property
    def repeating(self) -> tuple[Continuation, ...]:
        """The continuations in which the adapter repeats a secret of the note."""
        return tuple(each for each in self.continuations if each.secrets)

    @property
    def has_findings(self) -> bool:
        """Whether anything was found that should not leave."""
        return bool(self.hits or self.exposed or self.repeating)

    @property
    def is_clear(self) -> bool:
        """Whether the whole test was made and nothing found that should not leave.

        Of an adapter that others made, the files are all that can be tested.
        What the adapter repeats of ordinary text does not count: it was trained to know the notes.
        Nor do invented codes: they tell how well it remembers, but nothing of the person.
        """
        is_untested = self.was_made_here and not self.adapter_tested
        return not (self.has_findings or is_untested or self.stopped)

    @property
    def may_leave_anyway(self) -> bool:
        """Whether the person may decide to share it all the same: not where files hold a secret."""
        return not any(hit.is_secret for hit in self.hits)

    @property
    def notes_to_leave_out(self) -> tuple[int, ...]:
        """The notes to leave out before training again, so that the adapter keeps to itself."""
        found = {each.note for each in self.exposed} | {each.note for each in self.repeating}
        return tuple(sorted(found))
