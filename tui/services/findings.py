"""What is known of the rows of a file: columns that grow with a check and follow each edit."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.domain.check_options import CheckOptions
from tui.domain.edits import RowEdit
from tui.domain.examples import Format
from tui.domain.problems import Problem, problem
from tui.domain.provider_rules import severity_of
from tui.services.row_checks import Checked, Status
from tui.services.row_links import Links, in_parts, repeated, rows_of

DUPLICATE = "duplicate-row"
NEAR = "near-duplicate"
CONTRADICTION = "contradiction"
LEAK = "leaked-row"
NEAR_LEAK = "near-leak"
OUTLIER = "length-outlier"

_WORDS = {
    DUPLICATE: "The row says the same as line {line}.",
    NEAR: "The row is nearly the same as line {line}.",
    CONTRADICTION: "Line {line} asks the same and has another answer.",
    LEAK: "The row stands in the {file} file too, on line {line}.",
    NEAR_LEAK: "The row is nearly the same as line {line} of the {file} file.",
}


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


class OtherFile(NamedTuple):
    """A file whose rows must not stand in this one.

    Attributes:
        prints: a fingerprint of what each row says.
        line: number of a row's line.
    """

    prints: Sequence[int]
    line: Callable[[int], int]


class _Said(NamedTuple):
    """What rows say and what they ask, as fingerprints."""

    prints: set[int]
    asked: set[int]


@dataclass
class Findings:
    """What is known of a file's rows.

    A row that is left out keeps its columns, so it need not be looked at again on undo.

    Attributes:
        status: one byte a row, of `Status`, of everything that is known of it.
        own: the same of what the row tells by itself.
        codes: code -> the rows that have such a problem of their own, rising.
        other_formats: format -> lines of the rows that have it and not the file's.
        tokens: tokens a row; 0 for an invalid one.
        lengths: characters of each row's last answer.
        prints: a fingerprint of what each row says; 0 for an invalid one.
        asked: a fingerprint of what each row asks; 0 where nothing is.
        links: the rows with a problem that ties them to another row, and that row; the line
            of the row where it stands in another file.
        outliers: rows whose answer is far longer or shorter than those of the others, rising.
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
    links: dict[Relation, Links] = field(default_factory=lambda: defaultdict(Links))
    outliers: array[int] = field(default_factory=lambda: array("I"))
    problems: list[Problem] = field(default_factory=list)

    def merge(self, part: Checked, first: int, keep: int) -> None:
        """Add what a pass found in the rows from `first` on."""
        end = first + len(part.status)
        for column in (self.own, self.status):
            column += bytes(max(0, end - len(column)))
            column[first:end] = bytes(map(max, column[first:end], part.status))
        for code, rows in part.codes.items():
            self.codes.setdefault(code, array("I")).extend(rows)
        for kind, lines in part.other_formats.items():
            self.other_formats.setdefault(kind, array("Q")).extend(lines)
        self.tokens.extend(part.tokens)
        self.lengths.extend(part.lengths)
        self.prints.extend(part.prints)
        self.asked.extend(part.asked)
        self.keep(part.problems, keep)

    def settle(self) -> None:
        """Put the rows of codes that several passes found in order."""
        for code, rows in self.codes.items():
            self.codes[code] = _rising(rows)

    def replace(self, rows: Sequence[int], part: Checked) -> None:
        """Put what was found in changed rows in the place of what was known of them.

        Args:
            rows: their numbers.
            part: an entry of each in the same order; its codes count in that order, too.
        """
        gone = set(rows)
        for code, known in self.codes.items():
            if not gone.isdisjoint(known):
                self.codes[code] = array("I", (row for row in known if row not in gone))
        for code, places in part.codes.items():
            known = self.codes.get(code, array("I"))
            self.codes[code] = _rising([*known, *(rows[place] for place in places)])
        for place, row in enumerate(rows):
            self.own[row] = part.status[place]
            self.tokens[row] = part.tokens[place]
            self.lengths[row] = part.lengths[place]
            self.prints[row] = part.prints[place]
            self.asked[row] = part.asked[place]

    def keep(self, problems: Sequence[Problem], limit: int) -> None:
        """Keep problems as far as the limit goes."""
        self.problems += problems[: max(0, limit - len(self.problems))]

    def count(self, status: Status) -> int:
        """Number of rows that stand so."""
        return self.status.count(status)

    def codes_of(self, row: int) -> Iterator[str]:
        """The codes of a row's problems, each once."""
        for code, rows in self.codes.items():
            if _holds(rows, row):
                yield code
        yield from {relation.code: None for relation, links in self.links.items() if row in links}
        if _holds(self.outliers, row):
            yield OUTLIER

    def known_codes(self) -> set[str]:
        """Every code that a row has, or had."""
        return {*self.codes, *(relation.code for relation in self.links), OUTLIER}

    def rows_with(self, code: str) -> array[int]:
        """The rows with such a problem, rising; those left out have none."""
        found = [links.rows() for relation, links in self.links.items() if relation.code == code]
        if code in self.codes:
            found.append(self.codes[code])
        if code == OUTLIER:
            found.append(self.outliers)
        rows = found[0] if len(found) == 1 else array("I", sorted(set().union(*found)))
        left_out = Status.EXCLUDED
        if left_out not in self.status:
            return rows[:]
        return array("I", (row for row in rows if self.status[row] != left_out))

    def linked_rows(self) -> array[int]:
        """The rows that are tied to another, and the outliers; rising."""
        tied = (links.rows() for links in self.links.values())
        return array("I", sorted(set().union(self.outliers, *tied)))

    def links_of(self, code: str, file: str = "") -> Links:
        """The rows with a problem that ties them to another row."""
        return self.links[Relation(code, file)]


