"""Families of rows that say nearly the same, kept right while a person changes rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain

from tui.services.findings import Findings
from tui.services.near_duplicates import candidates, near_pairs
from tui.services.near_rows import Edges
from tui.services.row_checks import Status
from tui.services.row_links import rows_of


class NearGroups:
    """The rows that are like each other, kept right while rows change.

    A family is what edges connect, or what says exactly the same; whoever changes a row has its
    family looked at anew, and with it those that may be like the row now. Rows that were left out
    stay in their family, so that they are found again when they are taken back.
    """

    def __init__(self, found: Findings, similarity: float) -> None:
        self._found = found
        self._similarity = similarity
        self.edges = Edges()

    def know(self, edges: Edges) -> None:
        """Learn what the search over the whole file found."""
        self.edges = edges

    def family(self, rows: Iterable[int]) -> set[int]:
        """Rows and those that are connected with them."""
        found: set[int] = set()
        more = set(rows)
        while more - found:
            found |= more
            more = self._neighbours(found)
        return found

    def _neighbours(self, rows: set[int]) -> set[int]:
        prints = {self._found.prints[row] for row in rows} - {0}
        same = rows_of(self._found.prints, prints).values()
        ends = (edge for edge in self.edges if edge[0] in rows or edge[1] in rows)
        return set(chain(chain.from_iterable(same), chain.from_iterable(ends)))

    def anew(
        self,
        family: set[int],
        changed: Collection[int],
        rewritten: Sequence[int],
        read_text: Callable[[int], str],
    ) -> set[int]:
        """Look at rows again.

        Args:
            family: those that were connected with what was changed.
            changed: the rows that were changed, left out or taken back; `family` has them, too.
            rewritten: those of them whose text is another one.
            read_text: row -> the text of it that is compared.

        Returns:
            The rows that may stand otherwise than before.
        """
        links, sketches = self._found.near, self._found.sketches
        orphans = [row for row in family if links.get(row) in changed]
        if rewritten or orphans:
            wanted = map(sketches.one, {*rewritten, *orphans})
            family = self.family(family | candidates(sketches.read(), wanted, self._similarity))
        if rewritten:
            self.edges = Edges(chain(self.edges.without(family), self._pairs(family, read_text)))
        for row in family:
            links.put(row, None)
        here = {row for row in family if self._found.status[row] != Status.EXCLUDED}
        for row, other in self._pairs(here, read_text):
            links.put(row, other)
        return family

    def _pairs(self, rows: set[int], read_text: Callable[[int], str]) -> list[tuple[int, int]]:
        """Near duplicates among some rows; of those that say exactly the same the first counts."""
        firsts: dict[int, int] = {}
        for row in sorted(rows):
            if self._found.prints[row]:
                firsts.setdefault(self._found.prints[row], row)
        some = sorted(firsts.values())
        pairs = near_pairs(
            self._found.sketches.of(some), lambda place: read_text(some[place]), self._similarity
        )
        return [(some[place], some[other]) for place, other in pairs]
