"""The files of a server: sent whole, or in parts that become one at the end."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

_NAME = re.compile(rb'name="([^"]*)"(?:; filename="([^"]*)")?')


class StoredFiles:
    """The answers of `/v1/files` and `/v1/uploads`.

    Attributes:
        contents: id -> the bytes of a whole file.
        objects: id -> the file object that the server returns.
        parts: id of an upload -> ids and bytes of its parts, in the order they came.
        takes_parts: whether there is a `/v1/uploads`.
        expires_at: Unix seconds until which an upload takes parts.
    """

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.objects: dict[str, dict[str, Any]] = {}
        self.parts: dict[str, dict[str, bytes]] = {}
        self.takes_parts = True
        self.expires_at: float = 4_000_000_000
        self._announced: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, parts: list[str], body: bytes) -> tuple[int, Any] | None:
        """The answer to a request; None where it is about something else."""
        if parts[0] == "uploads" and not self.takes_parts:
            return None
        match method, parts:
            case "POST", ["files"]:
                form = fields_of(body)
                return 200, self._keep(*form["file"], form["purpose"][1].decode())
            case "GET", ["files", file] if file in self.objects:
                return 200, self.objects[file]
            case "DELETE", ["files", file] if file in self.objects:
                del self.objects[file]
                return 200, {"id": file, "deleted": True}
            case "POST", ["uploads"]:
                return 200, self._announce(json.loads(body))
            case "POST", ["uploads", upload, *rest] if upload in self._announced:
                return self._upload(upload, rest, body)
        return None

    def _keep(self, name: str, content: bytes, purpose: str) -> dict[str, Any]:
        file = f"file-{len(self.contents) + 1}"
        self.contents[file] = content
        self.objects[file] = {
            "id": file,
            "object": "file",
            "bytes": len(content),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        return self.objects[file]

    def _announce(self, announcement: dict[str, Any]) -> dict[str, Any]:
        upload = f"upload-{len(self.parts) + 1}"
        self._announced[upload] = announcement
        self.parts[upload] = {}
        return {"id": upload, "status": "pending", "expires_at": self.expires_at, **announcement}

    def _upload(self, upload: str, rest: list[str], body: bytes) -> tuple[int, Any]:
        announcement = self._announced[upload]
        if rest == ["parts"]:
            part = f"part-{sum(map(len, self.parts.values())) + 1}"
            self.parts[upload][part] = fields_of(body)["data"][1]
            return 200, {"id": part, "object": "upload.part", "upload_id": upload}
        completion = json.loads(body)
        content = b"".join(self.parts[upload][part] for part in completion["part_ids"])
        if len(content) != announcement["bytes"] or _md5(content) != completion["md5"]:
            return 400, {"error": {"message": "The parts are not the file that was announced."}}
        del self._announced[upload]
        file = self._keep(announcement["filename"], content, announcement["purpose"])
        return 200, {"id": upload, "status": "completed", "file": file}

    def forget_uploads(self) -> None:
        """Drop unfinished uploads, as a server does after an hour."""
        self._announced.clear()


def fields_of(body: bytes) -> dict[str, tuple[str, bytes]]:
    """Name -> file name and content of each field of a multipart form."""
    boundary = body.split(b"\r\n", 1)[0]
    fields = {}
    for part in body.split(boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        match = _NAME.search(head)
        assert match
        fields[match[1].decode()] = (match[2] or b"").decode(), content.removesuffix(b"\r\n")
    return fields


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
