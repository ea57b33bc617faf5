"""SQLite with one connection, nested transactions, and pydantic records stored as JSON."""

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
    """The database cannot be opened or has another version; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """One page of a list, and whether more follow."""

    data: list[Record]
    has_more: bool


class Database:
    """A SQLite file. Thread-safe."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        """Open the database, creating it if needed.

        Args:
            path: its file.
            schema: statements that create missing tables.
            version: schema version; a file with another version is left untouched.

        Raises:
            StoreError: it cannot be used.
        """
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            file_version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if file_version not in (0, version):
                raise StoreError(
                    f"{path} was written by another version of ftui (format {file_version}, "
                    f"this one reads {version}). Use that version, or set FTUI_HOME."
                )
            self._connection.executescript(schema)
            self._connection.execute(f"PRAGMA user_version={version}")
        except sqlite3.Error as error:
            raise StoreError(
                f"The engine's database {path} cannot be used: {error}. "
                "Make sure that the disk is neither full nor read-only."
            ) from error

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything written inside at once, or nothing; may be nested."""
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

    def fetch_one(self, kind: type[Record], query: str, *values: Any) -> Record | None:
        """The record in the first row of a query; None without rows."""
        with self._lock:
            row = self._connection.execute(query, values).fetchone()
        return None if row is None else kind.model_validate_json(row[0])

    def fetch_all(self, kind: type[Record], query: str, *values: Any) -> list[Record]:
        """The records in all rows of a query."""
        with self._lock:
            rows = self._connection.execute(query, values).fetchall()
        return [kind.model_validate_json(row[0]) for row in rows]

    def fetch_page(
        self,
        kind: type[Record],
        table: str,
        where: dict[str, str],
        after: str | None,
        limit: int,
        order: str = "desc",
    ) -> Page[Record]:
        """A page of a table, newest first by default.

        Args:
            kind: type of the records.
            table: its name.
            where: values that columns must have.
            after: id of the last record of the previous page.
            limit: maximum number of records.
            order: `desc` or `asc`.

        Raises:
            KeyError: no record that matches `where` has the id `after`.
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
            records = self.fetch_all(kind, query, *values, limit + 1)
        return Page(records[:limit], len(records) > limit)
