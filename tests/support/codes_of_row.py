"""The problems of one row, as a check of its file would find them."""

from __future__ import annotations

import json
from collections import Counter

import orjson

from tui.domain.rows.formats import Format
from tui.domain.rules.quality import check_quality
from tui.domain.rules.structure import check_line, example_of


def codes(raw: bytes, kind: Format = Format.CHAT) -> Counter[str]:
    """The codes of all problems of a row, and how often each occurs."""
    counts = Counter(problem.code for problem in check_line(raw, 1, kind)[1])
    try:
        value = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        try:
            value = json.loads(raw.removeprefix(b"\xef\xbb\xbf").decode(errors="replace"))
        except (ValueError, RecursionError):
            value = None
    example = example_of(value, kind) if isinstance(value, dict) else None
    if example:
        counts.update(code for code, _, _ in check_quality(example))
    return counts
