"""The `[keys]` table of the settings against the ids of all bindings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.binding import Binding
from textual.dom import DOMNode

from tui.domain.text import preview


def key_warnings(keys: Mapping[str, str]) -> Iterator[str]:
    """Sentences about unknown ids in the table, and about bindings that lose a key to another.

    Only screens, dialogs and widgets that are loaded count.
    """
    nodes = list(_nodes(DOMNode))
    known = {binding.id for node in nodes for binding in _bindings(node)}
    if unknown := ", ".join(name for name in keys if name not in known):
        names = preview(unknown, 100)
        yield f"The config file sets keys for unknown bindings: {names}. They are ignored."
    if lost := "; ".join(dict.fromkeys(text for node in nodes for text in _lost(node, keys))):
        yield f"The config file sets keys that are taken: {preview(lost, 100)}."


def _nodes(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    """A class and its subclasses, those of Textual left out."""
    if node.__module__.startswith("tui."):
        yield node
    for subclass in node.__subclasses__():
        yield from _nodes(subclass)


def _bindings(node: type[DOMNode]) -> list[Binding]:
    """The bindings of a class, the inherited ones last."""
    tables = [vars(base).get("BINDINGS", ()) for base in node.__mro__]
    return [binding for table in tables for binding in Binding.make_bindings(table)]


def _lost(node: type[DOMNode], keys: Mapping[str, str]) -> Iterator[str]:
    """Each key that goes to one binding of a class at the cost of another.

    Textual tells only of some: a default key that is lost to the table is not among them.
    """
    bindings = _bindings(node)
    owners = {
        key: binding.id
        for binding in bindings
        if binding.id and binding.id in keys
        for key in _normalised(keys[binding.id])
    }
    for binding in bindings:
        for key in _normalised(keys.get(binding.id or "", binding.key)):
            if key in owners and owners[key] != binding.id:
                yield f"{key} is for {owners[key]}, not {binding.id or binding.action}"


def _normalised(keys: str) -> list[str]:
    """Textual's names of comma-separated keys."""
    return [binding.key for binding in Binding.make_bindings([(keys, "")])]
