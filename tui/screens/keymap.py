"""The `[keys]` table of the settings against the ids of all bindings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.binding import Binding
from textual.dom import DOMNode


def unknown_ids(ids: Iterable[str]) -> list[str]:
    """The ids that no binding of a loaded screen, dialog or widget has, in their order."""
    known = set(_binding_ids(DOMNode))
    return [name for name in ids if name not in known]


def _binding_ids(node: type[DOMNode]) -> Iterator[str]:
    """The ids of the bindings that a class and its subclasses declare."""
    if node.__module__.startswith("tui."):
        yield from (binding.id for binding in _own_bindings(node) if binding.id)
    for subclass in node.__subclasses__():
        yield from _binding_ids(subclass)


def _own_bindings(node: type[DOMNode]) -> Iterator[Binding]:
    """The bindings that a class declares itself, without the inherited ones of Textual."""
    return iter(Binding.make_bindings(vars(node).get("BINDINGS", ())))
