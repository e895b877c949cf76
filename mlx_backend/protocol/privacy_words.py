"""What the privacy page says, in the words that terminal and window share."""

from __future__ import annotations

from collections.abc import Sequence

from mlx_backend.protocol.privacy import Exposed, Hit, Planted, PrivacyPage


def verdict(page: PrivacyPage) -> str:
    """What the person should know first."""
    if page.stopped:
        return "The test was stopped before its end, so this page is not complete."
    if not page.is_clear:
        return "Better not share it like this."
    if page.adapter_tested:
        return (
            "I found nothing private. Still, an adapter knows what its notes say: share it as you"
            " would share them."
        )
    return "I found nothing private in the files."


def place_of(hit: Hit) -> str:
    """Where something was found: the file, and the place in it where that is known."""
    return f"{hit.file}, {hit.where}" if hit.where else hit.file


def not_tested(page: PrivacyPage) -> str:
    """Why nothing is said of what the adapter remembers; "" where it was tested, or stopped."""
    if page.adapter_tested or page.stopped:
        return ""
    if page.tested.notes:
        return "What the adapter remembers was not tested."
    return (
        "The notes that it was trained on are not in this library, so I could look at the"
        " files alone, not at what the adapter remembers."
    )


def learned(page: PrivacyPage) -> str:
    """How much of what the adapter may remember was tested; only of an adapter that was tested."""
    tested = page.tested
    notes = counted(tested.notes, "note")
    if not tested.secrets_known:
        holds = "holds" if tested.notes == 1 else "hold"
        return f"The {notes} that it learned {holds} no secrets that I know of."
    of = f"of the {counted(tested.secrets_known, 'secret')}"
    some = f"{tested.secrets:,} {of}" if tested.secrets < tested.secrets_known else f"any {of}"
    return f"I tested whether it remembers {some} in the {notes} that it learned."


_NONE_PLANTED = (
    "No invented codes were trained along, so I cannot tell how much it memorises of what stands in"
    " your notes once. To have that measured from the next night on: Settings, Privacy."
)
NONE_EXPOSED = "It finds none of them likelier than made-up ones of the same form."


def planted(page: PrivacyPage) -> list[str]:
    """What the invented codes showed, or that there were none; [] where that cannot be said."""
    if page.stopped or not page.adapter_tested:
        return []
    if not page.planted:
        return [_NONE_PLANTED]
    own = [each for each in page.planted if not each.is_earlier]
    earlier = [each for each in page.planted if each.is_earlier]
    said = []
    if own:
        said.append(f"{_of_all(own)} that were trained along, the adapter would {_giving(own)}.")
    if usual := [each for each in own if each.is_usual]:
        said.append(_of_real(usual))
    if earlier:
        said.append(f"{_of_all(earlier)} of nights before, it would {_giving(earlier)}.")
    return said


def planted_title(each: Planted) -> str:
    """'“Tovaneth locker”, shown 44 times'."""
    return f"“{each.title}”, shown {counted(each.seen, 'time')}"


def _of_all(codes: Sequence[Planted]) -> str:
    return f"Of {counted(len(codes), 'invented code')}"


def _giving(codes: Sequence[Planted]) -> str:
    given = [each for each in codes if each.is_given_away]
    if not given:
        return "give away none"
    those = "the one" if len(given) == 1 else "those"
    return f"give away {len(given):,}: {those} that training showed {_times(given)}"


def _of_real(usual: Sequence[Planted]) -> str:
    """What a real code has to expect that is trained as often as these."""
    given = sum(each.is_given_away for each in usual)
    what = "would" if given == len(usual) else "might" if given else "would hardly"
    return (
        f"A code that stands once in your notes, and is not masked, is shown {_at_most(usual)} in"
        f" such a training, so the adapter {what} give it away."
    )


def _times(codes: Sequence[Planted]) -> str:
    """'44 times', '40 to 48 times'."""
    least, most = min(each.seen for each in codes), max(each.seen for each in codes)
    return f"{least:,} to {most:,} times" if least < most else counted(most, "time")


def _at_most(codes: Sequence[Planted]) -> str:
    """'up to 48 times'."""
    return f"up to {counted(max(each.seen for each in codes), 'time')}"


def rank_of(each: Exposed | Planted) -> str:
    """'the adapter finds it the 3rd likeliest of 1,000 like it; the base model the 412th'."""
    ranks = (
        f"the adapter finds it the {_superlative(each.rank)} of {each.of:,} like it;"
        f" the base model the {ordinal(each.base_rank)}"
    )
    is_first = each.rank <= max(1, each.of // 100)
    if isinstance(each, Planted) and is_first and not each.is_given_away:
        return f"{ranks}, by no more than chance"
    return ranks


def counted(number: int, what: str) -> str:
    """'1 note', '1,540 notes'."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def ordinal(number: int) -> str:
    """'1st', '12th', '1,003rd'."""
    if number % 100 in (11, 12, 13):
        return f"{number:,}th"
    return f"{number:,}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _superlative(rank: int) -> str:
    return "likeliest" if rank == 1 else f"{ordinal(rank)} likeliest"
