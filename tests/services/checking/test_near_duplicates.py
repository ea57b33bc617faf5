"""Near duplicates: planted ones are found, no others, and the same in every process."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Sequence

import pytest
from support.ordinary_words import ordinary_word

from tui.domain.rows.formats import Format
from tui.domain.rows.similarity import jaccard, shingles, text_to_compare
from tui.domain.rules.structure import check_line
from tui.services.checking.near_duplicates import candidates, near_leaks, near_pairs
from tui.services.checking.sketches import NOTHING, SKETCH, sketch
from tui.services.samples import sample_path

WORDS = [*map(ordinary_word, range(3000))]


def text_of(chance: random.Random, length: int) -> str:
    return " ".join(chance.choices(WORDS, k=length))


def similarity_of(a: str, b: str) -> float:
    return jaccard(shingles(a), shingles(b))


def planted(
    count: int, at_least: float, at_most: float, seed: int = 1
) -> tuple[list[str], list[str]]:
    """Texts, and a copy of each with words changed down to the given similarity."""
    chance = random.Random(seed)
    texts, copies = [], []
    while len(texts) < count:
        text = text_of(chance, chance.randint(15, 150))
        words = text.split()
        for place in chance.sample(range(len(words)), len(words)):
            before, words[place] = words[place], "changed"
            if similarity_of(text, " ".join(words)) < at_least:
                words[place] = before
                break
        if at_least <= similarity_of(text, " ".join(words)) <= at_most:
            texts.append(text)
            copies.append(" ".join(words))
    return texts, copies


def pairs_in(texts: Sequence[str], similarity: float = 0.8) -> dict[int, int]:
    return dict(near_pairs(sketch(texts), texts.__getitem__, similarity))


@pytest.mark.parametrize("similarity", [0.6, 0.7, 0.8, 0.9])
def test_99_percent_of_planted_pairs_are_found_and_no_other(similarity: float) -> None:
    texts, copies = planted(600, similarity, similarity + 0.1)
    result = pairs_in([*texts, *copies], similarity)
    right = sum(result.get(row + len(texts)) == row for row in range(len(texts)))
    assert right >= 0.99 * len(texts)
    assert len(result) == right


def test_pairs_just_below_the_similarity_are_not_found() -> None:
    texts, copies = planted(300, 0.6, 0.799)
    assert pairs_in([*texts, *copies]) == {}


def test_all_pairs_of_a_brute_force_search_are_found() -> None:
    chance = random.Random(3)
    base = text_of(chance, 60).split()
    texts = []
    for _ in range(120):
        words = base[:]
        for place in chance.sample(range(60), chance.randint(0, 6)):
            words[place] = chance.choice(WORDS)
        texts.append(" ".join(words))
    shingle_sets = list(map(shingles, texts))
    expected = {
        row
        for row in range(120)
        for n in range(row)
        if jaccard(shingle_sets[row], shingle_sets[n]) >= 0.8
    }
    result = pairs_in(texts)
    assert all(
        jaccard(shingle_sets[row], shingle_sets[earlier]) >= 0.8 for row, earlier in result.items()
    )
    assert result.keys() <= expected
    assert len(result) >= 0.97 * len(expected)


def test_each_row_is_yielded_once_with_an_earlier_one() -> None:
    text = text_of(random.Random(5), 50)
    result = list(near_pairs(sketch([text] * 40), [text].__mul__(40).__getitem__, 0.8))
    assert sorted(row for row, _ in result) == list(range(1, 40))
    assert all(earlier < row for row, earlier in result)


def test_a_near_duplicate_of_a_near_duplicate_is_linked_to_it() -> None:
    first = WORDS[:60]
    second, third = [*first[:55], *"abcde"], [*first[:52], *"fgh", *"abcde"]
    texts = [" ".join(words) for words in (first, second, third)]
    assert similarity_of(texts[0], texts[2]) < 0.8 <= similarity_of(texts[1], texts[2])
    assert pairs_in(texts) == {1: 0, 2: 1}


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_empty_texts_match_nothing(empty: str) -> None:
    assert sketch([empty, "some words here"])[:SKETCH] == NOTHING
    assert pairs_in([empty] * 20) == {}


def test_skipped_rows_are_in_no_pair() -> None:
    texts = [text_of(random.Random(6), 50)] * 4
    result = dict(near_pairs(sketch(texts), texts.__getitem__, 0.8, skip=lambda row: row in (0, 2)))
    assert result == {3: 1}


def test_similarity_0_turns_the_search_off() -> None:
    assert pairs_in(["the same words again"] * 3, 0) == {}
    same = sketch(["the same words again"])
    assert len(candidates(same, [same], 0)) == 0


def test_no_rows_have_no_pairs() -> None:
    assert sketch([]) == b""
    assert pairs_in([]) == {}
    assert list(near_leaks(b"", [].__getitem__, b"", [].__getitem__, 0.8)) == []


def test_texts_are_read_for_candidates_alone() -> None:
    texts, copies = planted(50, 0.85, 0.95)
    all_texts, rows_read = [*texts, *copies], []

    def read_text(row: int) -> str:
        rows_read.append(row)
        return all_texts[row]

    unrelated = [text_of(random.Random(n + 100), 60) for n in range(1000)]
    all_texts += unrelated
    assert len(dict(near_pairs(sketch(all_texts), read_text, 0.8))) == 50
    assert max(rows_read) < 100
    assert len(rows_read) <= 200


def test_an_error_while_reading_ends_the_search() -> None:
    def read_text(row: int) -> str:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(near_pairs(sketch(["the same words again"] * 2), read_text, 0.8))


def test_many_rows_just_below_the_similarity_end_soon() -> None:
    chance = random.Random(8)
    base = text_of(chance, 60).split()
    texts = []
    for _ in range(2000):
        words = base[:]
        for place in chance.sample(range(60), 8):
            words[place] = chance.choice(WORDS)
        texts.append(" ".join(words))
    reads = 0

    def read_text(row: int) -> str:
        nonlocal reads
        reads += 1
        return texts[row]

    list(near_pairs(sketch(texts), read_text, 0.8))
    assert reads < 20 * len(texts)


def test_near_duplicates_in_another_file_are_found_and_no_other() -> None:
    texts, copies = planted(300, 0.8, 0.95)
    chance = random.Random(9)
    mine = [text_of(chance, 60) for _ in range(200)] + copies
    result = dict(near_leaks(sketch(mine), mine.__getitem__, sketch(texts), texts.__getitem__, 0.8))
    right = sum(result.get(row + 200) == row for row in range(300))
    assert right >= 297
    assert len(result) == right


def test_exact_leaks_are_found_and_can_be_skipped() -> None:
    texts, other_texts = ["one two three four", "", "five six seven"], ["", "one two three four"]
    search = (sketch(texts), texts.__getitem__, sketch(other_texts), other_texts.__getitem__, 0.8)
    assert list(near_leaks(*search)) == [(0, 1)]
    assert list(near_leaks(*search, skip=lambda row: row == 0)) == []


def test_candidates_include_every_near_duplicate() -> None:
    texts, copies = planted(100, 0.8, 0.95)
    result = candidates(sketch(texts), [sketch([copy]) for copy in copies[:30]], 0.8)
    assert {*result} >= {*range(30)}
    assert [*result] == sorted(result)
    assert len(result) < 40
    assert len(candidates(sketch(texts), [NOTHING], 0.8)) == 0


def test_sketches_are_the_same_in_every_process() -> None:
    texts = ["The lamp stays dark, and the switch is on.", "", "今日は天気がとても良い", "🙂"]
    code = "import sys; from tui.services.checking.sketches import sketch; "
    code += f"sys.stdout.buffer.write(sketch({texts!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert run.stdout == sketch(texts)
    assert len(run.stdout) == SKETCH * len(texts)


@pytest.mark.parametrize("name", ["tickets_train", "tickets_test", "tickets_validation"])
def test_the_good_sample_files_have_no_near_duplicates(name: str) -> None:
    lines = sample_path(f"{name}.jsonl").read_bytes().splitlines()
    examples = [check_line(raw, line)[0] for line, raw in enumerate(lines, 1)]
    texts = [text_to_compare(example) for example in examples if example]
    assert len(texts) == len(lines)
    assert pairs_in(texts) == {}


def test_the_raw_tickets_have_no_near_duplicates() -> None:
    lines = sample_path("tickets_raw.jsonl").read_bytes().splitlines()
    examples = [check_line(raw, 1, Format.PAIRS)[0] for raw in lines]
    assert pairs_in([text_to_compare(example) for example in examples if example]) == {}


def test_the_flawed_sample_file_has_its_planted_near_duplicates() -> None:
    texts = []
    for raw in sample_path("tickets_flawed.jsonl").read_bytes().splitlines():
        example = check_line(raw, 1)[0]
        texts.append(text_to_compare(example) if example else "")
    kitchen = [row for row, text in enumerate(texts) if "bulb is on its way" in text]
    result = pairs_in(texts)
    assert {result[row] for row in kitchen[1:]} == {kitchen[0]}


MAIL = (
    "Dear support team, I am writing because of my order with the number {}, which was placed on "
    "your web shop last week and has not reached my home yet, although the tracking page says that "
    "the parcel was handed over. Please {} it and send me a short note. Kind regards, {}"
)
NAMES = ("Ana", "Omar", "Mei", "Jonas", "Priya", "Lukas")


def test_mails_of_one_template_with_other_numbers_or_names_are_not_near_duplicates() -> None:
    numbered = [MAIL.format(4711 + n, "cancel", "Ana") for n in range(24)]
    signed = [MAIL.format(4711, "cancel", name) for name in NAMES]
    assert pairs_in(numbered) == pairs_in(signed) == {}


def test_copies_of_a_mail_with_another_word_another_space_or_a_slip_are_near_duplicates() -> None:
    mail = MAIL.format(4711, "cancel", "Ana")
    copies = [
        mail.replace(before, after)
        for before, after in (("cancel", "resend"), (" last", "\n  last"), ("parcel", "pracel"))
    ]
    assert pairs_in([mail] + 8 * copies).keys() == {*range(1, 25)}


def test_json_answers_are_not_near_for_their_keys() -> None:
    def row(number: int) -> bytes:
        chance = random.Random(number)
        fields = {f"field_number_{n}": chance.randint(0, 999) for n in range(30)}
        question = {"role": "user", "content": "Read the form."}
        answer = {"role": "assistant", "content": json.dumps(fields)}
        return json.dumps({"messages": [question, answer]}).encode()

    examples = [check_line(row(number), number)[0] for number in range(200)]
    texts = [text_to_compare(example) for example in examples if example]
    assert len(texts) == 200
    assert pairs_in(texts) == {}
