"""The new events or checkpoints of a job, gathered from a server's pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.domain.jobs.record_order import directions, mark_of, oldest_first
from tui.domain.jobs.records import Record
from tui.services.providers.providers import json_body
from tui.services.workspace.job_history import JobHistory

if TYPE_CHECKING:
    from openai import Omit

_PAGE = 100
_GLANCE = 20
"""Items asked for while a job is followed: more than come between two looks."""
_SURE = 3
"""Pages without news after which a thorough look believes that there are none behind them."""

Item = Mapping[str, Any]
Fetch = Callable[..., Awaitable[Any]]
Page = Callable[[int, "str | Omit"], Awaitable[Any]]


class _Page(NamedTuple):
    items: list[Item]
    last: str
    is_last: bool


class NewsPages:
    """Gathers what is new of one kind.

    Servers list newest first, oldest first or in no order, without `has_more`, and without heeding
    `after`. A glance ends at the first page that holds what is known, where the server keeps its
    order; a thorough look goes on behind that. What a look had found when a request of it failed
    is kept, and the next one goes on from there.
    """

    def __init__(
        self, provider: str, record: Callable[[Item, float], Record], history: JobHistory
    ) -> None:
        """Nothing is asked yet.

        Args:
            provider: whom to name in errors.
            record: makes a record of an item.
            history: what is known.
        """
        self._provider = provider
        self._record = record
        self._history = history
        self._found: list[Item] = []
        self._walked: list[Item] = []
        self._marks: set[int] = set()
        self._after: str | None = None
        self._asked: set[str] = set()
        self._last: str | None = None  # of a long list
        self._in_order = True
        self._oldest_first = False
        self._missing = False

    async def new(self, fetch: Fetch, job: str, now: float, *, thorough: bool) -> list[Record]:
        """The new records, oldest first; none where the server has no such path.

        Args:
            fetch: asks for a page.
            job: the job's id.
            now: Unix seconds, for items without a time.
            thorough: look behind what is known.
        """
        if self._missing and not thorough:
            return []

        def page(limit: int, after: str | Omit) -> Awaitable[Any]:
            return fetch(job, limit=limit, after=after)

        interrupted = self._after is not None
        if interrupted:
            await self._walk(page, now, thorough=thorough, again=False)
        # What came while the look was interrupted stands before what it had found.
        await self._walk(page, now, thorough=thorough, again=interrupted or bool(self._found))
        records = [self._record(item, now) for item in self._found]
        return sorted(records, key=lambda record: float(record["at"]))

    def taken(self) -> None:
        """What was given is kept in the history."""
        self._found.clear()
        self._marks.clear()

    async def _walk(self, fetch: Page, now: float, *, thorough: bool, again: bool) -> None:
        """Go from page to page, from where the last walk was interrupted."""
        from openai import omit

        if self._after is None and self._oldest_first:
            self._after = self._last  # the news is behind what was the last one
        earlier = frozenset(self._marks) if again else frozenset[int]()
        stale, count = 0, _PAGE if self._after else 0
        while True:
            glance = self._after is None and not thorough and not self._oldest_first
            limit = _GLANCE if glance else _PAGE
            page = await self._page(fetch(limit, omit if self._after is None else self._after))
            fresh, known = self._take(page.items, now, earlier)
            stale = 0 if fresh else stale + 1
            count += len(page.items)
            # A short list may rise by chance, and is read from its beginning in one page.
            self._last = page.last or self._last if count > _PAGE else None
            if page.is_last or page.last in self._asked:
                break
            if self._is_enough(stale, known, thorough=thorough):
                break
            self._asked.add(page.last)
            self._after = page.last
        self._found += oldest_first(self._walked)
        self._walked.clear()
        self._after = None
        self._asked.clear()

    async def _page(self, answer: Awaitable[Any]) -> _Page:
        import openai

        try:
            body = json_body(await answer, self._provider)
        except openai.NotFoundError:
            # Before the first page it is the path that is not there, later the place in the list.
            self._missing = self._after is None
            self._last = None
            return _Page([], "", is_last=True)
        self._missing = False
        items = [item for item in body.get("data") or [] if isinstance(item, Mapping)]
        last = items[-1].get("id") if items else None
        if not isinstance(last, str):
            return _Page(items, "", is_last=True)
        return _Page(items, last, is_last=body.get("has_more") is False)

    def _is_enough(self, stale: int, known: int, *, thorough: bool) -> bool:
        if self._oldest_first or (thorough and not self._in_order):
            return False
        if thorough or not self._in_order:
            return stale >= _SURE
        return known > 0

    def _take(self, items: list[Item], now: float, earlier: Collection[int]) -> tuple[int, int]:
        """Keep what is new of a page; gives how many items are, and how many were known.

        Args:
            items: the page.
            now: Unix seconds.
            earlier: marks of what an earlier walk found, which counts as known.
        """
        rising, falling = directions([item for item in items if "created_at" in item])
        self._in_order = self._in_order and not (rising and falling)
        if rising or falling:
            self._oldest_first = self._in_order and bool(rising)
        fresh = known = 0
        for item in items:
            record = self._record(item, now)
            mark = mark_of(record)
            if self._history.knows(record) or mark in earlier:
                known += 1
            elif mark not in self._marks:
                self._marks.add(mark)
                self._walked.append(item)
                fresh += 1
        return fresh, known
