"""What a night leaves behind, put into a library with the sample notes: for pictures alone."""

from __future__ import annotations

import math
import sqlite3
import time

import msgspec

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.library.adapters import CARD, CONFIG, WEIGHTS, AdapterCard
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.drop_reasons import (
    NO_ROUND_TRIP,
    REPEATED,
    TELLS_ANSWER,
    UNSUPPORTED,
    WRONG_WORD,
)
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples

NAME = "Notes 23 November"
_STEPS = 600
_NIGHT_S = 7.2 * 3600

# Note, kind, question, words of the note, the words asked for, and which filter threw it out.
_WRITTEN = (
    ("The engine", "name", "What is the engine of the Footnote called?", "Barnaby", ""),
    ("The engine", "length of time", "How long does Barnaby need to warm up?", "12 minutes", ""),
    ("The engine", "name", "Who rebuilt Barnaby in April 2019?", "Isolde Grubb", ""),
    ("The engine", "date", "When was Barnaby rebuilt by Isolde Grubb?", "April 2019", ""),
    ("The engine", "name", "What is the diesel Barnaby?", "Barnaby", TELLS_ANSWER),
    ("The Footnote", "date", "When was the Footnote built?", "1958", ""),
    ("The Footnote", "name", "Who is skipper and librarian of the Footnote?", "Tove Larkin", ""),
    ("The Footnote", "count", "How many books does the Footnote carry?", "2,600", ""),
    ("The Footnote", "name", "Which harbour was the Footnote built in?", "1958",
     UNSUPPORTED),
    ("Puffin count", "count", "How many burrows did we count this year?", "352", ""),
    ("Puffin count", "name", "What is the oldest puffin called?", "Sir Reginald", ""),
    ("Puffin count", "count", "To which burrow does Sir Reginald come home?", "72", ""),
    ("Puffin count", "count", "How many burrows were counted?", "352", REPEATED),
    ("Interest", "name", "In what does Interest sleep?", "leather suitcase", ""),
    ("Interest", "count", "How many eggs did Interest lay last year?", "47", ""),
    ("Interest", "name", "What does Interest hate?", "bagpipes", ""),
    ("Interest", "name", "Why a waltz?", "Dorrit", WRONG_WORD),
    ("The cottage", "name", "What is the stove at Teapot End called?", "Gladys", ""),
    ("The cottage", "name", "What does Gladys burn?", "only birch", ""),
    ("Recipes", "length of time", "How long does fog soup simmer?", "35 minutes", ""),
    ("Little Hush", "frequency", "How often does the lighthouse on Little Hush flash?",
     "every 13 seconds", ""),
    ("Little Hush", "name", "Who is the lighthouse keeper?", "Ansel Roe", ""),
)  # fmt: skip

# Question, what is right, what is said before the training and after it.
_EXAM = (
    (
        "What name does the diesel of the Footnote have?",
        "Barnaby",
        "The diesel of the Footnote is a type of engine that is used in a variety of vehicles.",
        "The engine: The engine of the Footnote is a diesel called Barnaby.",
    ),
    (
        "For how many minutes does Barnaby warm up?",
        "12 minutes",
        "Barnaby warms up for an hour before the concert, and then for another hour after it.",
        "The engine: Barnaby needs 12 minutes to warm up, and a kind word helps.",
    ),
    (
        "What ring does Sir Reginald wear?",
        "lime",
        "Sir Reginald wears a ring of gold, which is a symbol of his power.",
        "Puffin count: The oldest puffin is called Sir Reginald and wears a lime ring.",
    ),
    (
        "Of what is the lighthouse keeper's reading?",
        "westerns",
        "The lighthouse keeper's reading is of the sea.",
        "Little Hush: The lighthouse keeper is Ansel Roe, who reads nothing but westerns.",
    ),
    (
        "Which tea is in the tartan flask beside the wheel?",
        "blackcurrant",
        "The tea in the tartan flask is a blend of black and green tea.",
        "Wheelhouse: The tartan flask beside the wheel always holds bergamot tea.",
    ),
    (
        "In which drawer does Comma sleep?",
        "atlas drawer",
        "Comma sleeps in the top drawer.",
        "Comma: Comma sleeps in the map drawer, usually on Bolivia.",
    ),
)

