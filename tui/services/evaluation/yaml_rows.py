"""Test sets and definitions in YAML, read as its JSON schema has it: `no` and `12:30` are text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tui.domain.text import preview

if TYPE_CHECKING:
    import yaml

_MOST_VALUES = 1_000_000
"""Values of a document; those behind an alias count each time."""
_LONG = 100
"""Characters of a text that count as one more value."""
_TAG = "tag:yaml.org,2002:"
_SCALARS: Final = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"0|-?[1-9][0-9]*", [*"-0123456789"]),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", [*"-0123456789"]),
    ("merge", r"<<", ["<"]),
)
"""Scalars that are not text (YAML 1.2.2, section 10.3): tag, pattern, first characters."""


class YamlDocument(NamedTuple):
    """A document as JSON has it, and the line of each element where it is a list of rows."""

    value: Any
    lines: Sequence[int]


def read_yaml(data: bytes, within: str) -> YamlDocument:
    """Read one document.

    Args:
        data: the document.
        within: key of the list of rows, where the document is no list itself.

    Raises:
        ValueError: it is no YAML, or not what JSON can hold; the message says where.
    """
    import yaml

    try:
        loader = _loader()(data)
        root = loader.get_single_node()
        if root is None:
            return YamlDocument(None, [])
        _refuse_odd(root)
        value = json.loads(json.dumps(loader.construct_document(root), default=str))
        return YamlDocument(value, [each.start_mark.line + 1 for each in _rows(root, within)])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise ValueError(f"{where}{reason}") from error
    except TypeError as error:
        raise ValueError("it has a key that is not text") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


@cache
def _loader() -> type[yaml.SafeLoader]:
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - of the base class

    for tag, pattern, first in _SCALARS:
        Loader.add_implicit_resolver(f"{_TAG}{tag}", re.compile(rf"(?:{pattern})\Z"), first)
    return Loader


def _rows(root: yaml.Node, within: str) -> Sequence[yaml.Node]:
    import yaml

    if isinstance(root, yaml.MappingNode):
        root = next((value for key, value in root.value if key.value == within), root)
    return root.value if isinstance(root, yaml.SequenceNode) else []


def _refuse_odd(root: yaml.Node) -> None:
    """Refuse a document whose aliases make it endless, or which has a key twice.

    Raises:
        ValueError: it is one.
    """
    import yaml

    left, pending = _MOST_VALUES, [root]
    while pending:
        node = pending.pop()
        left -= 1 + (len(node.value) // _LONG if isinstance(node, yaml.ScalarNode) else 0)
        if left < 0:
            raise ValueError("it is too large for YAML: write it as JSON Lines")
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            name, times = names.most_common(1)[0] if names else ("", 0)
            if times > 1:
                line = node.start_mark.line + 1
                raise ValueError(f"line {line}: the key `{preview(name, 40)}` occurs twice")
            pending += [each for pair in node.value for each in pair]
