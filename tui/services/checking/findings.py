"""Findings on the rows of a file: columns that a check fills and each edit updates."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tui.domain.rows.formats import Format
from tui.domain.rows.problems import Problem
from tui.services.checking.passes import PassResult, Status
from tui.services.checking.row_links import Links
from tui.services.checking.sketches import Sketches

if TYPE_CHECKING:
    from tui.domain.rows.row_statistics import Tally

_K = TypeVar("_K")

DUPLICATE = "duplicate-row"
NEAR = "near-duplicate"
CONTRADICTION = "contradiction"
LEAK = "leaked-row"
NEAR_LEAK = "near-leak"
OUTLIER = "length-outlier"


class Counts(NamedTuple):
    """Row counts of a file by status, pending edits included.

    Attributes:
        rows: all rows, excluded ones too.
        valid: rows without an error, those with warnings included.
        invalid: rows with an error.
        warned: rows with warnings only.
        duplicates: duplicates and near duplicates of earlier rows.
        excluded: rows that the user excluded; apart from `rows` no other number counts them.
        edited: rows that the user changed and did not exclude.
    """

    rows: int
    valid: int
    invalid: int
    warned: int
    duplicates: int
    excluded: int
    edited: int


class Relation(NamedTuple):
    """A problem that relates a row to another one.

    Attributes:
        code: code of the problem.
        file: `validation` or `test` where the other row is in that file; empty for the same file.
    """

    code: str
    file: str = ""


@dataclass
class Findings:
    """Findings on the rows of a file.

    An excluded row keeps its columns, so undo need not check it again.

    Attributes:
        status: the `Status` of each row, one byte each.
        own: the same without relations to other rows and outliers.
        codes: code -> the rows that have the problem by themselves, ascending.
        other_formats: format -> the rows of that format, where it is not the file's, ascending.
        tokens: tokens of each row; 0 for an invalid one.
        lengths: characters of each row's last answer.
        fingerprints: fingerprint of each row's content; 0 for an invalid one.
        prompts: fingerprint of each row's prompt; 0 where there is none.
        same: row -> the first row with the same content.
        near: row -> an earlier near duplicate.
        contradictions: row -> the first row with the same prompt and another answer.
        links: relation -> the links of the rows that have it; to lines where the other row is in
            another file.
        outliers: rows whose answer is far longer or shorter than the others, ascending.
        marks: hash of the words that a row shares with its near duplicates; empty where they are
            not searched.
        sketches: sketches of the rows that share their mark with another.
        tally: figures of the valid rows, without edits; None before the second pass.
        problems: the listed row problems.
    """

    status: bytearray = field(default_factory=bytearray)
    own: bytearray = field(default_factory=bytearray)
    codes: dict[str, array[int]] = field(default_factory=dict)
    other_formats: dict[Format, array[int]] = field(default_factory=dict)
    tokens: array[int] = field(default_factory=lambda: array("I"))
    lengths: array[int] = field(default_factory=lambda: array("I"))
    fingerprints: array[int] = field(default_factory=lambda: array("Q"))
    prompts: array[int] = field(default_factory=lambda: array("Q"))
    same: Links = field(default_factory=Links)
    near: Links = field(default_factory=Links)
    contradictions: Links = field(default_factory=Links)
    links: dict[Relation, Links] = field(default_factory=lambda: defaultdict(Links))
    outliers: array[int] = field(default_factory=lambda: array("I"))
    marks: array[int] = field(default_factory=lambda: array("Q"))
    sketches: Sketches = field(default_factory=Sketches)
    tally: Tally | None = None
    problems: list[Problem] = field(default_factory=list)

    def merge(self, part: PassResult, first: int, limit: int) -> None:
        """Add the result of a pass over the rows from `first` on."""
        end = first + len(part.status)
        for column in (self.own, self.status):
            column += bytes(max(0, end - len(column)))
            column[first:end] = bytes(map(max, column[first:end], part.status))
        for code, rows in part.codes.items():
            self.codes.setdefault(code, array("I")).extend(rows)
        for kind, others in part.other_formats.items():
            self.other_formats.setdefault(kind, array("I")).extend(others)
        self.tokens.extend(part.tokens)
        self.lengths.extend(part.lengths)
        self.fingerprints.extend(part.fingerprints)
        self.prompts.extend(part.prompts)
        self.marks.extend(part.marks)
        if self.tally is None:
            self.tally = part.tally
        elif part.tally:
            self.tally.merge(part.tally)
        self.add_problems(part.problems, limit)

    def sort_codes(self) -> None:
        """Sort the rows of codes that several passes found."""
        for code, rows in [*self.codes.items()]:
            if any(row >= after for row, after in pairwise(rows)):
                self.codes[code] = self._all_of([rows])

    def replace(self, rows: Sequence[int], part: PassResult) -> None:
        """Replace the findings on changed rows.

        Args:
            rows: numbers of the rows.
            part: the new result, in the same order; its codes hold positions in that order.
        """
        self._replace_in(self.codes, rows, part.codes)
        self._replace_in(self.other_formats, rows, part.other_formats)
        for place, row in enumerate(rows):
            self.own[row] = part.status[place]
            self.tokens[row] = part.tokens[place]
            self.lengths[row] = part.lengths[place]
            self.fingerprints[row] = part.fingerprints[place]
            self.prompts[row] = part.prompts[place]
            if part.marks:
                self.marks[row] = part.marks[place]

    def _replace_in(
        self, table: dict[_K, array[int]], rows: Sequence[int], part: Mapping[_K, array[int]]
    ) -> None:
        replaced = set(rows)
        for key, known in [*table.items()]:
            if not replaced.isdisjoint(known):
                table[key] = array("I", (row for row in known if row not in replaced))
        for key, places in part.items():
            known = table.get(key, array("I"))
            table[key] = self._all_of([known, [rows[place] for place in places]])

    def add_problems(self, problems: Sequence[Problem], limit: int) -> None:
        """List problems, up to a limit in all."""
        self.problems += problems[: max(0, limit - len(self.problems))]

    def count(self, status: Status) -> int:
        """Number of rows with a status."""
        return self.status.count(status)

    def codes_of(self, row: int) -> Iterator[str]:
        """The codes of a row's problems, each once."""
        for code, rows in [*self.codes.items()]:
            if holds(rows, row):
                yield code
        yield from {relation.code: None for relation, links in self.relations() if row in links}
        if holds(self.outliers, row):
            yield OUTLIER

    def known_codes(self) -> set[str]:
        """Every code that a row has or had."""
        return {*self.codes, *(relation.code for relation, _ in self.relations()), OUTLIER}

    def rows_with(self, code: str) -> array[int]:
        """The rows with a problem, ascending, without excluded ones."""
        groups = [links.rows() for relation, links in self.relations() if relation.code == code]
        if code in self.codes:
            groups.append(self.codes[code])
        if code == OUTLIER:
            groups.append(self.outliers)
        return self._not_excluded(groups[0] if len(groups) == 1 else self._all_of(groups))

    def rows_of_other_formats(self) -> dict[Format, array[int]]:
        """The rows of each format that is not the file's, ascending, without excluded ones."""
        formats = {kind: self._not_excluded(rows) for kind, rows in self.other_formats.items()}
        return {kind: rows for kind, rows in formats.items() if rows}

    def _not_excluded(self, rows: array[int]) -> array[int]:
        """The rows that are not excluded."""
        if Status.EXCLUDED not in self.status:
            return rows[:]
        return array("I", (row for row in rows if self.status[row] != Status.EXCLUDED))

    def related_rows(self) -> array[int]:
        """The rows related to another, and the outliers, ascending."""
        return self._all_of([self.outliers, *(links.rows() for _, links in self.relations())])

    def _all_of(self, groups: Sequence[Sequence[int]]) -> array[int]:
        """The rows of several groups, ascending; memory is one byte per row of the file."""
        member = bytearray(len(self.status))
        for rows in groups:
            for row in rows:
                member[row] = 1
        return array("I", compress(range(len(member)), member))

    def relations(self) -> list[tuple[Relation, Links]]:
        """A copy of the links by relation; another thread may add some."""
        return [*self.links.items()]

    def links_of(self, code: str, file: str = "") -> Links:
        """The links of a relation."""
        return self.links[Relation(code, file)]


def holds(rows: Sequence[int], row: int) -> bool:
    """Whether a row is among ascending ones."""
    at = bisect_left(rows, row)
    return at < len(rows) and rows[at] == row
