"""Formulas of graders: arithmetic and nothing else."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.engine.graders.formula import FormulaError, read_formula

NUMBERS = {"name": 0.5, "email": 0.25, "ärger": 2.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(name + email) / 2", 0.375),
        ("1 + 2 * 3 - 4 / 8", 6.5),
        ("2 + 3 ^ 2", 11.0),  # the power binds more tightly than the sum
        ("-2 ^ 2", -4.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("min(name, email, 3) + max(1, 2)", 2.25),
        ("max(name)", 0.5),
        ("abs(-3) + floor(2.7) + ceil(2.1) + sqrt(9)", 11.0),
        ("log(exp(1))", 1.0),
        ("1e3 * +name", 500.0),
        (" ärger ", 2.0),
    ],
)
def test_a_formula_is_evaluated_by_the_rules_of_arithmetic(text: str, value: float) -> None:
    assert read_formula(text).evaluate(NUMBERS) == pytest.approx(value)


def test_a_formula_lists_the_names_that_it_uses() -> None:
    assert read_formula("min(a, b) * (a + 2) - c").names == {"a", "b", "c"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "__import__('os').system('true')",
        "().__class__",
        "name.real",
        "'a' * 3",
        "True",
        "1j",
        "[1][0]",
        "a if b else c",
        "a < b",
        "a and b",
        "not a",
        "~a",
        "a // b",
        "a % b",
        "a ** b",
        "a << b",
        "lambda: 1",
        "(x := 1)",
        "eval(a)",
        "min()",
        "min(*a)",
        "sqrt(a, b)",
        "sqrt(x=a)",
        "f(a)",
        "a; b",
        "a\nb",
        "\x00",
        "\ud800",
        "(" * 400 + "a" + ")" * 400,
        "-" * 900 + "a",
        "+".join("a" * 300),
        "1" * 1_001,
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(FormulaError, match=r"^The formula .*\.$"):
        read_formula(text)


@pytest.mark.parametrize(
    "text",
    [*("1 / 0", "log(0)", "sqrt(-1)", "exp(1000)", "9^9^9"), "(0-8)^0.5", "1e308 * 10", "9" * 400],
)
def test_an_undefined_value_is_an_arithmetic_error(text: str) -> None:
    formula = read_formula(text)
    with pytest.raises(ArithmeticError):
        formula.evaluate({})


def _binary(pair: tuple[tuple[str, Any], str, tuple[str, Any]]) -> tuple[str, Any]:
    (left, a), sign, (right, b) = pair
    apply = {
        "+": lambda x: a(x) + b(x),
        "-": lambda x: a(x) - b(x),
        "*": lambda x: a(x) * b(x),
        "/": lambda x: a(x) / b(x),
    }[sign]
    return f"({left} {sign} {right})", apply


def _smaller(pair: tuple[tuple[str, Any], tuple[str, Any]]) -> tuple[str, Any]:
    (left, a), (right, b) = pair
    return f"min({left}, abs({right}))", lambda x: min(a(x), abs(b(x)))


LEAVES = st.one_of(
    st.floats(0, 100, allow_nan=False).map(lambda n: (repr(n), lambda _: n)),
    st.sampled_from("ab").map(lambda name: (name, lambda x: x[name])),
)
FORMULAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(_binary)
        | st.tuples(inner, inner).map(_smaller)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(formula=FORMULAS, a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_formulas_of_any_shape_have_the_value_that_python_computes(
    formula: tuple[str, Any], a: float, b: float
) -> None:
    text, compute = formula
    if len(text) > 1_000:
        return
    numbers = {"a": a, "b": b}
    try:
        expected = compute(numbers)
    except ZeroDivisionError:
        expected = math.nan
    if math.isfinite(expected):
        assert read_formula(text).evaluate(numbers) == pytest.approx(expected)
    else:
        with pytest.raises(ArithmeticError):
            read_formula(text).evaluate(numbers)


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*"()+-*/^.,1ab ", "min(", "exp(", "1e9"]), max_size=40).map("".join)
)
def test_random_text_is_refused_or_has_a_finite_value_or_none(text: str) -> None:
    try:
        formula = read_formula(text)
    except FormulaError:
        return
    try:
        assert math.isfinite(formula.evaluate(dict.fromkeys(formula.names, 0.5)))
    except ArithmeticError:
        return
