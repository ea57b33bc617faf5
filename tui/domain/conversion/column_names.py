"""Names that people give to the fields of a question and its answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

from tui.domain.conversion.json_text import LISTS, PREFERENCE
from tui.domain.rows.formats import Row

KNOWN: Final = (
    LISTS
    | PREFERENCE
    | frozenset({"prompt", "completion", "chosen", "rejected", "instruction", "output"})
    | frozenset({"ideal_output", "system", "label", "text", "kto_tag"})
)
"""The fields of all formats; a table is recognised by one of them, in any spelling."""

_COMPLETE: Final = tuple(
    frozenset(fields.split())
    for fields in (
        *("messages", "conversations", "preferred_output", "input ideal_output"),
        *("instruction output", "prompt completion", "chosen rejected prompt"),
        *("chosen rejected instruction", "chosen rejected conversations"),
    )
)
"""Fields that make a row of a format; it needs no other names."""
_QUESTIONS: Final = frozenset(
    {
        *("question", "query", "problem", "prompt", "input", "instruction"),
        *("text_input", "input_text"),
    }
)
_ANSWERS: Final = frozenset(
    {
        *("answer", "response", "reply", "solution", "output", "completion", "ideal_output"),
        "output_text",
    }
)
_ANSWER_OF: Final[Mapping[str, str]] = {"instruction": "output", "prompt": "completion"}
"""Field of a question -> that of its answer in the same format; others become raw pairs."""


def known_name(name: str) -> str | None:
    """The field of a format that a name such as `Ideal Output` spells; None for another name."""
    plain = plain_name(name)
    return plain if plain in KNOWN else None


def plain_name(name: str) -> str:
    """A name in lower case with underscores, such as `ideal_output` for `Ideal Output`."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def names_answer(name: str) -> bool:
    """Whether a field is named as an answer."""
    return plain_name(name) in _ANSWERS


def is_complete(names: Collection[str]) -> bool:
    """Whether fields make a row of a format that has a question and an answer."""
    return any(fields <= {*names} for fields in _COMPLETE)


def with_known_names(row: Row) -> Row | None:
    """A row with the fields of a format in place of others that mean the same.

    Spelling is corrected (`Prompt`), and the only question and the only answer of a row are named
    as a format names them. None where that is not certain, or the row needs no other names.
    """
    names = _new_names(tuple(key for key, value in row.items() if value is not None))
    return {names[key]: row[key] for key in names} if names else None


@lru_cache(maxsize=256)
def _new_names(filled: tuple[str, ...]) -> Mapping[str, str] | None:
    """Names of a format by the names of fields; None where they are right, or not certain."""
    if is_complete(filled):
        return None
    spelled = {key: known_name(key) or key for key in filled}
    names = _with_question(spelled) or spelled
    unique = {*names.values()}
    return names if len(unique) == len(names) and is_complete(unique) else None


def _with_question(spelled: Mapping[str, str]) -> dict[str, str] | None:
    """New names by old ones; None where they are complete or the question is not certain."""
    names = {*spelled.values()}
    if is_complete(names):
        return None
    if "rejected" in names and not names & {"prompt", "instruction"}:
        return _renamed(spelled, _QUESTIONS, "prompt", {"accepted": "chosen"})
    if "rejected" in names:
        return _renamed(spelled, (), "", {"accepted": "chosen"})
    below = names & {"instruction", "input"} == {"instruction", "input"}  # Alpaca's
    questions = _QUESTIONS - {"input"} if below else _QUESTIONS
    question = _only(names, questions)
    if question is None or (answer := _only(names, _ANSWERS)) is None:
        return None
    to = question if question in _ANSWER_OF else "input"
    return _renamed(spelled, {question}, to, {answer: _ANSWER_OF.get(question, "ideal_output")})


def _renamed(
    spelled: Mapping[str, str], questions: Collection[str], to: str, more: Mapping[str, str]
) -> dict[str, str]:
    return {
        key: to if plain_name(name) in questions else more.get(plain_name(name), name)
        for key, name in spelled.items()
    }


def _only(names: Iterable[str], choices: Collection[str]) -> str | None:
    """The only name that is one of some, spelled plainly."""
    found = [plain for plain in map(plain_name, names) if plain in choices]
    return found[0] if len(found) == 1 else None
