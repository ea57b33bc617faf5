"""`/docs`: the API reference as one page of plain HTML, without scripts or remote resources."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter()

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font-family:monospace}td,th{text-align:left;vertical-align:top;padding-right:1.5rem}"
)


@router.get("/docs", include_in_schema=False)
def reference(request: Request) -> HTMLResponse:
    """Return `/openapi.json` as a readable page."""
    return HTMLResponse("".join(_page(request.app.openapi())))


def _page(schema: dict[str, Any]) -> Iterator[str]:
    info = schema["info"]
    yield f"<!doctype html><meta charset=utf-8><title>{escape(info['title'])}</title>"
    yield f"<style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
    yield f"<p>{escape(info['description'])} Machine-readable: <code>/openapi.json</code>."
    for path, calls in schema["paths"].items():
        for method, call in calls.items():
            yield from _call(f"{method.upper()} {path}", call)
    yield "<h2>Types</h2>"
    for name, definition in sorted(schema["components"]["schemas"].items()):
        yield f'<h3 id="{escape(name)}">{escape(name)}</h3>'
        yield f"<p>{escape(definition.get('description', ''))}"
        required = definition.get("required", ())
        yield from _table(
            (name, _type(field), name in required, field.get("description", ""))
            for name, field in definition.get("properties", {}).items()
        )


def _call(title: str, call: dict[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{escape(title)}</code></h2><p>{escape(call.get('description', ''))}"
    yield from _table(
        (item["name"], _type(item["schema"]), item["required"], f"in {item['in']}")
        for item in call.get("parameters", ())
    )
    for kind, content in call.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body, <code>{escape(kind)}</code>: {_type(content['schema'])}"
    for content in call["responses"].get("200", {}).get("content", {}).values():
        yield f"<p>Returns: {_type(content.get('schema', {}))}"


def _table(rows: Iterator[tuple[str, str, bool, str]]) -> Iterator[str]:
    """Render rows of name, type (HTML), whether it is required, and description."""
    yield "<table>"
    for name, type_html, required, description in rows:
        mark = "required" if required else ""
        yield f"<tr><td><code>{escape(name)}</code><td>{type_html}<td>{mark}"
        yield f"<td>{escape(description)}"
    yield "</table>"


def _type(schema: dict[str, Any]) -> str:
    """Describe a type in HTML."""
    if reference := schema.get("$ref"):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(map(_type, options))
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "maxLength": "up to"}
    ranges = [f"{word} {schema[key]:,}" for key, word in limits.items() if key in schema]
    return escape(" ".join([schema.get("type", "anything"), *ranges]))
