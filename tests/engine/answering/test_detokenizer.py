"""Text that is told piece by piece is the text of the whole answer, up to a stop."""

from __future__ import annotations

import functools
import json

from hypothesis import example, given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob
from support.sample_rows import good_rows
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tui.engine.answering.detokenizer import Transcript


@functools.cache
def tokenizer() -> Tokenizer:
    """One of bytes, so that characters come apart; with a special token."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([json.dumps(row) for row in good_rows(50)], trainer)
    return made


def decode(tokens: list[int]) -> str:
    text: str = tokenizer().decode(tokens)
    return text


def pieces(transcript: Transcript, tokens: list[int]) -> list[tuple[str, list[str]]]:
    """What is told after each token, and at the end: text, and the names of tokens."""
    told = []
    for at, token in enumerate(tokens):
        named = TokenLogprob(token=str(at), logprob=-1.0, top_logprobs=[])
        transcript.add(token, named)
        told.append(transcript.news())
        if transcript.stopped:
            break
    transcript.close()
    told.append(transcript.news())
    return [(text, [one.token for one in named]) for text, named in told]


TOKENS = st.lists(st.integers(0, 399), max_size=40)
TEXTS = st.text(alphabet="ab é🎉\n", max_size=25)


@given(tokens=TOKENS)
def test_pieces_of_any_tokens_are_the_whole_text_and_name_every_token_once(
    tokens: list[int],
) -> None:
    told = pieces(Transcript(decode), tokens)
    assert "".join(text for text, _ in told) == decode(tokens)
    assert [int(name) for _, named in told for name in named] == list(range(len(tokens)))


@example(text="abab", stops=["b", "aba"])
@given(text=TEXTS, stops=st.lists(st.text(alphabet="ab é🎉", min_size=1, max_size=3), max_size=3))
def test_text_ends_before_the_stop_that_is_complete_first_and_no_part_of_it_was_told(
    text: str, stops: list[str]
) -> None:
    tokens = tokenizer().encode(text).ids
    transcript = Transcript(decode, stops)
    told = pieces(transcript, tokens)
    found = [(text.index(stop) + len(stop), text.index(stop)) for stop in stops if stop in text]
    expected = text[: min(found)[1]] if found else text
    assert "".join(piece for piece, _ in told) == expected == transcript.text
    assert transcript.stopped == bool(found)


@given(text=TEXTS, stop=st.text(alphabet="ab é", min_size=1, max_size=3))
def test_logprobs_are_of_the_tokens_that_the_text_begins_with(text: str, stop: str) -> None:
    tokens = tokenizer().encode(text).ids
    transcript = Transcript(decode, [stop])
    named = [int(name) for _, names in pieces(transcript, tokens) for name in names]
    assert named == list(range(len(named)))
    kept = decode(tokens[: len(named)])
    assert kept.startswith(transcript.text)
    assert len(decode(tokens[: max(0, len(named) - 1)]).rstrip("�")) <= len(transcript.text)


def test_half_a_character_is_held_back_until_it_is_whole() -> None:
    tokens = tokenizer().encode("a🎉b").ids
    assert len(tokens) == 6
    told = [text for text, _ in pieces(Transcript(decode), tokens)]
    assert told == ["a", "", "", "", "🎉", "b", ""]


def test_an_answer_cut_within_a_character_shows_that_something_is_missing() -> None:
    tokens = tokenizer().encode("a🎉").ids[:-1]
    assert "".join(text for text, _ in pieces(Transcript(decode), tokens)) == "a�"


def test_nothing_is_decoded_before_the_end_where_nobody_looks() -> None:
    asked: list[int] = []

    def counting(tokens: list[int]) -> str:
        asked.append(len(tokens))
        return decode(tokens)

    transcript = Transcript(counting, eager=False)
    pieces(transcript, tokenizer().encode("some text").ids)
    assert len(asked) == 1
