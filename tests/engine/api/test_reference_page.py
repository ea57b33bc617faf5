"""The API reference: complete, and readable without a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.engine.in_process_engine import InProcessEngine


@pytest.fixture
def engine(tmp_path: Path) -> InProcessEngine:
    return InProcessEngine(tmp_path / "home")


def calls(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, call)
        for path, methods in schema["paths"].items()
        for method, call in methods.items()
    ]


def test_every_endpoint_has_a_name_a_tag_a_description_a_response_and_the_error_envelope(
    engine: InProcessEngine,
) -> None:
    schema = engine.app.openapi()
    names = [call["operationId"] for _, _, call in calls(schema)]
    assert len(set(names)) == len(names)
    expected = {"create_file", "complete_upload", "create_job", "list_events", "run_grader"}
    assert expected | {"create_completion"} <= {*names}
    for method, path, call in calls(schema):
        assert call.get("description"), (method, path)
        assert call.get("tags"), (method, path)
        assert "422" not in call["responses"]
        envelope = call["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"]
        assert envelope.endswith("/ErrorBody")
        if path.startswith("/v1/") and "permissions" not in path and "content" not in path:
            assert "$ref" in call["responses"]["200"]["content"]["application/json"]["schema"]
    error = schema["components"]["schemas"]["ErrorObject"]["properties"]
    assert {"message", "type", "param", "code"} <= error.keys()


async def test_the_page_needs_the_token_and_loads_no_remote_resources(
    engine: InProcessEngine,
) -> None:
    async with engine.http() as http:
        assert (await http.get("/openapi.json")).json() == engine.app.openapi()
        page = await http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for _, path, _ in calls(engine.app.openapi()):
        assert path in page.text
    assert not re.search(r"<script|https?://|src=|url\(", page.text.replace("https://", ""))
    transport = httpx2.ASGITransport(engine.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://engine:8000") as stranger:
        for path in ("/openapi.json", "/docs"):
            response = await stranger.get(path)
            assert response.status_code == 401
            assert response.json()["error"]["code"] == "invalid_api_key"
