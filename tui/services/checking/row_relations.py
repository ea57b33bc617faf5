"""The relations of a file's rows to each other and to those of other files."""

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
from tui.services.checking.near_duplicate_groups import tie_near_anew
from tui.services.checking.near_duplicate_search import Edges, Texts
from tui.services.checking.near_duplicates import near_leaks
from tui.services.checking.passes import Checked, Status
from tui.services.checking.row_links import Links, in_parts, repeated, rows_of
from tui.services.checking.sketches import Sketches

_WORDS = {
    DUPLICATE: "The row says the same as line {line}.",
    NEAR: "The row is nearly the same as line {line}.",
    CONTRADICTION: "Line {line} asks the same and has another answer.",
    LEAK: "The row stands in the {file} file too, on line {line}.",
    NEAR_LEAK: "The row is nearly the same as line {line} of the {file} file.",
}


class OtherFile(NamedTuple):
    """A file whose rows must not stand in this one.

    Attributes:
        prints: a fingerprint of what each row says.
        line: number of a row's line.
        sketches: what near duplicates are searched with.
        read_text: row -> the text of it that is compared; for threads.
        texts: the same for another process, without pending edits.
    """

    prints: Sequence[int]
    line: Callable[[int], int]
    sketches: Sketches
    read_text: Callable[[int], str]
    texts: Callable[[], Texts]


