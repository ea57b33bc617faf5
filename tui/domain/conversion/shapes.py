"""The shapes in which exports hold rows, and their conversion to rows of a known format.

A shape is looked for in the first rows of a file. It applies to the whole file, but to each row
only where that row has it; any other row stays as it is, for the check to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from tui.domain.conversion.annotation_rows import (
    from_argilla,
    from_doccano,
    from_label_studio,
    from_label_studio_short,
)
from tui.domain.conversion.column_names import with_known_names
from tui.domain.conversion.json_text import with_listed_turns, with_parsed_text
from tui.domain.conversion.left_out import lost_fields
from tui.domain.conversion.turn_lists import (
    from_alternating_texts,
    from_dialogue_text,
    from_list,
    from_rated_pair,
    from_viewer,
    with_named_turns,
    with_spelled_keys,
    with_system_message,
)
from tui.domain.conversion.vendor_rows import (
    from_anthropic,
    from_bedrock,
    from_gemini,
    from_stored_completion,
)
from tui.domain.rows.formats import Row


class Shape(NamedTuple):
    """A shape of rows.

    Attributes:
        label: what follows "lines", "a table" or "an array" in a sentence about such a file.
        convert: a value of the file -> a row; None where it has another shape.
        share: the least share of the first rows that must have it; 0 where one is enough.
        whole: whether the conversion keeps everything, so that nothing must be looked for.
        lists: whether its values are lists instead of objects.
    """

    label: str
    convert: Callable[[Any], Row | None]
    share: float = 0.5
    whole: bool = False
    lists: bool = False


SHAPES: Final = (
    Shape("of lists of messages", from_list, whole=True, lists=True),
    Shape("of the dataset viewer", from_viewer, whole=True),
    Shape("with JSON as text", with_parsed_text, 0.0, whole=True),
    Shape("with turns as lists", with_listed_turns, 0.0, whole=True),
    Shape("with keys in another spelling", with_spelled_keys, whole=True),
    Shape("of Gemini's API", from_gemini),
    Shape("of Amazon Bedrock", from_bedrock),
    Shape("of Anthropic's API", from_anthropic, 0.0),
    Shape("with `system` beside the messages", with_system_message, 0.0, whole=True),
    Shape("of stored completions", from_stored_completion, whole=True),
    Shape("of Label Studio", from_label_studio),
    Shape("of Label Studio", from_label_studio_short),
    Shape("of Argilla", from_argilla),
    Shape("of doccano", from_doccano),
    Shape("with alternating texts", from_alternating_texts, whole=True),
    Shape("with conversations in one text", from_dialogue_text, whole=True),
    Shape("with turns under another name", with_named_turns, whole=True),
    Shape("with two rated responses", from_rated_pair, whole=True),
    Shape("with other names of fields", with_known_names, whole=True),
)
"""All shapes, in the order in which they are looked for: one may hold another."""


def find_shapes(values: Sequence[Any]) -> list[Shape]:
    """The shapes of a file, in the order in which they are to be converted.

    Args:
        values: the first values of the file.
    """
    found: list[Shape] = []
    for shape in SHAPES:
        converted = [converted_row(value, shape) for value in values]
        count = sum(row is not None for row in converted)
        if count and count >= shape.share * len(values):
            found.append(shape)
            values = [
                value if row is None else row for value, row in zip(values, converted, strict=True)
            ]
    return found


def converted_row(value: Any, shape: Shape) -> Row | None:
    """A value of a shape as a row that keeps every field of which something is left over.

    None where the value has another shape, or a field that is left over has no place.
    """
    fits = isinstance(value, list if shape.lists else dict)
    row = shape.convert(value) if fits else None
    if row is None or shape.whole:
        return row
    lost = lost_fields(value, row)
    return None if row.keys() & lost else {**row, **{key: value[key] for key in lost}}


def reshaped(value: Any, shapes: Iterable[Shape]) -> Any:
    """A value that may have some shapes, one within another, as a row."""
    for shape in shapes:
        row = converted_row(value, shape)
        value = value if row is None else row
    return value
