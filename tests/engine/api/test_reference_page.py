"""The description of the API: true, whole, and readable without a network."""

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


def calls(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, call)
        for path, methods in described["paths"].items()
        for method, call in methods.items()
    ]


def test_every_call_has_a_name_a_tag_words_an_answer_and_the_envelope(
    engine: InProcessEngine,
) -> None:
    described = engine.app.openapi()
    names = [call["operationId"] for _, _, call in calls(described)]
    assert len(set(names)) == len(names)
    expected = {"create_file", "complete_upload", "create_job", "list_events", "run_grader"}
    assert expected | {"create_completion"} <= {*names}
    for method, path, call in calls(described):
        assert call.get("description"), (method, path)
        assert call.get("tags"), (method, path)
        assert "422" not in call["responses"]
        envelope = call["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"]
        assert envelope.endswith("/ErrorBody")
        if path.startswith("/v1/") and "permissions" not in path and "content" not in path:
            assert "$ref" in call["responses"]["200"]["content"]["application/json"]["schema"]
    error = described["components"]["schemas"]["ErrorObject"]["properties"]
    assert {"message", "type", "param", "code"} <= error.keys()


async def test_it_is_served_to_those_who_may_ask_and_fetches_nothing(
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
            refused = await stranger.get(path)
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"
