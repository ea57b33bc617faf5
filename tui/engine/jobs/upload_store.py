"""The store of uploads in parts."""

from __future__ import annotations

from tui.engine.jobs.database import Database
from tui.engine.jobs.records import PartRecord, UploadRecord

SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS uploads_by_status ON uploads (status);
CREATE TABLE IF NOT EXISTS parts (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, upload TEXT NOT NULL, record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS parts_by_upload ON parts (upload, seq);
"""


class UploadStore:
    """Uploads and their parts in the engine's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, upload: UploadRecord) -> None:
        """Add a new upload."""
        self._database.execute(
            "INSERT INTO uploads (id, status, record) VALUES (?, ?, ?)",
            upload.id,
            upload.status,
            upload.model_dump_json(),
        )

    def get(self, upload_id: str) -> UploadRecord | None:
        """The upload with that id; None if there is none."""
        query = "SELECT record FROM uploads WHERE id = ?"
        return self._database.fetch_one(UploadRecord, query, upload_id)

    def pending(self) -> list[UploadRecord]:
        """The uploads that still accept parts, oldest first."""
        query = "SELECT record FROM uploads WHERE status = 'pending' ORDER BY seq"
        return self._database.fetch_all(UploadRecord, query)

    def end(self, upload: UploadRecord) -> None:
        """Store an upload that has ended, and delete its parts."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE uploads SET status = ?, record = ? WHERE id = ?",
                upload.status,
                upload.model_dump_json(),
                upload.id,
            )
            self._database.execute("DELETE FROM parts WHERE upload = ?", upload.id)

    def add_part(self, part: PartRecord) -> None:
        """Add a new part."""
        self._database.execute(
            "INSERT INTO parts (id, upload, record) VALUES (?, ?, ?)",
            part.id,
            part.upload_id,
            part.model_dump_json(),
        )

    def parts(self, upload_id: str) -> list[PartRecord]:
        """The parts of an upload in order of arrival."""
        query = "SELECT record FROM parts WHERE upload = ? ORDER BY seq"
        return self._database.fetch_all(PartRecord, query, upload_id)
