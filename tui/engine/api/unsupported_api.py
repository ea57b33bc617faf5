"""Endpoints of OpenAI's fine-tuning API that this engine refuses by name."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from tui.engine.errors import ApiError

router = APIRouter(prefix="/v1/fine_tuning/checkpoints", tags=["Unsupported"])


@router.get("/{checkpoint:path}/permissions", operation_id="list_permissions")
@router.post("/{checkpoint:path}/permissions", operation_id="create_permissions")
@router.delete("/{checkpoint:path}/permissions/{permission_id}", operation_id="delete_permission")
def share_checkpoint(checkpoint: str) -> JSONResponse:
    """Not supported: this engine has no projects to share a checkpoint with."""
    raise ApiError(
        400,
        f"Checkpoint permissions are not supported: this engine has no projects, and every client "
        f"can use {checkpoint[:200]!r} by its name.",
        code="unsupported_endpoint",
    )
