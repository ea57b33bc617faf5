"""What is known of the rows of a file: columns that grow with a check and follow each edit."""

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
from tui.services.checking.passes import Checked, Status
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
    """How the rows of a file stand, pending edits included.

    Attributes:
        rows: all rows, those left out too.
        valid: rows without an error, those with warnings included.
        invalid: rows with an error.
        warned: rows with warnings only.
        duplicates: rows that say the same, or nearly, as an earlier one.
        excluded: rows that a person left out; no other number but `rows` counts them.
        edited: rows that a person changed and did not leave out.
    """

    rows: int
    valid: int
    invalid: int
    warned: int
    duplicates: int
    excluded: int
    edited: int


class Relation(NamedTuple):
    """A problem that ties a row to another one.

    Attributes:
        code: of the problem.
        file: `validation` or `test` where the other row stands there; empty for the same file.
    """

    code: str
    file: str = ""


@dataclass
class Findings:
    """What is known of a file's rows.

    A row that is left out keeps its columns, so it need not be looked at again on undo.

    Attributes:
        status: one byte a row, of `Status`, of everything that is known of it.
        own: the same of what the row tells by itself.
        codes: code -> the rows that have such a problem of their own, rising.
        other_formats: format -> the rows that have it and not the file's, rising.
        tokens: tokens a row; 0 for an invalid one.
        lengths: characters of each row's last answer.
        prints: a fingerprint of what each row says; 0 for an invalid one.
        asked: a fingerprint of what each row asks; 0 where nothing is.
        same: row -> the first row that says exactly the same.
        near: row -> an earlier row that says nearly the same.
        contradictions: row -> the first row that asks the same, and answers otherwise.
        links: the rows with a problem that ties them to another row, and that row; the line
            of the row where it stands in another file.
        outliers: rows whose answer is far longer or shorter than those of the others, rising.
        sketches: what near duplicates are searched with; without a row where they are not.
        tally: what the rows without errors are like, without edits; None before the second pass.
        problems: row problems in words, as many as are kept.
    """

    status: bytearray = field(default_factory=bytearray)
    own: bytearray = field(default_factory=bytearray)
    codes: dict[str, array[int]] = field(default_factory=dict)
    other_formats: dict[Format, array[int]] = field(default_factory=dict)
    tokens: array[int] = field(default_factory=lambda: array("I"))
    lengths: array[int] = field(default_factory=lambda: array("I"))
    prints: array[int] = field(default_factory=lambda: array("Q"))
    asked: array[int] = field(default_factory=lambda: array("Q"))
    same: Links = field(default_factory=Links)
    near: Links = field(default_factory=Links)
    contradictions: Links = field(default_factory=Links)
    links: dict[Relation, Links] = field(default_factory=lambda: defaultdict(Links))
    outliers: array[int] = field(default_factory=lambda: array("I"))
    sketches: Sketches = field(default_factory=Sketches)
    tally: Tally | None = None
    problems: list[Problem] = field(default_factory=list)

    def merge(self, part: Checked, first: int, keep: int) -> None:
        """Add what a pass found in the rows from `first` on."""
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
        self.prints.extend(part.prints)
        self.asked.extend(part.asked)
        self.sketches.append(part.sketches)
        if self.tally is None:
            self.tally = part.tally
        elif part.tally:
            self.tally.merge(part.tally)
        self.keep(part.problems, keep)

    def settle(self) -> None:
        """Put the rows of codes that several passes found in order."""
        for code, rows in [*self.codes.items()]:
            if any(row >= after for row, after in pairwise(rows)):
                self.codes[code] = self._all_of([rows])

    def replace(self, rows: Sequence[int], part: Checked) -> None:
        """Put what was found in changed rows in the place of what was known of them.

        Args:
            rows: their numbers.
            part: an entry of each in the same order; its codes count in that order, too.
        """
        self._replace_in(self.codes, rows, part.codes)
        self._replace_in(self.other_formats, rows, part.other_formats)
        for place, row in enumerate(rows):
            self.own[row] = part.status[place]
            self.tokens[row] = part.tokens[place]
            self.lengths[row] = part.lengths[place]
            self.prints[row] = part.prints[place]
            self.asked[row] = part.asked[place]
            if part.sketches:
                self.sketches.put(row, part.sketches, place)

    def _replace_in(
        self, table: dict[_K, array[int]], rows: Sequence[int], part: Mapping[_K, array[int]]
    ) -> None:
        gone = set(rows)
        for key, known in [*table.items()]:
            if not gone.isdisjoint(known):
                table[key] = array("I", (row for row in known if row not in gone))
        for key, places in part.items():
            known = table.get(key, array("I"))
            table[key] = self._all_of([known, [rows[place] for place in places]])

    def keep(self, problems: Sequence[Problem], limit: int) -> None:
        """Keep problems as far as the limit goes."""
        self.problems += problems[: max(0, limit - len(self.problems))]

    def count(self, status: Status) -> int:
        """Number of rows that stand so."""
        return self.status.count(status)

    def codes_of(self, row: int) -> Iterator[str]:
        """The codes of a row's problems, each once."""
        for code, rows in [*self.codes.items()]:
            if holds(rows, row):
                yield code
        yield from {relation.code: None for relation, links in self.ties() if row in links}
        if holds(self.outliers, row):
            yield OUTLIER

    def known_codes(self) -> set[str]:
        """Every code that a row has, or had."""
        return {*self.codes, *(relation.code for relation, _ in self.ties()), OUTLIER}

    def rows_with(self, code: str) -> array[int]:
        """The rows with such a problem, rising; those left out have none."""
        found = [links.rows() for relation, links in self.ties() if relation.code == code]
        if code in self.codes:
            found.append(self.codes[code])
        if code == OUTLIER:
            found.append(self.outliers)
        return self._kept(found[0] if len(found) == 1 else self._all_of(found))

    def rows_of_other_formats(self) -> dict[Format, array[int]]:
        """The rows of each other format than the file's, rising, without those left out."""
        kept = {kind: self._kept(rows) for kind, rows in self.other_formats.items()}
        return {kind: rows for kind, rows in kept.items() if rows}

    def _kept(self, rows: array[int]) -> array[int]:
        """Those of the rows that were not left out."""
        left_out = Status.EXCLUDED
        if left_out not in self.status:
            return rows[:]
        return array("I", (row for row in rows if self.status[row] != left_out))

    def linked_rows(self) -> array[int]:
        """The rows that are tied to another, and the outliers; rising."""
        return self._all_of([self.outliers, *(links.rows() for _, links in self.ties())])

    def _all_of(self, groups: Sequence[Sequence[int]]) -> array[int]:
        """The rows of several groups, rising; in little memory, whatever there is."""
        among = bytearray(len(self.status))
        for rows in groups:
            for row in rows:
                among[row] = 1
        return array("I", compress(range(len(among)), among))

    def ties(self) -> list[tuple[Relation, Links]]:
        """The links by what they mean, as they are now; another thread may add some."""
        return [*self.links.items()]

    def links_of(self, code: str, file: str = "") -> Links:
        """The rows with a problem that ties them to another row."""
        return self.links[Relation(code, file)]


def holds(rows: Sequence[int], row: int) -> bool:
    """Whether a row is among rising ones."""
    at = bisect_left(rows, row)
    return at < len(rows) and rows[at] == row