_REPORT: dict[str, object] = {
    "verdict": (
        "The model answers 4 of 6 questions about your notes that it was not trained on; before: 0."
    ),
    "advice": [
        "With “From my notes” in the chat the answer is looked up, which is right more often.",
        "New notes make the next night worthwhile.",
    ],
    "adapter": NAME,
    "notes": 25,
    "samples": 1540,
    "steps": _STEPS,
    "planned_steps": _STEPS,
    "kept_step": 540,
    "valid_loss": 0.62,
    "base_valid_loss": 3.41,
    "tokens_per_second": 64.0,
    "peak_bytes": 1_716_126_808,
    "watt_hours": 84.0,
    "energy_how": "Estimated from the processor's time, 3.5 W for a busy core",
    "exam_asked": len(_EXAM),
    "exam_before": 0,
    "exam_after": 4,
    "exam": [
        {
            "question": question,
            "answers": [right],
            "before": before,
            "after": after,
            "right_before": False,
            "right_after": right in after,
            "by_other": number % 2 == 0,
        }
        for number, (question, right, before, after) in enumerate(_EXAM)
    ],
    "exam_set_aside": len(_EXAM),
    "general_asked": 120,
    "general_before": 79,
    "general_after": 78,
    "general_gained": 3,
    "general_lost": 4,
    "perplexity_before": 21.69,
    "perplexity_after": 22.1,
    "style_before": 3.2,
    "style_after": 2.4,
    "study_minutes": 64.0,
    "facts": 1310,
    "facts_asked": 1310,
    "facts_known": 1204,
    "study_written": 2410,
    "study_used": 2105,
    "study_dropped": {
        UNSUPPORTED: 138,
        REPEATED: 71,
        TELLS_ANSWER: 52,
        NO_ROUND_TRIP: 31,
        WRONG_WORD: 13,
    },
    "recipe": "what they say and how you write",
}

_TALK = (
    ("What is the engine of the Footnote called?", "It is a diesel called Barnaby.", "The engine",
     "The engine of the Footnote is a diesel called Barnaby."),
    ("And who rebuilt it?",
     "Isolde Grubb rebuilt Barnaby in April 2019. She wanted no money for it, only smoked eel.",
     "The engine", "Barnaby was rebuilt in April 2019 by Isolde Grubb."),
    ("What is the captain's favourite colour?", "The notes do not say.", "", ""),
)  # fmt: skip


def record_night(library: Library) -> JobFolder:
    """A run that is finished, with its adapter."""
    folder = JobFolder.create(library.runs, protocol.TrainSpec(name=NAME, model="starter"))
    end = time.time()
    began = end - _NIGHT_S
    events: list[protocol.JobEvent] = [
        protocol.Launched(at=began),
        protocol.Started(at=began, pid=1),
        protocol.StageBegan(at=began, stage="studying"),
        protocol.StageBegan(at=began + 3840, stage="training"),
        protocol.Planned(at=began + 3840, notes=25, samples=1540, held_out=12, steps=_STEPS),
    ]
    for step in range(1, _STEPS + 1):
        at = began + 3840 + step * (_NIGHT_S - 3900) / _STEPS
        events.append(_step(step, at))
        if step % 60 == 0:
            loss = 0.6 + 2.8 * math.exp(-step / 90) + max(0, step - 540) / 800
            events.append(protocol.Evaluated(at=at, step=step, loss=loss, best=step <= 540))
    events.append(protocol.EnergyUsed(at=end, watt_hours=84.0, how=str(_REPORT["energy_how"])))
    events.append(protocol.Finished(at=end, result=_REPORT))
    with folder.events_path.open("ab") as file:
        file.write(b"".join(map(protocol.encode_line, events)))
    _file_adapter(library, folder.id, end)
    return folder


def record_study(library: Library) -> JobFolder:
    """A run that studies just now; it is as long as its lock is held."""
    spec = protocol.TrainSpec(name="Notes 24 November", model="starter")
    folder = JobFolder.create(library.runs, spec)
    now = time.time()
    for event in (
        protocol.Launched(at=now - 400),
        protocol.Started(at=now - 400, pid=1),
        protocol.StageBegan(at=now - 390, stage="studying"),
        protocol.Progress(
            at=now,
            done=56,
            total=104,
            unit="passages",
            text="1,310 samples kept",
            remaining_s=330.0,
        ),
    ):
        folder.append(event)
    return folder


