"""OpenAI's list object, for the description of the API."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel

Item = TypeVar("Item")


class Listed(BaseModel, Generic[Item]):
    """A page of a list; the next one is asked for with `after` = `last_id`."""

    object: Literal["list"]
    data: list[Item]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None
