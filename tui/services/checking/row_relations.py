"""Relations of a file's rows to each other and to rows of other files."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.edits import RowEdit
from tui.domain.rows.problems import Problem, problem
from tui.domain.rules.providers import severity_of
from tui.services.checking.findings import (
    CONTRADICTION,
    DUPLICATE,
    LEAK,
    NEAR,
    NEAR_LEAK,
    OUTLIER,
    Findings,
    Relation,
    holds,
)
from tui.services.checking.near_duplicate_groups import add_sketches, regroup_near_duplicates
from tui.services.checking.near_duplicate_search import Edges, Texts
from tui.services.checking.near_duplicates import near_leaks
from tui.services.checking.passes import PassResult, Status
from tui.services.checking.row_links import Links, in_parts, repeated, rows_of
from tui.services.checking.sketches import Sketches, sketch

_MESSAGES = {
    DUPLICATE: "The row is a duplicate of line {line}.",
    NEAR: "The row is a near duplicate of line {line}.",
    CONTRADICTION: "Line {line} has the same input and a different answer.",
    LEAK: "The row is also in the {file} file, on line {line}.",
    NEAR_LEAK: "The row is a near duplicate of line {line} of the {file} file.",
}


class OtherFile(NamedTuple):
    """A file that must share no rows with this one.

    Attributes:
        fingerprints: fingerprint of each row's content.
        line: row -> its line number.
        marks: mark of each row; empty where near duplicates are not searched.
        sketches: sketches of some rows; more are added.
        read_text: row -> its compared text; reads the file.
        texts: gives the same for another process, without pending edits.
    """

    fingerprints: Sequence[int]
    line: Callable[[int], int]
    marks: array[int]
    sketches: Sketches
    read_text: Callable[[int], str]
    texts: Callable[[], Texts]


class _Fingerprints(NamedTuple):
    """Fingerprints of the contents and of the prompts of rows."""

    fingerprints: set[int]
    prompts: set[int]


class RowRelations:
    """Finds the relations of rows and updates them after edits.

    Each step looks at the rows or fingerprints it is given and at their matches; given all of them,
    it covers the whole file.
    """

    def __init__(
        self,
        findings: Findings,
        options: CheckOptions,
        line: Callable[[int], int],
        read_text: Callable[[int], str],
        others: Mapping[str, OtherFile],
    ) -> None:
        """Relate the rows of a file.

        Args:
            findings: the findings on the rows; relations are added to them.
            options: options of the check.
            line: row -> its line number.
            read_text: row -> its compared text, with pending edits.
            others: `validation` or `test` -> a file that must share no rows with this one.
        """
        self._findings = findings
        self._options = options
        self._line = line
        self._read_text = read_text
        self._lengths: Counter[int] = Counter()
        self.others = others
        relations = (
            (DUPLICATE, findings.same),
            (NEAR, findings.near),
            (CONTRADICTION, findings.contradictions),
        )
        findings.links.update(
            (Relation(code), links) for code, links in relations if code not in options.off
        )

    def relate_rows(self) -> None:
        """Find exact duplicates, contradictions and outliers among all rows."""
        findings = self._findings
        for fingerprints in repeated(findings.fingerprints):
            self._duplicates(fingerprints)
        for prompts in repeated(findings.prompts):
            self._contradictions(prompts)
        self._count_all_lengths()
        self._outliers()

    def resume(self) -> None:
        """Continue from restored findings instead of relating all rows."""
        self._count_all_lengths()

    def find_leaks(self) -> None:
        """Find exact duplicates of rows of the other files."""
        self._leaks(range(len(self._findings.fingerprints)))

    def add_near_duplicates(self, edges: Edges) -> None:
        """Add near duplicates in the file."""
        for row, other in edges:
            self._findings.near.set(row, other)
        self.update_statuses(edges.rows)

    def add_near_leaks(self, file: str, edges: Edges) -> None:
        """Add near duplicates of rows of another file."""
        links, line = self._findings.links_of(NEAR_LEAK, file), self.others[file].line
        for row, other in edges:
            links.set(row, line(other))
        self.update_statuses(edges.rows)

    def update(
        self, edits: Mapping[int, RowEdit], rewritten: Sequence[int], part: PassResult
    ) -> None:
        """Update the relations of rows that were changed, excluded or restored.

        Args:
            edits: row -> its edit.
            rewritten: the rows whose text changed.
            part: the result of checking the rewritten rows, in their order.
        """
        findings = self._findings
        fingerprints, prompts = self._fingerprints_of(edits)
        self._count_lengths(edits, -1)
        findings.replace(rewritten, part)
        for links in (
            findings.same,
            findings.contradictions,
            *(links for _, links in findings.relations()),
        ):
            for row in rewritten:
                links.set(row, None)
        for row, edit in edits.items():
            findings.status[row] = Status.EXCLUDED if edit.excluded else findings.own[row]
        self._count_lengths(edits, 1)
        updated = self._fingerprints_of(edits)
        moved = self._duplicates(fingerprints | updated.fingerprints)
        prompts |= updated.prompts | {findings.prompts[row] for row in moved}
        self._contradictions(prompts - {0})
        self._outliers()
        self._leaks(rewritten)
        if findings.marks:
            findings.sketches.add(rewritten, sketch([*map(self._read_text, rewritten)]))
            near = regroup_near_duplicates(
                findings, {*edits, *moved}, self._options.similarity, self._read_text
            )
            self.update_statuses(near)
            self._near_leaks(rewritten)
        self.update_statuses(edits)

    def _count_all_lengths(self) -> None:
        for part_rows in in_parts(self._findings.lengths):
            self._lengths.update(part_rows)

    def _count_lengths(self, rows: Iterable[int], step: int) -> None:
        """Add (`step` 1) or subtract (`step` -1) the answer lengths of rows not excluded."""
        findings = self._findings
        for row in rows:
            if findings.status[row] != Status.EXCLUDED:
                self._lengths[findings.lengths[row]] += step

    def _outliers(self) -> None:
        """Find answers far longer or shorter than the others."""
        if OUTLIER in self._options.off:
            return
        # Loaded on the first check: the first paint does not need it.
        from tui.domain.rows.row_statistics import length_outliers

        findings = self._findings
        low, high = length_outliers(self._lengths, self._options)
        before = set(findings.outliers)
        findings.outliers = array(
            "I",
            (row for row, size in enumerate(findings.lengths) if size and not low <= size <= high),
        )
        self.update_statuses(before ^ {*findings.outliers})

    def _near_leaks(self, rows: Sequence[int]) -> None:
        """Link rewritten rows to near duplicates in other files."""
        if NEAR_LEAK in self._options.off:
            return
        findings, read = self._findings, self._read_text
        for file, other in self.others.items():
            exact, links = findings.links_of(LEAK, file), findings.links_of(NEAR_LEAK, file)
            part_rows = [row for row in rows if row not in exact]
            marks = array("Q", (findings.marks[row] for row in part_rows))
            add_sketches(other.marks, other.sketches, other.read_text, marks)
            mine = findings.sketches.get_many(part_rows)
            for place, other_row in near_leaks(
                mine,
                _place_reader(read, part_rows),
                other.sketches.read(),
                other.read_text,
                self._options.similarity,
            ):
                links.set(part_rows[place], other.line(other_row))

    def _fingerprints_of(self, rows: Collection[int]) -> _Fingerprints:
        """The fingerprints of rows, without 0."""
        findings = self._findings
        return _Fingerprints(
            {findings.fingerprints[row] for row in rows} - {0},
            {findings.prompts[row] for row in rows} - {0},
        )

    def _duplicates(self, fingerprints: Collection[int]) -> array[int]:
        """Link duplicates to the first of them; gives the rows whose link changed."""
        findings = self._findings
        return self._link(
            findings.same, findings.fingerprints, fingerprints, lambda first, row: True
        )

    def _contradictions(self, prompts: Collection[int]) -> array[int]:
        """Link rows with the same prompt and another answer to the first of them."""
        findings = self._findings
        return self._link(
            findings.contradictions,
            findings.prompts,
            prompts,
            lambda first, row: (
                findings.fingerprints[row] != findings.fingerprints[first]
                and row not in findings.same
            ),
        )

    def _link(
        self,
        links: Links,
        column: Sequence[int],
        values: Collection[int],
        is_related: Callable[[int, int], bool],
    ) -> array[int]:
        moved = array("I")
        for rows in rows_of(column, values).values():
            first: int | None = None
            for row in rows:
                other = first
                if self._findings.status[row] == Status.EXCLUDED:
                    other = None
                elif first is None:
                    first = row
                elif not is_related(first, row):
                    other = None
                if links.get(row) != other:
                    links.set(row, other)
                    moved.append(row)
        self.update_statuses(moved)
        return moved

    def _leaks(self, rows: Sequence[int]) -> None:
        for file, other in self.others.items():
            if LEAK not in self._options.off:
                self._link_to_file(rows, file, other)

    def _link_to_file(self, rows: Sequence[int], file: str, other: OtherFile) -> None:
        """Link rows to exact duplicates in another file."""
        links = self._findings.links_of(LEAK, file)
        for part_rows in in_parts(rows):
            fingerprints = {self._findings.fingerprints[row] for row in part_rows} - {0}
            rows_there = rows_of(other.fingerprints, fingerprints)
            for row in part_rows:
                same = rows_there.get(self._findings.fingerprints[row])
                links.set(row, other.line(same[0]) if same else None)
            self.update_statuses(row for row in part_rows if row in links)

    def update_statuses(self, rows: Iterable[int]) -> None:
        """Update the status of rows that are not excluded."""
        findings = self._findings
        relations = [
            (links, _status_of(relation.code, self._options))
            for relation, links in findings.relations()
        ]
        outlying = _status_of(OUTLIER, self._options)
        for row in rows:
            if findings.status[row] == Status.EXCLUDED:
                continue
            status = max(
                (as_status for links, as_status in relations if row in links), default=Status.OK
            )
            if holds(findings.outliers, row):
                status = max(status, outlying)
            findings.status[row] = max(findings.own[row], status)

    def problems_of(self, row: int) -> Iterator[Problem]:
        """The problems of a row that depend on other rows."""
        findings, line = self._findings, self._line(row)
        for relation, links in findings.relations():
            other = links.get(row)
            if other is not None:
                place = other if relation.file else self._line(other)
                text = _MESSAGES[relation.code].format(line=place, file=relation.file)
                severity = severity_of(relation.code, self._options)
                yield problem(relation.code, line, message=text, severity=severity)
        if holds(findings.outliers, row):
            text = f"The answer has {findings.lengths[row]:,} characters."
            yield problem(OUTLIER, line, message=text)


def _place_reader(read: Callable[[int], str], rows: Sequence[int]) -> Callable[[int], str]:
    """A function from a position among some rows to the row's text."""
    return lambda place: read(rows[place])


def _status_of(code: str, options: CheckOptions) -> Status:
    return Status.INVALID if severity_of(code, options) == "error" else Status.WARNED