class _Said(NamedTuple):
    """What rows say and what they ask, as fingerprints."""

    prints: set[int]
    asked: set[int]


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
        read_text: Callable[[int], str],
        others: Mapping[str, OtherFile],
    ) -> None:
        """Compare the rows of a file.

        Args:
            found: what is known of them.
            options: what is looked for.
            line: number of a row's line.
            read_text: row -> the text of it that is searched for near duplicates, with edits.
            others: `validation` or `test` -> a file whose rows must not stand in this one.
        """
        self._found = found
        self._options = options
        self._line = line
        self._read_text = read_text
        self._lengths: Counter[int] = Counter()
        self.others = others
        ties = ((DUPLICATE, found.same), (NEAR, found.near), (CONTRADICTION, found.contradictions))
        found.links.update(
            (Relation(code), links) for code, links in ties if code not in options.off
        )

    def whole(self) -> None:
        """Look over all rows for those that say or ask exactly the same, and for outliers."""
        found = self._found
        for prints in repeated(found.prints):
            self._duplicates(prints)
        for asked in repeated(found.asked):
            self._contradictions(asked)
        self._count_all_lengths()
        self._outliers()

    def resume(self) -> None:
        """Go on from what was found before, instead of looking over all rows."""
        self._count_all_lengths()

    def whole_files(self) -> None:
        """Look for all rows in the other files."""
        self._leaks(range(len(self._found.prints)))

    def put_near(self, edges: Edges) -> None:
        """Take over which rows are nearly the same as an earlier one."""
        for row, other in edges:
            self._found.near.put(row, other)
        self.restate(edges.rows)

    def put_near_leaks(self, file: str, edges: Edges) -> None:
        """Take over which rows are nearly the same as one of another file."""
        links, line = self._found.links_of(NEAR_LEAK, file), self.others[file].line
        for row, other in edges:
            links.put(row, line(other))
        self.restate(edges.rows)

    def follow(self, edits: Mapping[int, RowEdit], rewritten: Sequence[int], part: Checked) -> None:
        """Look at rows that were changed, left out or taken back, and at those like them.

        Args:
            edits: how the rows are now, by row.
            rewritten: those whose text is another one than before.
            part: what was found in the rewritten ones, in their order.
        """
        found = self._found
        prints, asked = self._said(edits)
        self._count_lengths(edits, -1)
        found.replace(rewritten, part)
        for links in (found.same, found.contradictions, *(links for _, links in found.ties())):
            for row in rewritten:
                links.put(row, None)
        for row, edit in edits.items():
            found.status[row] = Status.EXCLUDED if edit.excluded else found.own[row]
        self._count_lengths(edits, 1)
        now = self._said(edits)
        moved = self._duplicates(prints | now.prints)
        asked |= now.asked | {found.asked[row] for row in moved}
        self._contradictions(asked - {0})
        self._outliers()
        self._leaks(rewritten)
        if found.sketches:
            near = tie_near_anew(found, {*edits, *moved}, self._options.similarity, self._read_text)
            self.restate(near)
            self._near_leaks(rewritten)
        self.restate(edits)

    def _count_all_lengths(self) -> None:
        for some in in_parts(self._found.lengths):
            self._lengths.update(some)

    def _count_lengths(self, rows: Iterable[int], step: int) -> None:
        """Count the answers of rows that are not left out, or count them no more."""
        found = self._found
        for row in rows:
            if found.status[row] != Status.EXCLUDED:
                self._lengths[found.lengths[row]] += step

    def _outliers(self) -> None:
        """Find the answers that are far longer or shorter than the others."""
        if OUTLIER in self._options.off:
            return
        # Loaded by whoever checks; the way to the first paint does not need it.
        from tui.domain.rows.row_statistics import length_outliers

        found = self._found
        low, high = length_outliers(self._lengths, self._options)
        before = set(found.outliers)
        found.outliers = array(
            "I", (row for row, size in enumerate(found.lengths) if size and not low <= size <= high)
        )
        self.restate(before ^ {*found.outliers})

    def _near_leaks(self, rows: Sequence[int]) -> None:
        """Tie rewritten rows to those of other files that are nearly the same."""
        if NEAR_LEAK in self._options.off:
            return
        found, read = self._found, self._read_text
        for file, other in self.others.items():
            exact, links = found.links_of(LEAK, file), found.links_of(NEAR_LEAK, file)
            some = [row for row in rows if row not in exact]
            mine = found.sketches.of(some)
            for place, there in near_leaks(
                mine,
                _read_places(read, some),
                other.sketches.read(),
                other.read_text,
                self._options.similarity,
            ):
                links.put(some[place], other.line(there))

    def _said(self, rows: Collection[int]) -> _Said:
        """What rows say and ask, as fingerprints."""
        found = self._found
        return _Said(
            {found.prints[row] for row in rows} - {0}, {found.asked[row] for row in rows} - {0}
        )

    def _duplicates(self, prints: Collection[int]) -> array[int]:
        """Tie rows that say the same to the first of them; gives the rows that stand otherwise."""
        found = self._found
        return self._tie(found.same, found.prints, prints, lambda first, row: True)

    def _contradictions(self, asked: Collection[int]) -> array[int]:
        """Tie rows that ask the same and answer otherwise to the first of them."""
        found = self._found
        return self._tie(
            found.contradictions,
            found.asked,
            asked,
            lambda first, row: found.prints[row] != found.prints[first] and row not in found.same,
        )

    def _tie(
        self,
        links: Links,
        column: Sequence[int],
        values: Collection[int],
        tied: Callable[[int, int], bool],
    ) -> array[int]:
        moved = array("I")
        for rows in rows_of(column, values).values():
            first: int | None = None
            for row in rows:
                other = first
                if self._found.status[row] == Status.EXCLUDED:
                    other = None
                elif first is None:
                    first = row
                elif not tied(first, row):
                    other = None
                if links.get(row) != other:
                    links.put(row, other)
                    moved.append(row)
        self.restate(moved)
        return moved

    def _leaks(self, rows: Sequence[int]) -> None:
        for file, other in self.others.items():
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
            (links, _status_of(relation.code, self._options)) for relation, links in found.ties()
        ]
        outlying = _status_of(OUTLIER, self._options)
        for row in rows:
            if found.status[row] == Status.EXCLUDED:
                continue
            status = max(
                (as_status for links, as_status in ties if row in links), default=Status.OK
            )
            if holds(found.outliers, row):
                status = max(status, outlying)
            found.status[row] = max(found.own[row], status)

    def problems_of(self, row: int) -> Iterator[Problem]:
        """The problems of a row that only a look over all rows finds."""
        found, line = self._found, self._line(row)
        for relation, links in found.ties():
            other = links.get(row)
            if other is not None:
                place = other if relation.file else self._line(other)
                text = _WORDS[relation.code].format(line=place, file=relation.file)
                severity = severity_of(relation.code, self._options)
                yield problem(relation.code, line, message=text, severity=severity)
        if holds(found.outliers, row):
            text = f"The answer has {found.lengths[row]:,} characters."
            yield problem(OUTLIER, line, message=text)


def _read_places(read: Callable[[int], str], rows: Sequence[int]) -> Callable[[int], str]:
    """Place among some rows -> the text of the row."""
    return lambda place: read(rows[place])


def _status_of(code: str, options: CheckOptions) -> Status:
    return Status.INVALID if severity_of(code, options) == "error" else Status.WARNED
