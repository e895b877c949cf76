from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import msgspec
import pytest
from mlx_lm import generate
from mlx_lm.sample_utils import make_sampler

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.answer import Answer
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import Listener
from mlx_backend.models.yes_or_no import first_words
from mlx_backend.protocol import Sampling, Turn
from mlx_backend.study.by_model.writer import Writer
from mlx_backend.study.by_rule.rule_writer import QuotedStatement
from mlx_backend.study.by_rule.statements import Statement
from tests.mlx_backend.abilities import READS
from tests.mlx_backend.made import make_adapter

GREEDY = Sampling(temperature=0.0, max_tokens=12)
WILD = Sampling(temperature=1.5, top_p=1.0, max_tokens=12, seed=5)
QUESTION = (Turn(role="user", text="Who lit the lamp of Amber Cove?"),)


@pytest.fixture
def chat(loaded: LoadedModel) -> ChatModel:
    return ChatModel(loaded)


def longer(answer: Answer, question: str) -> list[Turn]:
    return [
        *QUESTION,
        Turn(role="assistant", text=answer.text),
        Turn(role="user", text=question),
    ]


def test_a_greedy_answer_is_always_the_same(chat: ChatModel, loaded: LoadedModel) -> None:
    first = chat.answer(QUESTION, GREEDY)
    assert first.generated_tokens > 0
    assert chat.answer(QUESTION, GREEDY).text == first.text
    assert ChatModel(loaded).answer(QUESTION, GREEDY).text == first.text


def test_the_same_seed_gives_the_same_answer(chat: ChatModel) -> None:
    texts = {chat.answer(QUESTION, WILD).text for _ in range(2)}
    assert len(texts) == 1


def test_without_a_seed_answers_differ(chat: ChatModel) -> None:
    free = Sampling(temperature=2.0, top_p=1.0, max_tokens=16)
    assert len({chat.answer(QUESTION, free).text for _ in range(4)}) > 1


def test_top_p_leaves_only_what_is_likeliest(chat: ChatModel) -> None:
    def texts(top_p: float) -> set[str]:
        return {
            chat.answer(QUESTION, Sampling(temperature=2.0, top_p=top_p, max_tokens=8, seed=s)).text
            for s in range(4)
        }

    likeliest = chat.answer(QUESTION, Sampling(temperature=0.0, max_tokens=8)).text
    assert texts(1e-6) == {likeliest}
    assert len(texts(1.0)) > 1


def test_the_pieces_make_the_answer(chat: ChatModel) -> None:
    pieces: list[str] = []
    answer = chat.answer(QUESTION, GREEDY, Listener(pieces.append))
    assert "".join(pieces).strip() == answer.text


def test_numbers_of_an_answer(chat: ChatModel, loaded: LoadedModel) -> None:
    answer = chat.answer(QUESTION, GREEDY)
    assert answer.prompt_tokens == len(loaded.form.prompt(QUESTION))
    assert answer.cached_tokens == 0
    assert answer.generated_tokens <= GREEDY.max_tokens
    assert answer.ended == ("length" if answer.generated_tokens == 12 else "stop")
    assert answer.ttft_ms > 0
    assert answer.tokens_per_second >= 0


@pytest.mark.parametrize("tokens", [1, 2, 7])
def test_an_answer_is_no_longer_than_asked(chat: ChatModel, tokens: int) -> None:
    answer = chat.answer(QUESTION, Sampling(temperature=0.0, max_tokens=tokens))
    assert answer.generated_tokens <= tokens


def test_a_cancelled_answer_keeps_what_was_said(chat: ChatModel) -> None:
    whole = chat.answer(QUESTION, GREEDY)
    looks = itertools.count(1)  # the first few fall into the reading of the question
    answer = chat.answer(QUESTION, GREEDY, Listener(cancelled=lambda: next(looks) > 5))
    assert answer.ended == "cancelled"
    assert 0 < answer.generated_tokens < whole.generated_tokens
    assert whole.text.startswith(answer.text)
    assert chat.answer(QUESTION, GREEDY).text == whole.text


