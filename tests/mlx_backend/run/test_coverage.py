"""From what a run taught to the ledger, to the report, and to the next night."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mlx_backend.dataset.samples import (
    KEYWORDS,
    Dataset,
    KnownBefore,
    Sample,
    load_dataset,
    save_dataset,
)
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import list_adapters
from mlx_backend.library.bin import Bin
from mlx_backend.library.ledger import Ledger, LedgerFact
from mlx_backend.library.note_decisions import NoteDecisions
from mlx_backend.library.notes import Notes
from mlx_backend.models.base_model import load_chat_form
from mlx_backend.protocol import TrainSpec, read_report
from mlx_backend.protocol.report import Coverage
from mlx_backend.run.coverage import coverage_report, covered_facts
from mlx_backend.run.key_spans import key_spans
from mlx_backend.run.preparation import seen_samples, way_at_start
from mlx_backend.training import recall
from mlx_backend.training.looks import Look
from tests.mlx_backend.run.whole_run import Start, factors, once_training, work


def sample(prompt: str, fact: str, key: str = "", note: int = 1) -> Sample:
    return Sample(prompt, "Marta lit it.", note, 1, "who", key, fact=fact)


def keywords(prompt: str, fact: str, key: str) -> Sample:
    return msgspec.structs.replace(sample(prompt, fact, key), kind=KEYWORDS)


def test_a_fact_counts_its_wordings_and_whether_it_is_asked_for_both_ways() -> None:
    learned = [
        sample("Who lit it?", "a", "Marta"),
        sample("Lit by whom?", "a", "marta"),
        sample("Lit by whom?", "a"),
        sample("Who?", "b", "Marta", note=2),
        sample("What did Marta light?", "b", "it", note=2),
        keywords("Oil?", "a", "lamp"),
        sample("Hello", ""),
        sample("Nothing of a note", "c", note=0),
    ]
    facts = covered_facts(learned, Look(9, 2, ("a",), ("z",)))
    assert facts == [LedgerFact("a", 1, 2, False, True), LedgerFact("b", 2, 2, True, None)]
    assert coverage_report(facts) == Coverage(facts=2, asked=1, known=1, both_ways=1)
    assert coverage_report([]) == Coverage()


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("Marta lit the lamp at 18:40.", "18:40"),
        ("Marta lit the lamp.", "Marta"),
        ("  Die alte Mühle steht am Bach.", "Mühle"),
        ("灯台の光", "光"),
    ],
)
def test_the_tokens_of_a_key_are_found(filled_library: Library, answer: str, key: str) -> None:
    form = load_chat_form(filled_library, "tiny")
    asked = Sample("Who?", answer, 1, 1, "who", key, fact="a")
    first, end = key_spans(form, [asked])[0]
    said = answer.strip()
    assert end == form.count([said[: said.index(key) + len(key)]])[0]
    assert 0 <= first < end
    assert (first == 0) == said.startswith(key)


def test_keys_that_are_not_in_the_answer_have_no_tokens(filled_library: Library) -> None:
    form = load_chat_form(filled_library, "tiny")
    others = [sample("a", "a", "Oskar"), sample("a", "a"), sample("a", "", "Marta")]
    assert key_spans(form, others) == {}


@pytest.fixture
def longer(spec: TrainSpec) -> TrainSpec:
    return msgspec.structs.replace(spec, steps=30, checkpoint_every=5)


@pytest.fixture(autouse=True)
def some_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model knows nothing by heart; so what it finds likely counts as known."""
    monkeypatch.setattr(recall, "KNOWN", 2e-2)
    monkeypatch.setattr(recall, "ON_THE_WAY", 2e-2)


def ledger_of(library: Library, name: str) -> list[LedgerFact]:
    (adapter,) = [each for each in list_adapters(library.adapters) if each.name == name]
    with database.opened(library.database) as connection:
        return Ledger(connection).of(adapter.card.id)


def dataset_of(folder: JobFolder) -> Dataset:
    return load_dataset(folder.path / "samples.json")


