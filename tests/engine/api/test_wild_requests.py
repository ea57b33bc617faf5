"""Random requests to every route get a response of OpenAI's shape or its error envelope."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.shared import ErrorObject
from support.engine.in_process_engine import InProcessEngine
from support.sample_rows import good_rows

JSON = {"headers": {"content-type": "application/json"}}
VALID_VALUES = [
    *("fine-tune", "evals", "supervised", "dpo", "auto", "created_at", "string_check", "multi"),
    *("org/name", "eq", "text_similarity", "bleu", "a.jsonl", "{{ item.x }}", "(a + b) / 2"),
    *(1, 2, 3600, 0.5, True, {}, [], [{}]),
]
GRADER = {"type": "string_check", "name": "g", "operation": "eq", "input": "", "reference": ""}
VALID_BODIES: dict[str, dict[str, Any]] = {
    "jobs": {"model": "org/name"},
    "uploads": {"bytes": 4, "filename": "a", "mime_type": "text/plain", "purpose": "evals"},
    "complete": {"part_ids": ["part_x"]},
    "run": {"grader": GRADER, "model_sample": "x", "item": {}},
    "validate": {"grader": GRADER},
    "completions": {"messages": [{"role": "user", "content": "x"}]},
}
"""By the last segment of a path; one or two of their fields are replaced."""
RANDOM_TEXT = st.text(max_size=20) | st.sampled_from(["\ud800", "\x00", "{{", "../../etc", "%00"])
RANDOM_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        RANDOM_TEXT,
        st.sampled_from(VALID_VALUES),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(RANDOM_TEXT, inner, max_size=3),
    max_leaves=8,
)


@dataclass(frozen=True)
class Route:
    """An endpoint, as the engine's schema describes it.

    Attributes:
        queries: names of its query parameters.
        fields: names of the fields of its body.
    """

    path: str
    method: str
    queries: list[str]
    fields: list[str]


def routes_of(engine: InProcessEngine) -> list[Route]:
    schema = engine.app.openapi()

    def fields(call: dict[str, Any]) -> list[str]:
        names: list[str] = []
        for content in call.get("requestBody", {}).get("content", {}).values():
            name = content["schema"]["$ref"].rpartition("/")[2]
            names += schema["components"]["schemas"][name]["properties"]
        return names

    return [
        Route(
            path,
            method.upper(),
            [item["name"] for item in call.get("parameters", ()) if item["in"] == "query"],
            fields(call),
        )
        for path, calls in schema["paths"].items()
        for method, call in calls.items()
    ]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> InProcessEngine:
    return InProcessEngine(tmp_path_factory.mktemp("wild") / "home")


@pytest.fixture(scope="module")
def ids(engine: InProcessEngine) -> list[str]:
    """Ids of existing objects, and the name of a missing model."""

    async def create() -> list[str]:
        rows = "".join(json.dumps(row) + "\n" for row in good_rows()).encode()
        async with engine.client() as client:
            file = await client.files.create(file=("a.jsonl", rows), purpose="fine-tune")
            job = await client.fine_tuning.jobs.create(model="org/name", training_file=file.id)
            upload = await client.uploads.create(
                bytes=4, filename="a", mime_type="text/plain", purpose="evals"
            )
            part = await client.uploads.parts.create(upload_id=upload.id, data=b"four")
        return [file.id, job.id, upload.id, part.id, "org/name", "ft:name:ftui:0:ckpt-step-3"]

    return asyncio.run(create())


@st.composite
def requests(draw: st.DrawFn, routes: list[Route], ids: list[str]) -> dict[str, Any]:
    """A request that is more or less valid."""
    route = draw(
        st.sampled_from(routes) | st.sampled_from([route for route in routes if route.fields])
    )
    hostile = st.sampled_from(["%ED%A0%80", "%00", "%FF", "..%2F..%2Fetc"])
    segment = st.text(min_size=1, max_size=9).map(lambda text: quote(text, safe=""))
    path = route.path
    while "{" in path:
        before, _, rest = path.partition("{")
        path = before + draw(st.sampled_from(ids) | hostile | segment) + rest.partition("}")[2]
    query = st.dictionaries(
        st.sampled_from([*route.queries, "metadata[k]", "colour"]),
        st.sampled_from(["", "0", "1", "-1", "9" * 30, "null", *ids]) | st.text(max_size=5),
        max_size=2 if route.queries else draw(st.integers(0, 1)),
    )
    request: dict[str, Any] = {"method": route.method, "url": path, "params": draw(query)}
    return request | draw(bodies(route, ids)) if route.method == "POST" else request


def bodies(route: Route, ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """A body as JSON, as a form, or as random bytes."""
    value = st.sampled_from([*ids, *VALID_VALUES]) | RANDOM_TEXT | RANDOM_JSON
    valid = VALID_BODIES.get(route.path.rpartition("/")[2], {}) | {"training_file": ids[0]}
    valid = {name: field for name, field in valid.items() if name in route.fields}
    # No chat request may name an existing model, which would be loaded.
    fixed = {"model": "gpt-none"} if route.path.endswith("/completions") else {}
    fields = {name: value for name in route.fields if name not in fixed}
    form = st.text(alphabet="abc0123-", max_size=9) | st.sampled_from(["fine-tune", "3600"])
    files = st.fixed_dictionaries({}, optional={n: st.binary(max_size=9) for n in ("file", "data")})
    return st.one_of(
        st.dictionaries(st.sampled_from([*fields, "x"]), value, min_size=1, max_size=2).map(
            lambda changes: _json(valid | changes | fixed)
        ),
        st.fixed_dictionaries({}, optional=fields).map(lambda body: _json(body | fixed)),
        RANDOM_JSON.map(_json),
        st.binary(max_size=30).map(lambda body: {"content": body} | JSON),
        st.just({"content": b"[" * 100_000} | JSON),
        st.tuples(st.fixed_dictionaries({}, optional=dict.fromkeys(fields, form)), files).map(
            lambda multipart: {"data": multipart[0], "files": multipart[1]}
        ),
    )


def _json(body: object) -> dict[str, Any]:
    return {"content": json.dumps(body).encode()} | JSON


async def send(engine: InProcessEngine, request: dict[str, Any]) -> httpx2.Response:
    async with engine.http() as http:
        return await http.request(**request)


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_request_gets_a_response_or_the_error_envelope(
    engine: InProcessEngine, ids: list[str], data: st.DataObject
) -> None:
    request = data.draw(requests(routes_of(engine), ids))
    answer = asyncio.run(send(engine, request))
    assert answer.status_code < 500
    if answer.status_code < 400:
        return
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    error = ErrorObject.model_validate(body["error"])
    assert error.message.strip()
    assert error.type == "invalid_request_error"