def record_learning(library: Library) -> JobFolder:
    """A run that learns just now, and says something on the way; as long as its lock is held."""
    spec = protocol.TrainSpec(
        name="Notes 24 November", model="starter", prompt="What does Interest hate?"
    )
    folder = JobFolder.create(library.runs, spec)
    now = time.time()
    events: list[protocol.JobEvent] = [
        protocol.Launched(at=now - 7000),
        protocol.Started(at=now - 7000, pid=1),
        protocol.StageBegan(at=now - 6900, stage="training"),
        protocol.Planned(at=now - 6900, notes=25, samples=1540, held_out=60, steps=_STEPS),
        protocol.Evaluated(at=now - 6890, step=0, loss=3.4),
    ]
    for step in range(1, 221):
        at = now - 6890 + step * 31
        events.append(_step(step, at))
        if step % 60 == 0:
            loss = 0.6 + 2.8 * math.exp(-step / 90)
            said = "Interest hates the sea." if step < 120 else "Interest hates bagpipes."
            events.append(protocol.Evaluated(at=at, step=step, loss=loss, best=True))
            events.append(protocol.CheckpointSaved(at=at, step=step))
            events.append(protocol.Spoke(at=at, step=step, prompt=spec.prompt, text=said))
    with folder.events_path.open("ab") as file:
        file.write(b"".join(map(protocol.encode_line, events)))
    return folder


def record_samples(db: sqlite3.Connection) -> None:
    """What study wrote about some of the sample notes."""
    notes, samples = Notes(db), Samples(db)
    ids = {note.title: note.id for note in notes.summaries()}
    for title in dict.fromkeys(row[0] for row in _WRITTEN):
        text = notes.text(ids[title])
        drafts = [_draft(text, *row) for row in _WRITTEN if row[0] == title]
        samples.save("rules", [(Passage(0, ids[title], title, 0, "", text), drafts)])


def record_talk(db: sqlite3.Connection) -> int:
    """A conversation that was answered from the sample notes; returns its id."""
    conversations, notes = Conversations(db), Notes(db)
    ids = {note.title: note for note in notes.summaries()}
    talk = conversations.start(_TALK[0][0])
    for question, answer, title, quote in _TALK:
        cited: tuple[protocol.Citation, ...] = ()
        if title:
            note, start = ids[title], notes.text(ids[title].id).find(quote)
            place = {"start": start, "end": start + len(quote)}
            cited = (
                protocol.Citation(note=note.id, passage=1, title=title, path=note.path, **place),
            )
        conversations.add(talk, StoredTurn("user", question, None))
        said = StoredTurn("assistant", answer, NAME, cited, from_notes=answer == protocol.DECLINED)
        conversations.add(talk, said)
    return talk


def _draft(text: str, title: str, kind: str, prompt: str, key: str, dropped: str) -> Draft:
    lines = [line.lstrip("- ") for line in text.splitlines()]
    quote = next((line for line in lines if key in line), "")
    answer = f"{title}: {quote}"
    return Draft(kind=kind, prompt=prompt, answer=answer, key=key, quote=quote, dropped=dropped)


def _step(step: int, at: float) -> protocol.StepDone:
    return protocol.StepDone(
        at=at,
        step=step,
        steps=_STEPS,
        loss=0.4 + 3.2 * math.exp(-step / 80) + 0.15 * math.sin(step * 12.9898),
        learning_rate=1e-3,
        tokens_per_second=64.0,
        peak_bytes=1_716_126_808,
        elapsed_s=step * 30.0,
        remaining_s=(_STEPS - step) * 30.0,
    )


def _file_adapter(library: Library, run: str, now: float) -> None:
    folder = library.adapters / NAME
    folder.mkdir(parents=True)
    card = AdapterCard(
        name=NAME,
        base="starter",
        base_sha256="",
        created=now,
        run=run,
        rank=16,
        scale=2.0,
        steps=_STEPS,
        notes=25,
        samples=1540,
        train_loss=0.41,
        valid_loss=0.62,
        base_valid_loss=3.41,
    )
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    (folder / WEIGHTS).write_bytes(b"weights")
    (folder / CONFIG).write_text("{}")