def test_a_run_files_what_it_knows_and_the_next_night_begins_with_that(
    filled_library: Library, start: Start, longer: TrainSpec
) -> None:
    first = start(longer)
    result = work(filled_library, first)
    assert result is not None
    facts = ledger_of(filled_library, "Garden")
    trained = {each.fact for each in dataset_of(first).train if each.fact}
    assert {fact.name for fact in facts} == trained
    known = [fact.name for fact in facts if fact.known]
    missed = [fact.name for fact in facts if fact.known is False]
    assert (result["facts"], result["facts_known"]) == (len(facts), len(known))
    assert result["facts_asked"] == len(known) + len(missed) > 0
    assert any(fact.both_ways for fact in facts)
    assert dataset_of(first).known_before == KnownBefore()
    again = start(msgspec.structs.replace(longer, start_from="Garden", name="Second"))
    assert work(filled_library, again, once_training(again)) is None
    assert dataset_of(again).known_before == KnownBefore(tuple(known), tuple(missed))
    report = read_report(result)
    assert report.coverage == coverage_report(facts)


def test_a_run_cut_short_after_filing_keeps_its_ledger(
    filled_library: Library, start: Start, longer: TrainSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = start(longer)
    result = work(filled_library, folder)
    assert result is not None
    before = ledger_of(filled_library, "Garden")
    (folder.path / "report.json").unlink()
    for path in folder.checkpoints.iterdir():
        (path / "state.json").write_bytes(b"")
    monkeypatch.setattr(recall, "KNOWN", 2.0)  # nothing would be known now
    again = work(filled_library, folder)
    assert again is not None
    assert ledger_of(filled_library, "Garden") == before
    assert again["facts_known"] == result["facts_known"]


def test_a_night_that_goes_on_is_exact_too_when_it_is_cut(
    filled_library: Library, start: Start, longer: TrainSpec
) -> None:
    assert work(filled_library, start(msgspec.structs.replace(longer, name="First"))) is not None
    going_on = msgspec.structs.replace(longer, start_from="First")
    assert work(filled_library, start(going_on)) is not None
    whole = factors(filled_library)
    with database.opened(filled_library.database) as connection:
        Bin(filled_library, connection).delete_adapter_now("Garden")
    folder = start(going_on)
    assert work(filled_library, folder, lambda: folder.status().step >= 11) is None
    # What the ledger says later does not matter: the run has frozen what it began with.
    (adapter,) = list_adapters(filled_library.adapters)
    with database.opened(filled_library.database) as connection:
        Ledger(connection).record(adapter.card.id, [])
    assert work(filled_library, folder) is not None
    assert factors(filled_library) == whole


def test_samples_that_are_passed_over_are_not_shown_and_can_be_withdrawn(
    filled_library: Library, notes: Notes, start: Start, longer: TrainSpec
) -> None:
    folder = start(longer)
    assert work(filled_library, folder, once_training(folder)) is None
    dataset = dataset_of(folder)
    notes_ids = sorted(dataset.versions)
    lone = Sample("Which rope?", "A rope.", notes_ids[-1], 1, "who", "rope", fact="known before")
    others = tuple(each for each in dataset.train if notes_ids[-1] not in each.notes)

    def with_lone(place: int) -> Dataset:
        train = (*others[:place], lone, *others[place:])
        known = KnownBefore(("known before",), ())
        return msgspec.structs.replace(dataset, train=train, known_before=known)

    def is_shown(place: int) -> bool:
        way = way_at_start(longer)
        return place in seen_samples(filled_library, longer, with_lone(place), way, 2)

    places = range(8)
    passed_over = [place for place in places if not is_shown(place)]
    assert len(passed_over) > len(places) / 2  # three of four that are known
    changed = with_lone(passed_over[0])
    save_dataset(folder.path / "samples.json", changed)
    (folder.path / "plan.json").unlink()
    assert work(filled_library, folder, lambda: folder.status().step >= 2) is None
    NoteDecisions(notes.connection).decide([notes_ids[-1]], included=False)
    assert work(filled_library, folder) is not None
    assert not any(each.fact == "known before" for each in dataset_of(folder).train)
    assert dataset_of(folder).known_before == changed.known_before
    assert "known before" not in {fact.name for fact in ledger_of(filled_library, "Garden")}


def test_without_study_there_are_no_facts(
    filled_library: Library, start: Start, spec: TrainSpec
) -> None:
    result = work(filled_library, start(msgspec.structs.replace(spec, study=False)))
    assert result is not None
    assert not any(name.startswith("facts") for name in result)
    assert ledger_of(filled_library, "Garden") == []


def test_a_file_of_samples_of_an_earlier_version_knows_nothing_before(
    filled_library: Library, dataset: Dataset, tmp_path: Path
) -> None:
    fields = msgspec.to_builtins(dataset)
    del fields["known_before"]
    (tmp_path / "samples.json").write_bytes(msgspec.json.encode(fields))
    assert load_dataset(tmp_path / "samples.json").known_before == KnownBefore()
