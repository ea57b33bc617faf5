"""Arithmetic over named numbers, such as `(name + 2 * email) / 3`.

The text is parsed as an expression and walked; what is not in the tables below is refused, and
nothing is ever evaluated as code.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MOST_CHARACTERS: Final = 1_000
MOST_STEPS: Final = 200

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = MappingProxyType(
    {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
        ast.Pow: math.pow,
    }
)
_OF_ONE: Final[Mapping[str, Callable[[float], float]]] = MappingProxyType(
    {
        "abs": abs,
        "floor": math.floor,
        "ceil": math.ceil,
        "exp": math.exp,
        "sqrt": math.sqrt,
        "log": math.log,
    }
)
_OF_SEVERAL: Final[Mapping[str, Callable[[list[float]], float]]] = MappingProxyType(
    {"min": min, "max": max}
)
_ABOUT: Final = (
    "use numbers, names, + - * / ^, brackets, and min, max, abs, floor, ceil, exp, sqrt, log"
)


class FormulaError(ValueError):
    """The text is no formula; the message is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read.

    Attributes:
        names: the names that it needs numbers for.
    """

    names: frozenset[str]
    _tree: ast.expr

    def value(self, numbers: Mapping[str, float]) -> float:
        """What the formula comes to; always finite.

        Args:
            numbers: a number for each name.

        Raises:
            ArithmeticError: it has no value, as 1 / 0 and log(0) have none.
        """
        try:
            result = _value(self._tree, numbers)
        except ValueError as error:  # how `math` tells of log(0)
            raise ArithmeticError(str(error)) from error
        if not math.isfinite(result):
            raise ArithmeticError("the result is not a finite number")
        return result


def read_formula(text: str) -> Formula:
    """Read a formula.

    Raises:
        FormulaError: it is none.
    """
    if len(text) > MOST_CHARACTERS:
        raise FormulaError(f"The formula is longer than {MOST_CHARACTERS:,} characters.")
    if "**" in text:
        raise FormulaError("The formula holds **; write a power with ^.")
    try:
        # As Python reads it, ^ would bind less than +.
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"The formula cannot be read: {_ABOUT}.") from error
    if sum(isinstance(node, ast.expr) for node in ast.walk(tree)) > MOST_STEPS:
        raise FormulaError(f"The formula has more than {MOST_STEPS} steps.")
    return Formula(frozenset(_names(tree)), tree)


def _names(node: ast.expr) -> set[str]:
    """The names in an expression, all of which is allowed."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return set()
        case ast.Name(id=name):
            return {name}
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            return _names(left) | _names(right)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            return _names(operand)
        case ast.Call(func=ast.Name(id=function), args=[only], keywords=[]) if function in _OF_ONE:
            return _names(only)
        case ast.Call(func=ast.Name(id=function), args=[_, *_] as several, keywords=[]) if (
            function in _OF_SEVERAL
        ):
            return set().union(*map(_names, several))
    raise FormulaError(f"The formula holds {ast.unparse(node)[:60]!r}, which it may not: {_ABOUT}.")


def _value(node: ast.expr, numbers: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return numbers[name]
        case ast.BinOp(left=left, op=operator, right=right):
            return _OPERATORS[type(operator)](_value(left, numbers), _value(right, numbers))
        case ast.UnaryOp(op=sign, operand=operand):
            value = _value(operand, numbers)
            return -value if isinstance(sign, ast.USub) else value
        case ast.Call(func=ast.Name(id=function), args=arguments):
            values = [_value(argument, numbers) for argument in arguments]
            if function in _OF_SEVERAL:
                return _OF_SEVERAL[function](values)
            return float(_OF_ONE[function](values[0]))
    raise AssertionError(f"{ast.dump(node)} was let through by `_names`")