def test_a_reused_cache_answers_like_a_fresh_one(chat: ChatModel, loaded: LoadedModel) -> None:
    answer = chat.answer(QUESTION, GREEDY)
    for question in ("And when?", "Where, then?", "Why?"):
        turns = longer(answer, question)
        unread = ChatModel(loaded)
        unread._generated = chat._generated  # the same text may be cut into other tokens
        reused, fresh = chat.answer(turns, GREEDY), unread.answer(turns, GREEDY)
        assert reused.cached_tokens > len(loaded.form.prompt(QUESTION)) - 2
        assert fresh.cached_tokens == 0
        assert reused.text == fresh.text
        assert reused.prompt_tokens == fresh.prompt_tokens


def test_another_conversation_shares_only_its_beginning(
    chat: ChatModel, loaded: LoadedModel
) -> None:
    other = [Turn(role="user", text="Something else entirely, about potatoes.")]
    chat.answer(QUESTION, GREEDY)
    found = chat.answer(other, GREEDY)
    assert 0 < found.cached_tokens < 25
    assert found.text == ChatModel(loaded).answer(other, GREEDY).text


def test_the_same_question_again_computes_its_last_token_alone(chat: ChatModel) -> None:
    first = chat.answer(QUESTION, GREEDY)
    again = chat.answer(QUESTION, GREEDY)
    assert again.cached_tokens == again.prompt_tokens - 1
    assert again.text == first.text


