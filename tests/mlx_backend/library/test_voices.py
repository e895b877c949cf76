from __future__ import annotations

import pytest

from mlx_backend.curation.curate import curate
from mlx_backend.importers.passages import split_passages
from mlx_backend.importers.readers.transcript import TranscriptBuilder
from mlx_backend.library.curation_findings import CurationFindings
from mlx_backend.library.notes import NewNote, Notes, Passage
from mlx_backend.library.own_names import OwnNames
from mlx_backend.library.voices import Voice, authorship, decode_voices, encode_voices, short_name
from tests.mlx_backend.studied import make_dataset

CHAT = (
    ("Ida", "When does the ferry to Bergen leave tomorrow morning?"),
    ("Emil", "It leaves at twenty to seven from the north quay."),
    ("Emil", "Bring the blue rope and both lanterns with you."),
    ("Oskar", "My locker at the harbour is number forty two."),
)
OWN = {"emil"}


def voices_of(own: str | None = None) -> tuple[Voice, ...]:
    return tuple(
        Voice(name, 10 * at, 10 * at + 2, 10 * at + 10, None if own is None else name == own)
        for at, (name, _) in enumerate(CHAT)
    )


def note(path: str, turns: tuple[tuple[str, str], ...], own: str | None = None) -> NewNote:
    transcript = TranscriptBuilder()
    for name, words in turns:
        transcript.say(name, f"{name}: ", words, None if own is None else name == own)
        transcript.add("\n")
    return NewNote(
        path=path,
        source="/chats",
        title=path.rpartition("/")[2],
        text=transcript.text,
        sha256=path,
        words=len(transcript.text.split()),
        tokens=1,
        passages=tuple(split_passages(transcript.text)),
        voices=transcript.voices,
    )


def only_passage(notes: Notes) -> Passage:
    (passage,) = notes.passages()
    return passage


def test_voices_survive_the_database() -> None:
    voices = (*voices_of("Ida"), Voice("", 50, 50, 60))
    assert decode_voices(encode_voices(voices)) == voices
    assert encode_voices(()) is None
    assert decode_voices(None) == ()


def test_nothing_is_said_of_who_wrote_what_nobody_knows() -> None:
    assert authorship(voices_of(), ()) is None
    assert authorship(voices_of(), {"nobody"}) is None
    assert authorship((), OWN) is None


def test_a_name_tells_the_persons_turns_from_the_others() -> None:
    found = authorship(voices_of(), OWN)
    assert found is not None
    assert found.share == 0.5
    assert found.others == ((0, 10), (30, 40))
    assert "50 percent" in found.sentence


def test_names_go_before_what_the_file_says_where_they_name_a_voice() -> None:
    assert authorship(voices_of("Ida"), OWN) == authorship(voices_of(), OWN)
    assert authorship(voices_of("Ida"), {"nobody"}) == authorship(voices_of("Ida"), ())


@pytest.mark.parametrize("own", ["emil@cove.example", "emil falk"])
def test_a_mail_is_known_by_address_or_by_name(own: str) -> None:
    mine = Voice('"Emil Falk" <Emil@Cove.example>', 0, 0, 10)
    quoted = Voice("", 10, 10, 20)
    found = authorship((mine, quoted), {own})
    assert found is not None
    assert found.others == ((10, 20),)


def test_a_known_address_decides_about_all_mails() -> None:
    guessed = (Voice("Ida <ida@cove.example>", 0, 0, 10, own=True),)
    found = authorship(guessed, {"emil@cove.example"})
    assert found is not None
    assert found.share == 0
    still = authorship(guessed, {"emil"})
    assert still is not None
    assert still.share == 1


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Ida  Falk", "Ida Falk"),
        ("Ida <ida@cove.example>", "ida@cove.example"),
        ("ida@cove.example", "ida@cove.example"),
        ("+47 123 45 678", "+47 123 45 678"),
        ("", ""),
        ("<@>", "<@>"),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


def test_saying_who_one_is_takes_others_words_out_of_training(notes: Notes) -> None:
    notes.save([note("/chats/ferry", CHAT)])
    curate(notes)
    assert "locker" in only_passage(notes).text
    assert only_passage(notes).replies == ()

    OwnNames(notes.connection).add(" EMIL ")
    passage = only_passage(notes)
    assert "locker" not in passage.text
    assert "Ida" not in passage.text
    assert "Emil: It leaves" in passage.text
    (reply,) = passage.replies
    assert (reply.name, reply.said) == CHAT[0]
    assert reply.answered == f"{CHAT[1][1]}\n{CHAT[2][1]}"

    OwnNames(notes.connection).remove("emil")
    assert "locker" in only_passage(notes).text


def test_others_words_can_be_kept_in_a_note_and_in_all(notes: Notes) -> None:
    notes.save([note("/chats/ferry", CHAT, own="Emil")])
    curate(notes)
    findings, (summary,) = CurationFindings(notes.connection), notes.summaries()
    assert findings.counts()["authorship"] == 1
    for note_id in (summary.id, None):
        assert "locker" not in only_passage(notes).text
        findings.undo("authorship", note_id)
        assert "locker" in only_passage(notes).text
        findings.redo("authorship", note_id)


def test_what_others_wrote_alone_is_taught_as_it_is(notes: Notes) -> None:
    notes.save([note("/chats/all theirs", CHAT, own="Nobody")])
    curate(notes)
    assert "locker" in only_passage(notes).text
    assert only_passage(notes).replies == ()


def test_an_answer_is_a_sample_and_others_words_are_no_answer(notes: Notes) -> None:
    notes.save([note("/chats/ferry", CHAT, own="Emil")])
    samples = make_dataset(notes, 1).train
    (reply,) = [sample for sample in samples if sample.kind == "reply"]
    assert "Ida wrote: “When does the ferry" in reply.prompt
    assert reply.answer.startswith("It leaves at twenty to seven")
    assert not any("locker" in sample.answer for sample in samples)


def test_what_is_private_is_masked_in_what_is_answered_to(notes: Notes) -> None:
    key = "sk-ant-api03-" + "Ab3dEf6hIj" * 9 + "Ab3dAA"
    turns = (("Ida", f"Is our key {key} still good?"), ("Emil", f"Yes, {key} is the good one."))
    notes.save([note("/chats/key", turns, own="Emil")])
    samples = make_dataset(notes, 1).train
    assert [sample for sample in samples if sample.kind == "reply"]
    assert not any(key[20:] in sample.prompt + sample.answer for sample in samples)


def test_a_mail_answers_what_it_quotes_below(notes: Notes) -> None:
    turns = (("Emil <emil@cove.example>", "We do need some more oil."), ("", "> Do you need oil?"))
    transcript = TranscriptBuilder()
    for name, words in turns:
        transcript.say(name, "", words + "\n", own=bool(name))
    text = transcript.text
    mail = NewNote(
        path="/m", source="/m", title="Oil", text=text, sha256="1", words=9, tokens=9,
        passages=tuple(split_passages(text)), voices=transcript.voices,
    )  # fmt: skip
    notes.save([mail])
    curate(notes)
    (reply,) = only_passage(notes).replies
    assert (reply.name, reply.said) == ("", "> Do you need oil?")
    assert reply.answered == "We do need some more oil."
