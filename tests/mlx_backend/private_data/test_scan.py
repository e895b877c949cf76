from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_backend.private_data.masking import mask, mask_part
from mlx_backend.private_data.private_span import PrivateSpan, merged
from mlx_backend.private_data.rules import Text
from mlx_backend.private_data.scan import find_secrets, scan_note

_SECRET = "walnut" + "!42" + "lamp"
_TEXT = f"Notes of Monday.\n\nThe wifi password is {_SECRET}. Bring cake."


def test_finding_says_where_and_of_what_kind_but_never_what() -> None:
    (finding,) = find_secrets(_TEXT)
    assert finding.kind == "password"
    assert _TEXT[finding.start : finding.end] == _SECRET
    assert _SECRET not in repr(finding)
    assert (
        repr(finding) == f"PrivateSpan(kind='password', start={finding.start}, end={finding.end})"
    )


def test_note_is_scanned_whole() -> None:
    assert scan_note(_TEXT) == tuple(find_secrets(_TEXT))
    assert scan_note("") == ()


def test_what_is_told_to_be_private_once_is_so_in_the_whole_note() -> None:
    text = f"{_TEXT}\n\nTried {_SECRET} at the inn, and x{_SECRET} too; {_SECRET}!"
    masked = mask(text, scan_note(text))
    assert masked.count("[password removed]") == 3
    assert masked.count(_SECRET) == 1  # as part of another word it is not the same


def test_an_ordinary_word_that_is_a_password_is_masked_only_where_it_is_one() -> None:
    text = "The wifi password is: lantern. We lit the lantern at nine."
    assert "We lit the lantern at nine." in mask(text, scan_note(text))


def test_many_secrets_that_stand_often_are_found_in_time() -> None:
    names = [f"zeb{number}ra!{number}" for number in range(2_000)]
    text = "\n".join(f"The wifi password is {name}. And {name}." for name in names)
    assert len(scan_note(text)) >= 2_000


def test_mask_puts_the_kind_in_the_place() -> None:
    masked = mask(_TEXT, find_secrets(_TEXT))
    assert masked == "Notes of Monday.\n\nThe wifi password is [password removed]. Bring cake."


def test_mask_without_findings_changes_nothing() -> None:
    assert mask(_TEXT, []) == _TEXT


def test_part_is_masked_with_the_findings_of_the_whole() -> None:
    findings = [PrivateSpan("private key", 4, 10)]
    text = "abcdEFGHIJklmn"
    assert mask_part(text, findings, 0, 14) == "abcd[private key removed]klmn"
    assert mask_part(text, findings, 0, 7) == "abcd[private key removed]"
    assert mask_part(text, findings, 7, 14) == "[private key removed]klmn"
    assert mask_part(text, findings, 5, 8) == "[private key removed]"
    assert mask_part(text, findings, 0, 4) == "abcd"
    assert mask_part(text, findings, 10, 14) == "klmn"


def test_overlapping_findings_become_one_of_the_surer_kind() -> None:
    findings = [
        PrivateSpan("AWS key", 5, 20),
        PrivateSpan("password", 0, 8),
        PrivateSpan("PIN", 30, 34),
    ]
    assert merged(findings) == (PrivateSpan("AWS key", 0, 20), PrivateSpan("PIN", 30, 34))


def test_known_kind_is_named_rather_than_a_general_one() -> None:
    token = "gh" + "p_" + "A1b2C3d4E5f6" * 3
    assert [f.kind for f in find_secrets(f'api_key = "{token}"')] == ["GitHub token"]


def test_key_whose_end_was_cut_off_is_found() -> None:
    begin = "-" * 5 + "BEGIN EC PRIVATE KEY" + "-" * 5
    body = "\n".join(("MHcCAQEEIH" + "aB3" * 18,) * 3)
    text = f"{begin}\n{body}\n\nNext paragraph."
    assert mask(text, find_secrets(text)) == "[private key removed]\n\nNext paragraph."


def test_lower_case_keeps_every_place() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        assert len(Text.of(char).folded) == 1, hex(code)


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_findings_in_order_within_it(text: str) -> None:
    place = 0
    for finding in find_secrets(text):
        assert place <= finding.start < finding.end <= len(text)
        place = finding.end


_PIECES = (
    *("password", "pw", " is ", ": ", "=", "PIN", "code", "door", "wifi", "key", "eyJ", ".", "@"),
    *("4711", "abandon ", "\n", " ", "|", ",", '"', "a1!b2?c3", "sk-", "İ", "密码", "BEGIN", "://"),
)


@given(st.lists(st.sampled_from(_PIECES), max_size=60))
@settings(max_examples=200, deadline=None)
def test_text_made_of_rules_words_gives_findings_in_order(pieces: list[str]) -> None:
    text = "".join(pieces)
    findings = find_secrets(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(findings))
    assert len(mask(text, findings)) >= len(text) - sum(f.end - f.start for f in findings)


_HOSTILE = (
    *(
        "password ",
        "password: ",
        "pw=",
        "PIN ",
        "code to the ",
        "eyJ",
        "eyJa.",
        "ghp_",
        "sk-",
        "4 ",
    ),
    *("abandon ", "4111", "DE89 ", "a", " ", "://a:", "datadog key ", "aws key secret ", "basic "),
    *("login: a ", "wifi key is ", "as the password ", "ATATT3", "secret=", "xoxb-", "İ", "密码"),
    *("1. zoo, ", "mysql -p", "door 4711 ", "-" * 5 + "BEGIN PRIVATE KEY" + "-" * 5 + "\n"),
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", _HOSTILE)
def test_hostile_repetition_takes_time_in_proportion(piece: str) -> None:
    # On one line of 150,000 characters; a quadratic scan would take minutes.
    find_secrets(piece * (150_000 // len(piece)))
