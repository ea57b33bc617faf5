"""OpenAI's objects and pages of them as responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, ParamSpec, TypeVar

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from tui.engine.errors import ApiError
from tui.engine.jobs.database import Page

Item = TypeVar("Item")
P = ParamSpec("P")


class ListResponse(BaseModel, Generic[Item]):
    """A page of a list; the next one is requested with `after` = `last_id`."""

    object: Literal["list"]
    data: list[Item]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None


def to_json(record: BaseModel) -> dict[str, Any]:
    """Return one of OpenAI's objects as JSON; `paused` is a status that its types do not have."""
    return record.model_dump(mode="json", by_alias=True, warnings=False)


def object_response(record: BaseModel) -> JSONResponse:
    """Return one of OpenAI's objects as a response."""
    return JSONResponse(to_json(record))


def list_response(
    read_page: Callable[P, Page[Any]], *args: P.args, **kwargs: P.kwargs
) -> JSONResponse:
    """Read a page and return it as OpenAI's list object.

    Raises:
        ApiError: the id given as `after` is not in the list.
    """
    try:
        page = read_page(*args, **kwargs)
    except KeyError as error:
        message = f"Invalid 'after': no item has the id {error.args[0][:80]!r}."
        raise ApiError(400, message, param="after", code="invalid_value") from error
    data = [to_json(record.to_openai()) for record in page.data]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return JSONResponse({"object": "list", "data": data, "has_more": page.has_more, **ends})