def test_a_failure_half_way_leaves_no_broken_cache(chat: ChatModel, loaded: LoadedModel) -> None:
    chat.answer(QUESTION, GREEDY)

    def fail(text: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        chat.answer(QUESTION, GREEDY, Listener(fail))
    found = chat.answer(QUESTION, GREEDY)
    assert found.text == ChatModel(loaded).answer(QUESTION, GREEDY).text


def test_an_adapter_answers_for_itself_and_leaves_no_cache(
    chat: ChatModel, loaded: LoadedModel, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path, loaded, "first")
    base = chat.answer(QUESTION, GREEDY)
    chat.use([(adapter, 1.0)])
    adapted = chat.answer(QUESTION, GREEDY)
    assert adapted.cached_tokens == 0
    assert adapted.text != base.text
    chat.use([])
    assert chat.answer(QUESTION, GREEDY).text == base.text


def test_a_batch_answers_like_each_question_alone(chat: ChatModel) -> None:
    questions = ["Who?", "Who lit the lamp of Amber Cove, and when?", "", "Where is it? " * 8]
    progress: list[tuple[int, int]] = []
    texts = chat.answer_all(questions, 12, lambda done, total: progress.append((done, total)))
    alone = [chat.answer([Turn(role="user", text=q)], GREEDY).text for q in questions]
    assert texts == alone
    assert progress == [(4, 4)]


def test_more_questions_than_one_batch_keep_their_order(chat: ChatModel) -> None:
    questions = [f"{'long ' * (i % 7)}question {i}?" for i in range(40)]
    texts = chat.answer_all(questions, 4)
    short = Sampling(temperature=0.0, max_tokens=4)
    for i in (0, 13, 39):
        assert texts[i] == chat.answer([Turn(role="user", text=questions[i])], short).text


def test_a_batch_leaves_the_wired_limit_alone(
    chat: ChatModel, loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[int] = []
    monkeypatch.setattr("mlx.core.metal.is_available", lambda: True)
    monkeypatch.setattr("mlx.core.device_info", lambda: {"max_recommended_working_set_size": 1})
    monkeypatch.setattr("mlx.core.set_wired_limit", raised.append)
    chat.answer_all(["One?", "Two?"], 3)
    quoted = QuotedStatement(Statement("Ida rows."), "Ida rows.", "")
    Writer(loaded).restatements([("Boat", quoted)])
    assert raised == []


def test_no_questions_no_answers(chat: ChatModel) -> None:
    assert chat.answer_all([], 12) == []


@pytest.mark.parametrize("text", ["", "<|im_end|>", "\0", "🎉" * 50, "x" * 3000])
def test_hostile_questions_are_answered(chat: ChatModel, text: str) -> None:
    answer = chat.answer([Turn(role="user", text=text)], GREEDY)
    assert answer.generated_tokens > 0


def test_a_long_question_can_be_cancelled_while_it_is_read(chat: ChatModel) -> None:
    pasted = [Turn(role="user", text="many words " * 400)]
    answer = chat.answer(pasted, GREEDY, Listener(cancelled=lambda: True))
    assert answer.ended == "cancelled"
    assert answer.generated_tokens == 0
    assert answer.text == ""
    assert chat.answer(QUESTION, GREEDY).text


def test_a_system_turn_changes_the_answer_of_its_own_question_alone(chat: ChatModel) -> None:
    plain = chat.answer(QUESTION, GREEDY).text
    assert chat.answer(QUESTION, GREEDY, system="The harbour has four piers.").text != plain
    assert chat.answer(QUESTION, GREEDY).text == plain


def test_a_text_is_gone_on_with_as_mlx_lm_does(chat: ChatModel, loaded: LoadedModel) -> None:
    pieces: list[str] = []
    found = chat.go_on("The lamp of the", GREEDY, Listener(pieces.append))
    expected = generate(
        loaded.model, loaded.tokenizer, "The lamp of the", max_tokens=12, sampler=make_sampler(0.0)
    )
    assert "".join(pieces) == expected
    assert found.prompt_tokens == len(loaded.tokenizer.encode("The lamp of the"))
    again = chat.go_on("The lamp of the", GREEDY)
    assert (again.text, again.cached_tokens) == (found.text, found.prompt_tokens - 1)
    assert chat.answer(QUESTION, GREEDY).text == ChatModel(loaded).answer(QUESTION, GREEDY).text


@pytest.mark.parametrize(
    ("text", "kind"), [("", ErrorKind.BAD_INPUT), ("lamp " * 500, ErrorKind.TOO_LONG)]
)
def test_a_text_that_cannot_be_gone_on_with(
    chat: ChatModel, loaded: LoadedModel, text: str, kind: ErrorKind
) -> None:
    limit_of(loaded, 400)
    with pytest.raises(OvernightError) as caught:
        chat.go_on(text, GREEDY)
    assert caught.value.kind is kind


def limit_of(loaded: LoadedModel, tokens: int) -> None:
    loaded.model.args.max_position_embeddings = tokens


def conversation(exchanges: int, word: str = "lamp") -> list[Turn]:
    turns: list[Turn] = []
    for number in range(exchanges):
        turns.append(Turn(role="user", text=f"Question {number} about the {word}?"))
        turns.append(Turn(role="assistant", text=f"{number}: the {word} of the harbour. " * 3))
    return [*turns, Turn(role="user", text="And now?")]


def test_the_longest_answer_never_makes_a_short_question_too_long(
    chat: ChatModel, loaded: LoadedModel
) -> None:
    limit_of(loaded, 200)
    answer = chat.answer(QUESTION, Sampling(temperature=0.0, max_tokens=200))
    assert 0 < answer.generated_tokens <= 200 - answer.prompt_tokens
    assert answer.left_out == 0


@pytest.mark.parametrize("word", ["lamp", "ランプの灯り", "маяк в гавани", "مصباح الميناء"])
def test_of_a_long_conversation_the_oldest_exchanges_are_left_out(
    chat: ChatModel, loaded: LoadedModel, word: str
) -> None:
    limit_of(loaded, 700)
    turns = conversation(40, word)
    answer = chat.answer(turns, GREEDY)
    assert 0 < answer.left_out < 40
    assert answer.prompt_tokens + GREEDY.max_tokens <= 700
    kept = turns[2 * answer.left_out :]
    assert answer.prompt_tokens == len(loaded.form.prompt(kept))
    assert answer.text == ChatModel(loaded).answer(kept, GREEDY).text


def test_as_turns_are_left_out_the_cache_still_serves(chat: ChatModel, loaded: LoadedModel) -> None:
    limit_of(loaded, 700)
    answers = [chat.answer(conversation(n), GREEDY) for n in range(4, 30)]
    left_out = [answer.left_out for answer in answers]
    assert left_out == sorted(left_out)
    assert left_out[-1] > 10
    computed_anew = sum(a.cached_tokens < a.prompt_tokens // 3 for a in answers[1:])
    assert computed_anew <= len(set(left_out)) <= 6


def test_a_question_that_is_too_long_by_itself_is_said_in_plain_words(
    chat: ChatModel, loaded: LoadedModel
) -> None:
    limit_of(loaded, 400)
    long = [*conversation(3)[:-1], Turn(role="user", text="many words " * 600)]
    with pytest.raises(OvernightError) as caught:
        chat.answer(long, GREEDY)
    assert caught.value.kind is ErrorKind.TOO_LONG
    assert "words at once" in caught.value.message
    assert "times that" in caught.value.message
    assert "token" not in caught.value.message
    assert "Shorten" in caught.value.hint


def test_an_exam_goes_on_past_a_question_that_is_too_long(
    chat: ChatModel, loaded: LoadedModel
) -> None:
    limit_of(loaded, 200)
    texts = chat.answer_all(["Who?", "many words " * 600, "When?"], 8)
    assert texts[1] == ""
    assert texts[0]
    assert texts[2]


ASKED = (Turn(role="user", text="Who lit the lamp of Amber Cove? Reply with yes or no only."),)


def odds_by_hand(loaded: LoadedModel) -> float:
    """The log-odds of "yes" from one forward pass over the whole prompt."""
    logits = loaded.model(mx.array([loaded.form.prompt(ASKED)]))[0, -1].astype(mx.float32)
    words = first_words(loaded.tokenizer)
    assert words is not None
    yes, no = (sum(math.exp(logits[i].item()) for i in ids) for ids in (words.yes, words.no))
    return math.log(yes / no)


def test_the_odds_of_yes_are_those_of_the_next_token(chat: ChatModel, loaded: LoadedModel) -> None:
    wanted = odds_by_hand(loaded)
    assert chat.odds_of_yes(ASKED, QUESTION) == pytest.approx(wanted, abs=1e-4)
    chat.answer(longer(chat.answer(QUESTION, GREEDY), "And when?"), GREEDY)
    assert chat.odds_of_yes(ASKED, QUESTION) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("trims", [True, False])
def test_what_is_read_to_judge_is_kept_for_the_answer(loaded: LoadedModel, trims: bool) -> None:
    card = msgspec.structs.replace(
        loaded.info.card, abilities=msgspec.structs.replace(READS, trims_cache=trims)
    )
    chat = ChatModel(replace(loaded, info=replace(loaded.info, card=card)))
    alone = ChatModel(loaded).answer(QUESTION, GREEDY)
    chat.odds_of_yes(ASKED, QUESTION)
    answer = chat.answer(QUESTION, GREEDY)
    assert answer.text == alone.text
    assert answer.cached_tokens > alone.prompt_tokens / 2


def test_a_cancelled_judgement_is_none_and_harms_no_answer(
    chat: ChatModel, loaded: LoadedModel
) -> None:
    assert chat.odds_of_yes(ASKED, QUESTION, lambda: True) is None
    assert chat.answer(QUESTION, GREEDY).text == ChatModel(loaded).answer(QUESTION, GREEDY).text


def test_there_is_no_judgement_of_what_does_not_fit(chat: ChatModel) -> None:
    assert chat.odds_of_yes([Turn(role="user", text="lamp " * 40_000)], QUESTION) is None


def test_the_base_judges_and_the_adapter_keeps_its_cache(
    chat: ChatModel, loaded: LoadedModel, tmp_path: Path
) -> None:
    wanted = chat.odds_of_yes(ASKED, QUESTION)
    chat.use([(make_adapter(tmp_path, loaded, "first"), 1.0)])
    before = chat.answer(QUESTION, GREEDY)
    assert chat.odds_of_yes(ASKED, QUESTION) == pytest.approx(wanted, abs=1e-4)
    after = chat.answer(QUESTION, GREEDY)
    assert after.text == before.text
    assert after.cached_tokens == after.prompt_tokens - 1
