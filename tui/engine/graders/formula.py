"""Arithmetic over named numbers, such as `(name + 2 * email) / 3`.

The text is parsed as an expression and its tree is walked; what is not in the tables below is
refused, and nothing is ever evaluated as code.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MAX_CHARACTERS: Final = 1_000
MAX_NODES: Final = 200

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = MappingProxyType(
    {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
        ast.Pow: math.pow,
    }
)
_UNARY_FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = MappingProxyType(
    {
        "abs": abs,
        "floor": math.floor,
        "ceil": math.ceil,
        "exp": math.exp,
        "sqrt": math.sqrt,
        "log": math.log,
    }
)
_VARIADIC_FUNCTIONS: Final[Mapping[str, Callable[[list[float]], float]]] = MappingProxyType(
    {"min": min, "max": max}
)
_SYNTAX: Final = (
    "use numbers, names, + - * / ^, parentheses, and min, max, abs, floor, ceil, exp, sqrt, log"
)


class FormulaError(ValueError):
    """The text is not a valid formula; the message is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula.

    Attributes:
        names: the variables that it uses.
    """

    names: frozenset[str]
    _tree: ast.expr

    def evaluate(self, numbers: Mapping[str, float]) -> float:
        """Return the value of the formula; always finite.

        Args:
            numbers: a number for each name.

        Raises:
            ArithmeticError: the value is undefined, as that of 1 / 0 or log(0).
        """
        try:
            result = _evaluate(self._tree, numbers)
        except ValueError as error:  # what `math` raises for log(0)
            raise ArithmeticError(str(error)) from error
        if not math.isfinite(result):
            raise ArithmeticError("the result is not a finite number")
        return result


def read_formula(text: str) -> Formula:
    """Parse a formula.

    Raises:
        FormulaError: it is not a valid formula.
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"The formula is longer than {MAX_CHARACTERS:,} characters.")
    if "**" in text:
        raise FormulaError("The formula contains **; write powers with ^.")
    try:
        # In Python ^ would bind less tightly than +.
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"The formula cannot be parsed: {_SYNTAX}.") from error
    if sum(isinstance(node, ast.expr) for node in ast.walk(tree)) > MAX_NODES:
        raise FormulaError(f"The formula has more than {MAX_NODES} terms and operations.")
    return Formula(frozenset(_names(tree)), tree)


def _names(node: ast.expr) -> set[str]:
    """Return the names in an expression after checking that all of it is allowed."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return set()
        case ast.Name(id=name):
            return {name}
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            return _names(left) | _names(right)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            return _names(operand)
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if (
            function in _UNARY_FUNCTIONS
        ):
            return _names(argument)
        case ast.Call(func=ast.Name(id=function), args=[_, *_] as arguments, keywords=[]) if (
            function in _VARIADIC_FUNCTIONS
        ):
            return set().union(*map(_names, arguments))
    raise FormulaError(
        f"The formula contains {ast.unparse(node)[:60]!r}, which is not allowed: {_SYNTAX}."
    )


def _evaluate(node: ast.expr, numbers: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return numbers[name]
        case ast.BinOp(left=left, op=operator, right=right):
            return _OPERATORS[type(operator)](_evaluate(left, numbers), _evaluate(right, numbers))
        case ast.UnaryOp(op=sign, operand=operand):
            value = _evaluate(operand, numbers)
            return -value if isinstance(sign, ast.USub) else value
        case ast.Call(func=ast.Name(id=function), args=arguments):
            values = [_evaluate(argument, numbers) for argument in arguments]
            if function in _VARIADIC_FUNCTIONS:
                return _VARIADIC_FUNCTIONS[function](values)
            return float(_UNARY_FUNCTIONS[function](values[0]))
    raise AssertionError(f"{ast.dump(node)} was not refused by `_names`")
