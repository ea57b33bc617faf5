"""The new events or checkpoints of a job, collected from a server's pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.domain.jobs.record_order import directions, oldest_first, record_hash
from tui.domain.jobs.records import Record
from tui.services.providers.providers import json_body
from tui.services.workspace.job_log import JobLog

if TYPE_CHECKING:
    from openai import Omit

_PAGE = 100
_QUICK_PAGE = 20
"""Items requested while a job is followed: more than arrive between two polls."""
_MAX_STALE_PAGES = 3
"""Pages without anything new after which a thorough fetch stops."""

Item = Mapping[str, Any]
ListEndpoint = Callable[..., Awaitable[Any]]
FetchPage = Callable[[int, "str | Omit"], Awaitable[Any]]


class _Page(NamedTuple):
    items: list[Item]
    last_id: str
    is_last: bool


class Paginator:
    """Collects the new items of one kind.

    Servers list newest first, oldest first or in no order, without `has_more`, or ignoring `after`.
    A quick fetch ends at the first page that holds something known, where the server keeps an
    order; a thorough one goes on behind it. When a request fails, what was collected before is
    kept and the next fetch resumes there.
    """

    def __init__(self, log: JobLog, make_record: Callable[[Item, float], Record]) -> None:
        """Start with nothing collected.

        Args:
            log: the job's, which tells what is already known.
            make_record: turns an item, and a time for items without one, into a record.
        """
        self._log = log
        self._make_record = make_record
        self._items: list[Item] = []
        self._walk_items: list[Item] = []
        self._hashes: set[int] = set()
        self._after: str | None = None
        self._visited: set[str] = set()
        self._last_id: str | None = None  # of a long list
        self._in_order = True
        self._oldest_first = False
        self._endpoint_missing = False

    async def fetch_new(
        self, endpoint: ListEndpoint, now: float, *, thorough: bool
    ) -> list[Record]:
        """Fetch the new records, oldest first; none where the server lacks the endpoint.

        Args:
            endpoint: requests a page.
            now: Unix seconds, for items without a time.
            thorough: look behind what is known.
        """
        if self._endpoint_missing and not thorough:
            return []

        def fetch_page(limit: int, after: str | Omit) -> Awaitable[Any]:
            return endpoint(self._log.job, limit=limit, after=after)

        interrupted = self._after is not None
        if interrupted:
            await self._walk(fetch_page, now, thorough=thorough, resumed=False)
        # Items that arrived during the interruption are listed before those collected then.
        resumed = interrupted or bool(self._items)
        await self._walk(fetch_page, now, thorough=thorough, resumed=resumed)
        records = [self._make_record(item, now) for item in self._items]
        return sorted(records, key=lambda record: float(record["at"]))

    def clear(self) -> None:
        """Forget what was collected, once it is handed over."""
        self._items.clear()
        self._hashes.clear()

    async def _walk(
        self, fetch_page: FetchPage, now: float, *, thorough: bool, resumed: bool
    ) -> None:
        """Go from page to page, from where the last walk was interrupted."""
        from openai import omit

        if self._after is None and self._oldest_first:
            self._after = self._last_id  # new items come behind what was the last one
        collected = frozenset(self._hashes) if resumed else frozenset[int]()
        stale_pages, count = 0, _PAGE if self._after else 0
        while True:
            quick = self._after is None and not thorough and not self._oldest_first
            limit = _QUICK_PAGE if quick else _PAGE
            response = fetch_page(limit, omit if self._after is None else self._after)
            page = await self._read_page(response)
            new, known = self._collect(page.items, now, collected)
            stale_pages = 0 if new else stale_pages + 1
            count += len(page.items)
            # A short list may look sorted by chance, and is read from its start in one page.
            self._last_id = page.last_id or self._last_id if count > _PAGE else None
            if page.is_last or page.last_id in self._visited:
                break
            if self._is_enough(stale_pages, known, thorough=thorough):
                break
            self._visited.add(page.last_id)
            self._after = page.last_id
        self._items += oldest_first(self._walk_items)
        self._walk_items.clear()
        self._after = None
        self._visited.clear()

    async def _read_page(self, response: Awaitable[Any]) -> _Page:
        import openai

        try:
            body = json_body(await response, self._log.provider)
        except openai.NotFoundError:
            # On the first page the endpoint is missing, later the item to continue after.
            self._endpoint_missing = self._after is None
            self._last_id = None
            return _Page([], "", is_last=True)
        self._endpoint_missing = False
        items = [item for item in body.get("data") or [] if isinstance(item, Mapping)]
        last_id = items[-1].get("id") if items else None
        if not isinstance(last_id, str):
            return _Page(items, "", is_last=True)
        return _Page(items, last_id, is_last=body.get("has_more") is False)

    def _is_enough(self, stale_pages: int, known: int, *, thorough: bool) -> bool:
        if self._oldest_first or (thorough and not self._in_order):
            return False
        if thorough or not self._in_order:
            return stale_pages >= _MAX_STALE_PAGES
        return known > 0

    def _collect(
        self, items: list[Item], now: float, collected: Collection[int]
    ) -> tuple[int, int]:
        """Collect the new items of a page; returns how many are new, and how many were known.

        Args:
            items: the page.
            now: Unix seconds.
            collected: hashes of what an earlier walk collected, which counts as known.
        """
        rising, falling = directions([item for item in items if "created_at" in item])
        self._in_order = self._in_order and not (rising and falling)
        if rising or falling:
            self._oldest_first = self._in_order and bool(rising)
        new = known = 0
        for item in items:
            record = self._make_record(item, now)
            identity = record_hash(record)
            if self._log.contains(record) or identity in collected:
                known += 1
            elif identity not in self._hashes:
                self._hashes.add(identity)
                self._walk_items.append(item)
                new += 1
        return new, known
