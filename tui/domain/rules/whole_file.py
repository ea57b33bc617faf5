"""Rules for a file as a whole: size, number of rows, formats, shared rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tui.domain.conversion.convert import explain_format
from tui.domain.conversion.unread_exports import find_export
from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.formats import Format, Row
from tui.domain.rows.problems import Problem, problem, quote
from tui.domain.rules.providers import SERVICES, severity_of
from tui.domain.text import number, plural

_NO_ROWS = "The lines are neither JSON nor a table with the names of its columns."
_ROWS_NEEDED = (
    "Write one JSON object per line, or begin the table with names such as `prompt,completion`."
)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts about all rows of a file, for `file_warnings`.

    Attributes:
        rows: number of rows, those with errors included.
        format: of the rows.
        answers: rows without errors, each of which has an answer.
        refusals: answers that are refusals or boilerplate.
        systems: distinct system prompts; rows without one are not counted.
        validated: whether there is a validation file.
    """

    rows: int
    format: Format = Format.CHAT
    answers: int = 0
    refusals: int = 0
    systems: int = 0
    validated: bool = True


def check_count(rows: int, options: CheckOptions = DEFAULT_OPTIONS) -> list[Problem]:
    """Check that the file has enough examples."""
    if rows == 0:
        return [problem("empty-file", None)]
    if rows >= options.fewest_examples:
        return []
    examples = plural(rows, "example")
    text = f"The file has {examples}; OpenAI requires at least {options.fewest_examples}."
    return _file_problem(options, "too-few-examples", text)


def check_size(size_bytes: int, options: CheckOptions = DEFAULT_OPTIONS) -> list[Problem]:
    """Check the size of the file.

    Args:
        size_bytes: size of the file as it would be uploaded.
        options: whose limit applies.
    """
    service = SERVICES[options.rules_of]
    if not service.largest_file or size_bytes <= service.largest_file:
        return []
    text = (
        f"The file has {size_bytes / 1e6:,.0f} MB; "
        f"{service.name} accepts at most {service.largest_file / 1e6:,.0f} MB."
    )
    return _file_problem(options, "file-too-large", text)


def check_format(
    kind: Format,
    options: CheckOptions = DEFAULT_OPTIONS,
    container: str = "",
    sample: Row | None = None,
) -> list[Problem]:
    """Check whether rows of a format can be used for training unchanged.

    Args:
        kind: the file's format.
        options: what is switched off.
        container: noun phrase for the container of the rows, where they are not plain lines.
        sample: the first row that is an object.
    """
    if kind.convertible:
        where = f" (read from {container})" if container else ""
        text = f"The rows are {kind}{where}, not {kind.target} examples yet."
        return _file_problem(options, "needs-conversion", text)
    if not kind.trainable:
        return _check_unreadable(kind, options, sample)
    if container:
        text = f"The file is {container}; training needs JSON Lines in UTF-8."
        return _file_problem(options, "needs-conversion", text)
    return []


def _check_unreadable(kind: Format, options: CheckOptions, sample: Row | None) -> list[Problem]:
    """The one problem of a file whose rows cannot be converted, with what to do."""
    code = "unknown-format" if kind is Format.UNKNOWN else "unconvertible-format"
    export = find_export(sample) if sample else None
    if export and kind is not Format.KTO:
        return _file_problem(options, code, f"The rows are {export.name}.", export.step)
    if kind is Format.TEXT and sample is None:
        return _file_problem(options, code, _NO_ROWS, _ROWS_NEEDED)
    keys = f" Their keys are {quote(', '.join(sample), 80)}." if sample and not export else ""
    more = keys if kind is Format.UNKNOWN else ""
    return _file_problem(options, code, explain_format(kind) + more)


def check_formats(kind: Format, rows: int, others: Mapping[Format, Sequence[int]]) -> list[Problem]:
    """Report rows of other formats, unless none is of the file's: each row has its own problem.

    Args:
        kind: the file's format.
        rows: number of its rows.
        others: other format -> lines of its rows, in order.
    """
    count = sum(map(len, others.values()))
    if count in (0, rows):
        return []
    places = "; ".join(f"{other} on {_lines(lines)}" for other, lines in others.items())
    text = f"Rows of another format than {kind}: {number(count)} of {number(rows)} ({places})."
    return [problem("mixed-formats", None, message=text)]


def file_warnings(facts: FileFacts, options: CheckOptions = DEFAULT_OPTIONS) -> list[Problem]:
    """Warnings about all rows together."""
    problems: list[Problem] = []
    if options.fewest_examples <= facts.rows < options.few_examples:
        text = f"The file has {plural(facts.rows, 'example')}, fewer than {options.few_examples}."
        problems += _file_problem(options, "few-examples", text)
    if facts.systems > options.system_prompts:
        text = f"The rows have {number(facts.systems)} different system prompts."
        problems += _file_problem(options, "several-system-prompts", text)
    share = facts.refusals / facts.answers if facts.answers else 0.0
    if facts.refusals > 1 and share >= options.refusal_share:
        counts = f"{number(facts.refusals)} of {number(facts.answers)}"
        text = f"{counts} answers are refusals ({share:.0%})."
        problems += _file_problem(options, "many-refusals", text)
    if facts.format is Format.REINFORCEMENT and not facts.validated:
        problems += _file_problem(options, "needs-validation", "")
    return problems


def check_shared(
    same: Sequence[int], near: Sequence[int], options: CheckOptions = DEFAULT_OPTIONS
) -> list[Problem]:
    """Report rows that the validation and the test file share.

    Args:
        same: lines of the validation file that are also in the test file, in order.
        near: its lines with a near duplicate in the test file.
        options: what is switched off.
    """
    if not same and not near:
        return []
    has = f"contains {_lines(same)}" if same else f"contains near duplicates of {_lines(near)}"
    also = f", and near duplicates of {_lines(near)}" if same and near else ""
    text = f"The test file {has} of the validation file{also}."
    return _file_problem(options, "shared-rows", text)


_SHOWN = 3


def _lines(lines: Sequence[int]) -> str:
    shown = ", ".join(map(number, lines[:_SHOWN]))
    more = len(lines) - _SHOWN
    return f"line{'s' if len(lines) > 1 else ''} {shown}" + (
        f" and {number(more)} more" if more > 0 else ""
    )


def _file_problem(options: CheckOptions, code: str, text: str, fix: str = "") -> list[Problem]:
    """A problem of the file, with a fix of its own if there is one; none if it is switched off."""
    if code in options.off:
        return []
    found = problem(code, None, message=text, severity=severity_of(code, options))
    return [replace(found, fix=fix) if fix else found]