class Comparison:
    """The relations of rows to each other, kept right while rows change.

    Each step looks at the rows that its argument names and at those that say or ask the same;
    called with everything there is, it is the look over the whole file.
    """

    def __init__(
        self,
        found: Findings,
        options: CheckOptions,
        line: Callable[[int], int],
        others: Mapping[str, OtherFile] | None = None,
    ) -> None:
        """Compare the rows of a file.

        Args:
            found: what is known of them.
            options: what is looked for.
            line: number of a row's line.
            others: `validation` or `test` -> a file whose rows must not stand in this one.
        """
        self._found = found
        self._options = options
        self._line = line
        self._others = others or {}

    def whole(self) -> None:
        """Look over all rows."""
        for prints in repeated(self._found.prints):
            self._duplicates(prints)
        for asked in repeated(self._found.asked):
            self._contradictions(asked)
        self._leaks(range(len(self._found.prints)))

    def follow(self, edits: Mapping[int, RowEdit], rewritten: Sequence[int], part: Checked) -> None:
        """Look at rows that were changed, left out or taken back, and at those like them.

        Args:
            edits: how the rows are now, by row.
            rewritten: those whose text is another one than before.
            part: what was found in the rewritten ones, in their order.
        """
        found = self._found
        prints, asked = self._said(edits)
        found.replace(rewritten, part)
        for links in found.links.values():
            for row in rewritten:
                links.put(row, None)
        for row, edit in edits.items():
            found.status[row] = Status.EXCLUDED if edit.excluded else found.own[row]
        now = self._said(edits)
        seen = self._duplicates(prints | now.prints)
        asked |= now.asked | {found.asked[row] for row in seen}
        self._contradictions(asked - {0})
        self._leaks(rewritten)
        self.restate(edits)

    def _said(self, rows: Collection[int]) -> _Said:
        """What rows say and ask, as fingerprints."""
        found = self._found
        return _Said(
            {found.prints[row] for row in rows} - {0}, {found.asked[row] for row in rows} - {0}
        )

    def _duplicates(self, prints: Collection[int]) -> set[int]:
        """Tie rows that say the same to the first of them; gives the rows it looked at."""
        return self._tie(DUPLICATE, self._found.prints, prints, lambda first, row: True)

    def _contradictions(self, asked: Collection[int]) -> set[int]:
        """Tie rows that ask the same and answer otherwise to the first of them."""
        prints = self._found.prints
        same = self._found.links_of(DUPLICATE)
        return self._tie(
            CONTRADICTION,
            self._found.asked,
            asked,
            lambda first, row: prints[row] != prints[first] and row not in same,
        )

    def _tie(
        self,
        code: str,
        column: Sequence[int],
        values: Collection[int],
        tied: Callable[[int, int], bool],
    ) -> set[int]:
        seen: set[int] = set()
        if code in self._options.off:
            return seen
        links = self._found.links_of(code)
        for rows in rows_of(column, values).values():
            seen.update(rows)
            first: int | None = None
            for row in rows:
                if self._found.status[row] == Status.EXCLUDED:
                    links.put(row, None)
                elif first is None:
                    first = row
                    links.put(row, None)
                else:
                    links.put(row, first if tied(first, row) else None)
        self.restate(seen)
        return seen

    def _leaks(self, rows: Sequence[int]) -> None:
        for file, other in self._others.items():
            if LEAK not in self._options.off:
                self._tie_to_file(rows, file, other)

    def _tie_to_file(self, rows: Sequence[int], file: str, other: OtherFile) -> None:
        """Tie rows to those of another file that say the same."""
        links = self._found.links_of(LEAK, file)
        for some in in_parts(rows):
            prints = {self._found.prints[row] for row in some} - {0}
            there = rows_of(other.prints, prints)
            for row in some:
                same = there.get(self._found.prints[row])
                links.put(row, other.line(same[0]) if same else None)
            self.restate(row for row in some if row in links)

    def restate(self, rows: Iterable[int]) -> None:
        """Tell anew how rows stand by all that is known of them, exclusions apart."""
        found = self._found
        ties = [
            (links, _status_of(relation.code, self._options))
            for relation, links in found.links.items()
        ]
        outlying = _status_of(OUTLIER, self._options)
        for row in rows:
            if found.status[row] == Status.EXCLUDED:
                continue
            status = max(
                (as_status for links, as_status in ties if row in links), default=Status.OK
            )
            if _holds(found.outliers, row):
                status = max(status, outlying)
            found.status[row] = max(found.own[row], status)

    def problems_of(self, row: int) -> Iterator[Problem]:
        """The problems of a row that only a look over all rows finds."""
        found, line = self._found, self._line(row)
        for relation, links in found.links.items():
            other = links.get(row)
            if other is not None:
                place = other if relation.file else self._line(other)
                text = _WORDS[relation.code].format(line=place, file=relation.file)
                severity = severity_of(relation.code, self._options)
                yield problem(relation.code, line, message=text, severity=severity)
        if _holds(found.outliers, row):
            text = f"The answer has {found.lengths[row]:,} characters."
            yield problem(OUTLIER, line, message=text)


def _status_of(code: str, options: CheckOptions) -> Status:
    return Status.INVALID if severity_of(code, options) == "error" else Status.WARNED


def _holds(rows: Sequence[int], row: int) -> bool:
    at = bisect_left(rows, row)
    return at < len(rows) and rows[at] == row


def _rising(rows: Sequence[int]) -> array[int]:
    return array("I", dict.fromkeys(sorted(rows)))
