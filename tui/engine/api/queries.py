"""Parameters in the address of a request: what a route does not know is refused, not ignored."""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute

from tui.engine.errors import ApiError

_NULL = "null"


def refuse_unknown_queries(request: Request) -> None:
    """Refuse parameters that the route does not have; `name[key]` belongs to `name`.

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
                f"Unrecognized parameter in the address: {name[:80]!r}.",
                param=name[:80],
                code="unknown_parameter",
            )


def metadata_filter(request: Request) -> dict[str, str] | None:
    """What `metadata[k]=v` asks for; None for `metadata=null`, the jobs that have none.

    Raises:
        ApiError: it is neither, or both.
    """
    given = [(k, v) for k, v in request.query_params.multi_items() if k.startswith("metadata")]
    wanted = {k[len("metadata[") : -1]: v for k, v in given if k.endswith("]")}
    if given == [("metadata", _NULL)]:
        return None
    if len(wanted) < len(given):
        raise ApiError(
            400,
            "Filter jobs with metadata[key]=value, each key once, or with metadata=null alone.",
            param="metadata",
            code="invalid_value",
        )
    return wanted
