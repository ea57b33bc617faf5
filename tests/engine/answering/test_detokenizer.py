"""Text is released in pieces that add up to the whole answer, up to a stop sequence."""

from __future__ import annotations

import functools
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob
from support.sample_rows import good_rows
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tui.engine.answering.detokenizer import Detokenizer


@functools.cache
def tokenizer() -> Tokenizer:
    """A tokenizer of bytes, which splits characters; with a special token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([json.dumps(row) for row in good_rows(50)], trainer)
    return tokenizer


def decode(tokens: list[int]) -> str:
    text: str = tokenizer().decode(tokens)
    return text


def releases(detokenizer: Detokenizer, tokens: list[int]) -> list[tuple[str, list[int]]]:
    """What is released after each token, and at the end: text, and the positions of tokens."""
    released = []
    for position, token in enumerate(tokens):
        logprob = TokenLogprob(token=str(position), logprob=-1.0, top_logprobs=[])
        detokenizer.append(token, logprob)
        released.append(detokenizer.release())
        if detokenizer.stopped:
            break
    detokenizer.close()
    released.append(detokenizer.release())
    return [(text, [int(item.token) for item in logprobs]) for text, logprobs in released]


TOKENS = st.lists(st.integers(0, 399), max_size=40)
TEXTS = st.text(alphabet="ab é🎉\n", max_size=25)


@settings(deadline=None)
@given(tokens=TOKENS)
def test_any_tokens_are_released_as_their_full_text_with_each_logprob_once(
    tokens: list[int],
) -> None:
    released = releases(Detokenizer(decode), tokens)
    assert "".join(text for text, _ in released) == decode(tokens)
    assert [index for _, positions in released for index in positions] == list(range(len(tokens)))


@settings(deadline=None)
@example(text="abab", stops=["b", "aba"])
@given(text=TEXTS, stops=st.lists(st.text(alphabet="ab é🎉", min_size=1, max_size=3), max_size=3))
def test_text_ends_before_the_first_complete_stop_sequence_and_no_part_of_it_is_released(
    text: str, stops: list[str]
) -> None:
    tokens = tokenizer().encode(text).ids
    detokenizer = Detokenizer(decode, stops)
    released = releases(detokenizer, tokens)
    matches = [(text.index(stop) + len(stop), text.index(stop)) for stop in stops if stop in text]
    expected = text[: min(matches)[1]] if matches else text
    assert "".join(piece for piece, _ in released) == expected == detokenizer.text
    assert detokenizer.stopped == bool(matches)


@settings(deadline=None)
@given(text=TEXTS, stop=st.text(alphabet="ab é", min_size=1, max_size=3))
def test_logprobs_are_of_the_tokens_that_begin_in_the_text(text: str, stop: str) -> None:
    tokens = tokenizer().encode(text).ids
    detokenizer = Detokenizer(decode, [stop])
    positions = [index for _, indices in releases(detokenizer, tokens) for index in indices]
    count = len(positions)
    assert positions == list(range(count))
    assert decode(tokens[:count]).startswith(detokenizer.text)
    assert len(decode(tokens[: max(0, count - 1)]).rstrip("�")) <= len(detokenizer.text)


def test_a_partial_character_is_held_back_until_it_is_complete() -> None:
    tokens = tokenizer().encode("a🎉b").ids
    assert len(tokens) == 6
    texts = [text for text, _ in releases(Detokenizer(decode), tokens)]
    assert texts == ["a", "", "", "", "🎉", "b", ""]


def test_an_answer_cut_within_a_character_ends_with_a_replacement_character() -> None:
    tokens = tokenizer().encode("a🎉").ids[:-1]
    assert "".join(text for text, _ in releases(Detokenizer(decode), tokens)) == "a�"


def test_nothing_is_decoded_before_the_end_if_no_text_is_needed_earlier() -> None:
    decoded: list[int] = []

    def counting(tokens: list[int]) -> str:
        decoded.append(len(tokens))
        return decode(tokens)

    releases(Detokenizer(counting, incremental=False), tokenizer().encode("some text").ids)
    assert len(decoded) == 1
