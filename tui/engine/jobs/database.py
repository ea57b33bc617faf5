"""SQLite: one connection, transactions, and records as JSON in their rows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

Record = TypeVar("Record", bound=BaseModel)


class StoreError(Exception):
    """The database cannot be opened or is of another version; the text is a plain sentence."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Part of a list, and whether more follows."""

    data: list[Record]
    has_more: bool


class Database:
    """A file of SQLite. Every method may be called from any thread."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        """Open the database, making it where there is none.

        Args:
            path: its file.
            schema: makes what is not there yet.
            version: of the schema; a file of another version is not touched.

        Raises:
            StoreError: it cannot be used.
        """
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            found = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, version):
                raise StoreError(
                    f"{path} was written by another version of ftui (format {found}, "
                    f"this one reads {version}). Use that version, or set FTUI_HOME."
                )
            self._connection.executescript(schema)
            self._connection.execute(f"PRAGMA user_version={version}")
        except sqlite3.Error as error:
            raise StoreError(
                f"The engine's database {path} cannot be used: {error}. "
                "Make sure that its disk is neither full nor read-only."
            ) from error

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is written at once, or not at all; may be nested."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def execute(self, query: str, *values: Any) -> None:
        """Run one statement in a transaction."""
        with self.transaction():
            self._connection.execute(query, values)

    def one(self, kind: type[Record], query: str, *values: Any) -> Record | None:
        """The record in the first row that a query gives."""
        with self._lock:
            row = self._connection.execute(query, values).fetchone()
        return None if row is None else kind.model_validate_json(row[0])

    def many(self, kind: type[Record], query: str, *values: Any) -> list[Record]:
        """The records in all rows that a query gives."""
        with self._lock:
            rows = self._connection.execute(query, values).fetchall()
        return [kind.model_validate_json(row[0]) for row in rows]

    def page(
        self,
        kind: type[Record],
        table: str,
        where: dict[str, str],
        after: str | None,
        limit: int,
        order: str = "desc",
    ) -> Page[Record]:
        """A page of a table, newest first; `after` is the id of the last one already seen.

        Raises:
            KeyError: there is no such id among the rows that `where` leaves.
        """
        clauses = [f"{column} = ?" for column in where]
        values: list[Any] = list(where.values())
        with self._lock:
            if after is not None:
                query = f"SELECT seq FROM {table} WHERE {' AND '.join([*clauses, 'id = ?'])}"
                row = self._connection.execute(query, (*values, after)).fetchone()
                if row is None:
                    raise KeyError(after)
                clauses.append("seq < ?" if order == "desc" else "seq > ?")
                values.append(row[0])
            filtered = f" WHERE {' AND '.join(clauses)}" if clauses else ""
            query = f"SELECT record FROM {table}{filtered} ORDER BY seq {order} LIMIT ?"
            found = self.many(kind, query, *values, limit + 1)
        return Page(found[:limit], len(found) > limit)
