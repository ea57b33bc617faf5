"""Each problem code has a row with the problem, a near miss, a switch and documentation."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.problem_cases import ROW_CASES, Case

from tui.domain.rows.check_options import DEFAULT_OPTIONS, LIMITS, CheckOptions, override_options
from tui.domain.rows.formats import Format
from tui.domain.rows.problems import GROUPS, KINDS, SWITCHABLE, Problem
from tui.domain.rules.providers import SERVICES
from tui.domain.rules.quality import check_quality
from tui.domain.rules.structure import check_line, to_problems
from tui.domain.rules.whole_file import (
    FileFacts,
    check_count,
    check_formats,
    check_shared,
    check_size,
    file_warnings,
)

ROOT = Path(__file__).parents[3]

FILE_CASES: dict[str, tuple[Callable[[], list[Problem]], Callable[[], list[Problem]]]] = {
    "empty-file": (lambda: check_count(0), lambda: check_count(10)),
    "too-few-examples": (lambda: check_count(9), lambda: check_count(10)),
    "file-too-large": (lambda: check_size(512_000_001), lambda: check_size(512_000_000)),
    "mixed-formats": (
        lambda: check_formats(Format.CHAT, 9, {Format.PAIRS: [3, 5]}),
        lambda: check_formats(Format.CHAT, 9, {}),
    ),
    "few-examples": (lambda: file_warnings(FileFacts(49)), lambda: file_warnings(FileFacts(50))),
    "several-system-prompts": (
        lambda: file_warnings(FileFacts(99, systems=2)),
        lambda: file_warnings(FileFacts(99, systems=1)),
    ),
    "many-refusals": (
        lambda: file_warnings(FileFacts(100, answers=100, refusals=20)),
        lambda: file_warnings(FileFacts(100, answers=100, refusals=19)),
    ),
    "needs-validation": (
        lambda: file_warnings(FileFacts(99, Format.REINFORCEMENT, validated=False)),
        lambda: file_warnings(FileFacts(99, Format.REINFORCEMENT, validated=True)),
    ),
    "shared-rows": (lambda: check_shared([], [4]), lambda: check_shared([], [])),
}

OF_SEVERAL_ROWS_OR_FILES = {
    *("duplicate-row", "near-duplicate", "contradiction", "length-outlier", "over-context"),
    *("leaked-row", "near-leak"),
    *("needs-conversion", "unconvertible-format", "truncated-container", "unescaped-quotes"),
    "other-encoding",
}
"""Codes that only a check of whole files gives: tests/services/checking/test_codes_of_files.py."""


def problems_of(raw: bytes, case: Case) -> list[Problem]:
    example, problems = check_line(raw, 7, case.kind, case.options)
    findings = check_quality(example, case.options) if example else ()
    return problems + to_problems(findings, 7, case.options)


def test_the_cases_cover_every_code_of_the_table() -> None:
    of_rows = {case.code for case in ROW_CASES}
    assert of_rows | FILE_CASES.keys() | OF_SEVERAL_ROWS_OR_FILES == KINDS.keys()


@pytest.mark.parametrize("case", ROW_CASES, ids=lambda case: case.code)
def test_a_row_has_its_problem_and_a_near_miss_has_not(case: Case) -> None:
    findings = problems_of(case.bad, case)
    assert case.code in {item.code for item in findings}
    assert case.code not in {item.code for item in problems_of(case.near, case)}
    for item in findings:
        assert item.line == 7
        assert re.search(r"[.?)]$", item.message), item.message
        assert item.fix.endswith(".")


@pytest.mark.parametrize("case", ROW_CASES, ids=lambda case: case.code)
def test_a_rule_that_is_switched_off_reports_nothing(case: Case) -> None:
    if case.code not in SWITCHABLE:
        with pytest.raises(ValueError, match="cannot be switched off"):
            override_options(case.options, off=[case.code])
        return
    off = override_options(case.options, off=[case.code])
    without = Case(case.code, case.bad, case.near, case.kind, off)
    assert case.code not in {item.code for item in problems_of(case.bad, without)}


@pytest.mark.parametrize("code", FILE_CASES)
def test_a_file_has_its_problem_and_a_near_miss_has_not(code: str) -> None:
    bad, near = FILE_CASES[code]
    assert [(item.line, item.code) for item in bad()] == [(None, code)]
    assert code not in {item.code for item in near()}


def test_each_problem_kind_has_sentences_for_what_why_and_fix() -> None:
    for code, kind in KINDS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert kind.limit in ("", *LIMITS)
        for text in (kind.what, kind.why, kind.fix):
            assert text.endswith((".", "...")), f"{code}: {text}"
    assert sum(map(len, GROUPS.values())) == len(KINDS)


def test_structural_errors_cannot_be_switched_off() -> None:
    structure = {"The line", "Messages", "Tools", "Preferences"}
    errors = {
        code
        for name in structure
        for code, kind in GROUPS[name].items()
        if kind.severity == "error"
    }
    assert not errors & SWITCHABLE
    assert {code for code, kind in KINDS.items() if kind.severity == "warning"} <= SWITCHABLE


def test_the_page_of_problem_codes_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("pages", ROOT / "docs/write_problem_codes.py")
    assert spec
    assert spec.loader
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    assert pages.PAGE.read_text(encoding="utf-8") == pages.page(), (
        "run: python docs/write_problem_codes.py"
    )


def test_mixed_formats_are_reported_with_their_lines() -> None:
    (mixed,) = check_formats(Format.CHAT, 2000, {Format.PAIRS: [3, 5, 7, 1200], Format.ALPACA: [9]})
    assert "pairs on lines 3, 5, 7 and 1 more" in mixed.message
    assert "alpaca on line 9" in mixed.message
    assert "5 of 2,000" in mixed.message


def test_each_service_has_its_own_strictness() -> None:
    severities = {
        name: {item.code: item.severity for item in check_count(5, CheckOptions(rules_of=name))}
        for name in SERVICES
    }
    assert severities["openai"] == {"too-few-examples": "error"}
    assert severities["together"] == {"too-few-examples": "warning"}
    assert check_size(1 << 40, CheckOptions(rules_of="local")) == []


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"off": ["refusel"]}, "There is no problem code 'refusel'. Did you mean refusal?"),
        ({"off": ["refusal,not-json"]}, "not-json cannot be switched off"),
        ({"limits": ["shortest=3"]}, "Did you mean shortest_output?"),
        ({"limits": ["zzz=3"]}, "Use one of context, shortest_output"),
        ({"limits": ["context"]}, "write context=NUMBER"),
        ({"limits": ["context=many"]}, "The limit context cannot be used: input should be"),
        ({"limits": ["similarity=1.5"]}, "The limit similarity cannot be used: input should be"),
        (
            {"limits": ["length_spread=nan"]},
            "The limit length_spread cannot be used: input should be",
        ),
        ({"rules_of": "acme"}, "There are no rules for 'acme'; use openai"),
    ],
)
def test_an_unusable_flag_is_refused_with_a_sentence(
    flags: dict[str, list[str]], sentence: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        override_options(DEFAULT_OPTIONS, **flags)  # type: ignore[arg-type]


def test_flags_override_the_settings() -> None:
    settings = CheckOptions(off=frozenset({"secret"}), longest_output=500)
    options = override_options(
        settings, off=["refusal, placeholder"], limits=["few-examples=20"], rules_of="local"
    )
    assert options.off == {"secret", "refusal", "placeholder"}
    assert (options.longest_output, options.few_examples, options.rules_of) == (500, 20, "local")
    assert override_options(settings) == settings
