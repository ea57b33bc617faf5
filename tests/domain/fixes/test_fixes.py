"""What each fix repairs, which rows it leaves alone, and that it causes no new problem."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.codes_of_row import codes
from support.sample_rows import chat_row, good_rows

from tui.domain.fixes.fixes import (
    FIXABLE,
    FIXED_BY_EXCLUSION,
    FIXES,
    LOSSLESS,
    describe_fix,
    fix_row,
)
from tui.domain.rows.formats import Format, detect_format
from tui.domain.rows.problems import KINDS
from tui.domain.rules.structure import check_line
from tui.services.samples import sample_path

ASKED = {"role": "user", "content": "Where is my order?"}
ANSWER = {"role": "assistant", "content": "It is on its way to you."}
SYSTEM = {"role": "system", "content": "Be kind."}
TOOLS = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]


def chat(*messages: Any, **more: Any) -> bytes:
    return json.dumps({"messages": list(messages), **more}, ensure_ascii=False).encode()


def calling(arguments: Any = '{"order": 1}') -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def answer_row(text: str) -> bytes:
    return chat(ASKED, {**ANSWER, "content": text})


def numbered_call() -> dict[str, Any]:
    message = calling()
    return {**message, "tool_calls": [{**message["tool_calls"][0], "id": "call_2"}]}


HERMES_CALL = {
    "role": "assistant",
    "content": '<tool_call>\n{"name": "find", "arguments": {"order": 1}}\n</tool_call>',
}
TRL_CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"function": {"name": "find", "arguments": '{"order": 1}'}}],
}
FOUND = {"role": "tool", "tool_call_id": "c1", "content": "It was shipped."}
GOOD = chat(ASKED, ANSWER)

MENDED = [
    ("byte-order-mark", b"\xef\xbb\xbf" + GOOD, GOOD),
    ("not-json", GOOD[:-2], GOOD),
    ("not-json", GOOD[:-4], GOOD),
    ("not-json", GOOD + b",", GOOD),
    (
        "not-json",
        GOOD.replace(b"my order", b"my\torder"),
        chat({**ASKED, "content": "Where is my\torder?"}, ANSWER),
    ),
    (
        "not-a-number",
        GOOD[:-1] + b', "metadata": {"score": NaN}}',
        chat(ASKED, ANSWER, metadata={"score": None}),
    ),
    ("lone-surrogate", GOOD.replace(b"order?", b"order?\\ud83d"), GOOD),
    ("duplicate-key", GOOD.replace(b'"role": "user"', b'"role": "user", "role": "user"'), GOOD),
    ("not-object", json.dumps(GOOD.decode()).encode(), GOOD),
    ("not-object", json.dumps([ASKED, ANSWER]).encode(), GOOD),
    (
        "other-format",
        b'{"input": "Where is my order?", "ideal_output": "It is on its way to you."}',
        GOOD,
    ),
    ("unknown-field", chat(ASKED, ANSWER, ticket=7), GOOD),
    ("misspelled-key", chat({"Role": "user", " Content ": ASKED["content"]}, ANSWER), GOOD),
    ("unknown-key", chat({**ASKED, "timestamp": 1}, ANSWER), GOOD),
    ("unknown-role", chat({**ASKED, "role": "Human"}, {**ANSWER, "role": "bot"}), GOOD),
    ("last-not-assistant", chat(ASKED, ANSWER, {"role": "user", "content": "Thanks!"}), GOOD),
    (
        "not-alternating",
        chat(ASKED, {"role": "user", "content": "It is late."}, ANSWER),
        chat({**ASKED, "content": "Where is my order?\n\nIt is late."}, ANSWER),
    ),
    ("system-not-first", chat(ASKED, SYSTEM, ANSWER), chat(SYSTEM, ASKED, ANSWER)),
    ("empty-system", chat({**SYSTEM, "content": " "}, ASKED, ANSWER), GOOD),
    (
        "bad-content",
        chat({**ASKED, "content": 70994}, ANSWER),
        chat({**ASKED, "content": "70994"}, ANSWER),
    ),
    (
        "bad-weight",
        chat({**ASKED, "weight": 0}, {**ANSWER, "weight": 1.0}),
        chat(ASKED, {**ANSWER, "weight": 1}),
    ),
    ("bad-weight", chat(ASKED, {**ANSWER, "weight": True}), chat(ASKED, {**ANSWER, "weight": 1})),
    (
        "tool-arguments-not-string",
        chat(ASKED, calling({"order": 1}), FOUND, ANSWER, tools=TOOLS),
        chat(ASKED, calling(), FOUND, ANSWER, tools=TOOLS),
    ),
    (
        "missing-tool-call-id",
        chat(ASKED, calling(), {"role": "tool", "content": "It was shipped."}, ANSWER, tools=TOOLS),
        chat(ASKED, calling(), FOUND, ANSWER, tools=TOOLS),
    ),
    (
        "missing-tool-call-id",
        chat(ASKED, HERMES_CALL, {"role": "tool", "content": "It was shipped."}, ANSWER),
        chat(ASKED, numbered_call(), {**FOUND, "tool_call_id": "call_2"}, ANSWER),
    ),
    ("bad-tool-call", chat(ASKED, {**ANSWER, "tool_calls": []}), GOOD),
    (
        "bad-tool-call",
        chat(ASKED, TRL_CALL, {"role": "tool", "content": "It was shipped."}, ANSWER),
        chat(ASKED, numbered_call(), {**FOUND, "tool_call_id": "call_2"}, ANSWER),
    ),
    ("outer-whitespace", answer_row(" It is on its way to you.\n"), GOOD),
    (
        "encoding-damage",
        answer_row("It is in the cafÃ© since Monday."),
        answer_row("It is in the café since Monday."),
    ),
    (
        "control-characters",
        answer_row("It\x1b[31m is\u200b on its way\x92s end.\ufeff"),
        answer_row("It is on its way’s end."),
    ),
]

HIDING = [
    ("not-json", answer_row(" Yes, in the cafÃ©.")[:-3], answer_row(" Yes, in the cafÃ©.")),
    ("unknown-role", chat(ASKED, {"role": "bot", "content": "Yes."}), answer_row("Yes.")),
]
"""Errors that hid a warning: the row is better with the warning alone."""

LEFT_ALONE = [
    (
        "other-format: its context would be gone",
        "other-format",
        b'{"input": "Where is it?", "ideal_output": "It is on its way.", "context": "An order."}',
    ),
    (
        "bad-weight: somebody wants the question to be learned",
        "bad-weight",
        chat({**ASKED, "weight": 1}, ANSWER),
    ),
    (
        "empty-system: it has a name",
        "empty-system",
        chat({**SYSTEM, "content": " ", "name": "rules"}, ASKED, ANSWER),
    ),
    (
        "outer-whitespace: the last character was an ellipsis",
        "outer-whitespace",
        answer_row("It is on its way\x85"),
    ),
    ("not-json: the answer may have been longer", "not-json", GOOD[:-12]),
    (
        "not-json: a key has two values before the comma",
        "not-json",
        GOOD.replace(b'"content"', b'"content": "Where else?", "content"', 1) + b",",
    ),
    (
        "not-object: a key in the string has two values",
        "not-object",
        json.dumps(
            GOOD.decode().replace('"content"', '"content": "Where else?", "content"', 1)
        ).encode(),
    ),
    (
        "missing-tool-call-id: the call says more than can be written",
        "missing-tool-call-id",
        chat(
            ASKED,
            {**ANSWER, "content": '<tool_call>{"name": "find", "why": "to know"}</tool_call>'},
            {"role": "tool", "content": "Hall two."},
            ANSWER,
            tools=TOOLS,
        ),
    ),
    (
        "not-json: a number may have been longer",
        "not-json",
        chat(ASKED, {**ANSWER, "weight": 1})[:-3],
    ),
    ("not-json: a key may follow the comma", "not-json", GOOD[:-1] + b","),
    ("not-json: the answer is missing", "not-json", GOOD[: GOOD.index(b', {"role": "assistant"')]),
    ("not-json: an escape is cut", "not-json", GOOD[:-4] + b"\\"),
    ("not-json: brackets do not match", "not-json", b'{"messages": [}'),
    (
        "not-a-number: Infinity is some number",
        "not-a-number",
        GOOD[:-1] + b', "metadata": -Infinity}',
    ),
    (
        "duplicate-key: the values differ",
        "duplicate-key",
        GOOD.replace(b'"role": "user"', b'"role": "system", "role": "user"'),
    ),
    ("not-object: a list of anything", "not-object", b'["role", "user"]'),
    ("unknown-field: nothing else is there", "unknown-field", b'{"message": "Where is my order?"}'),
    (
        "unknown-key: the text stands under it",
        "unknown-key",
        chat({"role": "user", "text": "Where?"}, ANSWER),
    ),
    (
        "unknown-role: nobody knows who that is",
        "unknown-role",
        chat({**ASKED, "role": "narrator"}, ANSWER),
    ),
    (
        "not-alternating: one of them calls a tool",
        "not-alternating",
        chat(ASKED, ANSWER, calling(), FOUND, ANSWER, tools=TOOLS),
    ),
    (
        "system-not-first: it stands after an answer",
        "system-not-first",
        chat(ASKED, ANSWER, SYSTEM, ASKED, ANSWER),
    ),
    (
        "bad-content: an object may be meant as text or not",
        "bad-content",
        chat({**ASKED, "content": {"a": 1}}, ANSWER),
    ),
    ("bad-weight: nobody knows what 2 means", "bad-weight", chat(ASKED, {**ANSWER, "weight": 2})),
    (
        "tool-arguments-not-string: a list is no arguments",
        "tool-arguments-not-string",
        chat(ASKED, calling([1]), FOUND, ANSWER, tools=TOOLS),
    ),
    (
        "encoding-damage: what is lost is lost",
        "encoding-damage",
        answer_row("It is in the caf\ufffd since Monday."),
    ),
    (
        "control-characters: they spell Persian",
        "control-characters",
        answer_row("می\u200fخواهم بدانم که کجاست"),
    ),
    ("a key stands twice elsewhere in the row", "unknown-field", GOOD[:-1] + b', "a": 1, "a": 2}'),
]


def test_every_fix_belongs_to_a_problem_and_has_a_description() -> None:
    assert KINDS.keys() >= set(FIXABLE) == FIXES.keys() | FIXED_BY_EXCLUSION
    assert not FIXES.keys() & FIXED_BY_EXCLUSION
    assert all(describe_fix(code) for code in FIXES.keys() | FIXED_BY_EXCLUSION)
    assert describe_fix("no-assistant") is None
    assert fix_row(chat(ASKED), "no-assistant", Format.CHAT) is None
    assert {code for code, _, _ in MENDED} == FIXES.keys()


@pytest.mark.parametrize(("code", "raw", "expected"), HIDING)
def test_a_fix_may_reveal_a_warning_that_the_error_had_hidden(
    code: str, raw: bytes, expected: bytes
) -> None:
    edit = fix_row(raw, code, Format.CHAT)
    assert edit
    assert json.loads(edit.raw or b"") == json.loads(expected)
    assert {KINDS[item].severity for item in codes(edit.raw or b"")} == {"warning"}


@pytest.mark.parametrize(("code", "raw", "expected"), MENDED)
def test_a_fix_repairs_its_problem_and_changes_nothing_else(
    code: str, raw: bytes, expected: bytes
) -> None:
    assert codes(raw)[code]
    edit = fix_row(raw, code, Format.CHAT)
    assert edit
    assert edit.raw
    assert not edit.excluded
    assert json.loads(edit.raw) == json.loads(expected)
    assert not codes(edit.raw)


@pytest.mark.parametrize(("why", "code", "raw"), LEFT_ALONE, ids=[item[0] for item in LEFT_ALONE])
def test_a_row_without_a_certain_repair_gets_no_fix(why: str, code: str, raw: bytes) -> None:
    assert codes(raw)[code]
    assert fix_row(raw, code, Format.CHAT) is None, why


@pytest.mark.parametrize("code", sorted(FIXED_BY_EXCLUSION))
def test_the_fix_for_a_superfluous_row_excludes_it(code: str) -> None:
    edit = fix_row(GOOD, code, Format.CHAT)
    assert edit
    assert (edit.raw, edit.excluded) == (None, True)


def test_fixing_all_problems_removes_nothing_that_somebody_wrote() -> None:
    removing = {"near-duplicate", "near-leak", "unknown-field", "unknown-key", "last-not-assistant"}
    assert {*FIXABLE} - {*LOSSLESS} == removing


@pytest.mark.parametrize(
    ("answer", "fixed"),
    [
        ("\n  x = 0\n    return x\n", "  x = 0\n    return x"),
        ("  It is on its way. ", "It is on its way."),
    ],
)
def test_an_answer_is_stripped_but_code_keeps_its_indentation(answer: str, fixed: str) -> None:
    edit = fix_row(answer_row(answer), "outer-whitespace", Format.CHAT)
    assert edit
    assert json.loads(edit.raw or b"")["messages"][-1]["content"] == fixed
    assert not codes(edit.raw or b"")["outer-whitespace"]
    assert not codes(answer_row(fixed))["outer-whitespace"]


def test_joiners_that_spell_persian_are_no_problem() -> None:
    assert not codes(answer_row("می\u200cخواهم بدانم که سفارش من کجاست"))


def test_numbers_keep_their_digits_and_text_its_escapes() -> None:
    more = b', "metadata": {"id": 123456789012345678901234567890, "e": "\\u00e9\\n"}, "ticket": 1}'
    edit = fix_row(GOOD[:-1] + more, "unknown-field", Format.CHAT)
    assert edit
    assert edit.raw
    assert b"123456789012345678901234567890" in edit.raw
    assert json.loads(edit.raw)["metadata"]["e"] == "é\n"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"input": "Where is it?", "ideal_output": " It is on its way. "}, "outer-whitespace"),
        ({"instruction": "Say it.", "output": "It is in the cafÃ©."}, "encoding-damage"),
        (
            {
                "conversations": [
                    {"from": "human", "value": "Where is it?"},
                    {"from": "gpt", "value": "It is\u200b on its way."},
                ]
            },
            "control-characters",
        ),
    ],
)
def test_rows_of_other_formats_are_repaired_in_their_own_fields(
    row: dict[str, Any], code: str
) -> None:
    raw = json.dumps(row).encode()
    kind = detect_format(row)
    assert codes(raw, kind)[code]
    edit = fix_row(raw, code, kind)
    assert edit
    assert edit.raw
    assert json.loads(edit.raw).keys() == row.keys()
    assert not codes(edit.raw, kind)


def test_preference_rows_are_repaired_in_their_answers() -> None:
    row = {
        "input": {"messages": [ASKED]},
        "preferred_output": [{**ANSWER, "role": "bot"}],
        "non_preferred_output": [{"role": "gpt", "content": "I do not know where it is."}],
    }
    edit = fix_row(json.dumps(row).encode(), "unknown-role", Format.PREFERENCE)
    assert edit
    assert edit.raw
    assert not codes(edit.raw, Format.PREFERENCE)


def test_a_cut_row_of_megabytes_is_completed_quickly() -> None:
    long = chat(ASKED, {**ANSWER, "content": 'He said "yes" \\ and went. ' * 100_000 + "The end."})
    edit = fix_row(long[:-4], "not-json", Format.CHAT)
    assert edit is None or edit.raw == long  # it is too long an answer, so nothing is certain
    tools = chat({**ASKED, "content": 'So "long" \\. ' * 200_000}, ANSWER)
    edit = fix_row(tools[:-3], "not-json", Format.CHAT)
    assert edit
    assert edit.raw == tools


FLAWED = sample_path("tickets_flawed.jsonl").read_bytes().split(b"\n")
LINES = [
    *[json.dumps(row).encode() for row in good_rows(3)],
    *[line for line in FLAWED if line],
    *[raw for _, raw, _ in (*MENDED, *HIDING)],
    *[raw for _, _, raw in LEFT_ALONE],
    json.dumps(chat_row("Où est-ce?", "C'est lÃ\xa0, bien sûr.")).encode(),
]
PIECES = [b" ", b'"', b"{", b"}", b"]", b",", b"\\", b"\xff", b"NaN", b"\x00", b"null", b"\\ud800"]
DAMAGED = st.builds(
    lambda raw, at, piece, cut: raw[: at % len(raw)] + piece + raw[at % len(raw) + cut :],
    st.sampled_from(LINES),
    st.integers(0, 2_000),
    st.sampled_from([b"", *PIECES]),
    st.sampled_from([0, 1, 5, 10_000]),
)
KINDS_OF_FILES = st.sampled_from([Format.CHAT, Format.PAIRS, Format.PREFERENCE])


@settings(deadline=None, max_examples=400)
@given(st.one_of(st.sampled_from(LINES), DAMAGED), st.sampled_from(sorted(FIXES)), KINDS_OF_FILES)
def test_a_fix_never_adds_an_error(raw: bytes, code: str, kind: Format) -> None:
    edit = fix_row(raw, code, kind)
    if not codes(raw, kind)[code]:
        assert edit is None
    if edit is None:
        return
    assert edit.raw is not None
    new = codes(edit.raw, kind) - codes(raw, kind)
    assert all(KINDS[item].severity == "warning" for item in new)
    assert not new or KINDS[code].severity == "error"  # which may have hidden them
    assert codes(edit.raw, kind)[code] < codes(raw, kind)[code]
    assert b"\n" not in edit.raw
    assert fix_row(edit.raw, code, kind) is None


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(LINES), st.integers(1, 400))
def test_completing_a_cut_row_adds_only_closing_characters(raw: bytes, missing: int) -> None:
    cut = raw[:-missing]
    edit = fix_row(cut, "not-json", Format.CHAT)
    if edit is None:
        return
    assert edit.raw is not None
    assert check_line(edit.raw, 1)[0] is not None
    added = edit.raw.removeprefix(cut.rstrip())
    if len(edit.raw) > len(cut.rstrip()):
        assert set(added) <= set(b'"}]')
