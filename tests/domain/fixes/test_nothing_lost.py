"""A fix that is applied with all others removes nothing that somebody wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ftfy import fix_encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from support.codes_of_row import codes

from tui.domain.fixes.fixes import LOSSLESS, fix_row
from tui.domain.rows.formats import Format
from tui.domain.rows.parsing import BOM
from tui.domain.text import without_unsafe

# Random accents look like characters of a wrong encoding, with several readings.
CHARACTERS = st.characters(max_codepoint=127) | st.sampled_from("ж日🙂\u200b\u202e\ufeff")
TEXT = st.text(CHARACTERS, max_size=12) | st.sampled_from(
    [
        " It is on its way to you.\n",
        "    x = 0\n    return x\n",
        "In the cafÃ© since Monday.",
        "It\x1b[31m is\u200b here.\ufeff",
        '[{"role": "user", "content": "a"}]',
        '{"item": 1}',
    ]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner)
    ),
    max_leaves=4,
)
CALL = st.fixed_dictionaries(
    {"type": st.just("function")},
    optional={
        "id": st.sampled_from(["c1", "c2"]),
        "function": st.fixed_dictionaries(
            {"name": st.just("find"), "arguments": st.dictionaries(TEXT, VALUE, max_size=2) | TEXT}
        ),
    },
)
ROLES = ["system", "user", "assistant", "tool", "Human", "bot", "User ", "narrator"]
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(ROLES), "content": TEXT | st.integers() | st.none()},
    optional={
        "weight": st.sampled_from([0, 1, 0.5, 7, "0", "1", True, None]),
        "name": TEXT | st.none(),
        "tool_call_id": st.sampled_from(["c1", None]),
        "tool_calls": st.lists(CALL, max_size=2),
        "reasoning_content": TEXT,
        "timestamp": VALUE,
    },
)
MESSAGES = st.lists(MESSAGE, min_size=1, max_size=4)
ROW = (
    st.fixed_dictionaries({"messages": MESSAGES}, optional={"system": TEXT, "images": VALUE})
    | st.fixed_dictionaries({"messages": MESSAGES, "response": TEXT}, optional={"tools": VALUE})
    | st.fixed_dictionaries(
        {"input": TEXT, "ideal_output": TEXT}, optional={"context": VALUE, "system": VALUE}
    )
    | st.fixed_dictionaries({"prompt": TEXT, "completion": TEXT}, optional={"id": VALUE})
    | st.fixed_dictionaries({"instruction": TEXT, "output": TEXT}, optional={"input": VALUE})
)


@st.composite
def sources(draw: st.DrawFn) -> tuple[bytes, Any]:
    """A row in the bytes of a file, perhaps damaged, and what somebody wrote in it."""
    row = draw(ROW)
    written = draw(st.sampled_from([row, row.get("messages", row)]))
    value = draw(st.sampled_from([written, json.dumps(written)]))
    raw = json.dumps(value, ensure_ascii=draw(st.booleans())).encode()
    mark = draw(st.sampled_from([b"", BOM]))
    return mark + raw[: len(raw) - draw(st.integers(0, 2))], written


def fixed_by_all(raw: bytes) -> bytes:
    """The row after `--fix all`, or F a on the screen."""
    found = codes(raw)
    for code in LOSSLESS:
        edit = fix_row(raw, code, Format.CHAT) if code in found else None
        if edit and edit.raw is not None:
            raw = edit.raw
            found = codes(raw)
    return raw


def leaves(value: Any, key: str = "") -> Iterator[str]:
    """The texts and numbers in a value, those in JSON text too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            yield from leaves(json.loads(value))
        except ValueError:
            yield readable(value)
    # An alias of a role and a weight of another type are the same in other words.
    elif value is not None and key != "role" and not (key == "weight" and value in FLAGS):
        yield readable(value if isinstance(value, str) else json.dumps(value))


FLAGS = (0, 1, "0", "1")


def readable(text: str) -> str:
    """A text without what cannot be seen, and with its damaged characters repaired."""
    return without_unsafe(fix_encoding(text)).strip()


def keeps_every_value(source: tuple[bytes, Any]) -> None:
    raw, written = source
    fixed = fixed_by_all(raw)
    try:
        row = json.loads(fixed.removeprefix(BOM))
    except ValueError:
        assert fixed == raw.removeprefix(BOM)  # the end is missing, and nobody knows what it was
        return
    kept = "\n".join(leaves(row))
    for leaf in leaves(written):
        assert leaf in kept


@settings(max_examples=400)
@given(sources())
def test_fixing_all_problems_keeps_every_value(source: tuple[bytes, Any]) -> None:
    keeps_every_value(source)


@pytest.mark.long
@settings(max_examples=10_000)
@given(sources())
def test_fixing_all_problems_keeps_every_value_of_many_rows(source: tuple[bytes, Any]) -> None:
    keeps_every_value(source)
