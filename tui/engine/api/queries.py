"""Query parameters: unknown ones are refused rather than ignored."""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute

from tui.engine.errors import ApiError

_NULL = "null"


def refuse_unknown_queries(request: Request) -> None:
    """Refuse query parameters that the route does not have; `name[key]` counts as `name`.

    Raises:
        ApiError: there is one.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = {field.alias for field in route.dependant.query_params}
    for name in request.query_params:
        if name.partition("[")[0] not in known:
            raise ApiError(
                400,
                f"Unrecognized query parameter: {name[:80]!r}.",
                param=name[:80],
                code="unknown_parameter",
            )


def metadata_filter(request: Request) -> dict[str, str] | None:
    """Return the entries of `metadata[k]=v`; None for `metadata=null`, jobs without metadata.

    Raises:
        ApiError: the filter is neither, or both.
    """
    parameters = [(k, v) for k, v in request.query_params.multi_items() if k.startswith("metadata")]
    entries = {k[len("metadata[") : -1]: v for k, v in parameters if k.endswith("]")}
    if parameters == [("metadata", _NULL)]:
        return None
    if len(entries) < len(parameters):
        raise ApiError(
            400,
            "Filter with metadata[key]=value, each key once, or with metadata=null alone.",
            param="metadata",
            code="invalid_value",
        )
    return entries
