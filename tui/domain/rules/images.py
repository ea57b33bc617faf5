"""Rules for images in the content of messages."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tui.domain.rows.parsing import Finding
from tui.domain.rows.problems import quote

MOST_IMAGES = 10
"""Maximum number of images per example at OpenAI and Together."""
LARGEST_IMAGE = 10_000_000
"""Maximum size of one image in bytes at OpenAI and Together."""

_MAGIC = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/jpg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
}


@dataclass(frozen=True, slots=True)
class ImageRules:
    """What one service accepts as an image.

    Attributes:
        inline_only: whether images must be base64 in the row.
        objects_only: whether an image must be a part of type `image_url` with an object; others
            also accept parts of type `image`, and `image_url` with the URL alone.
        details: the known values of `detail`; empty where it is not checked.
    """

    inline_only: bool = False
    objects_only: bool = False
    details: frozenset[str] = frozenset()


ANY_IMAGES = ImageRules()
"""The rules that all services share."""


def check_images(
    parts: Sequence[tuple[str, dict[str, Any]]], rules: ImageRules, service: str
) -> Iterator[Finding]:
    """Check the images of a row.

    Args:
        parts: the content parts of all messages with their places.
        rules: those of the service.
        service: its display name.
    """
    if rules.objects_only:
        yield from _check_form(parts, service)
    images = [(where, part) for where, part in parts if part.get("type") == "image_url"]
    if len(images) > MOST_IMAGES:
        text = f"The row has {len(images)} images; services accept at most {MOST_IMAGES}."
        yield "too-many-images", "", text
    for where, part in images:
        image = part.get("image_url")
        error = _image_error(image, service if rules.inline_only else "")
        if error:
            yield "bad-image", f"{where}.image_url", error
        if rules.details and isinstance(image, dict):
            yield from _check_detail(image.get("detail"), rules, f"{where}.image_url.detail")


def _check_form(parts: Sequence[tuple[str, dict[str, Any]]], service: str) -> Iterator[Finding]:
    for where, part in parts:
        image = part.get("image_url")
        if part.get("type") == "image":
            text = f'{service} does not know parts of type "image"; images are "image_url".'
            yield "bad-part", f"{where}.type", text
        elif part.get("type") == "image_url" and isinstance(image, str):
            text = f'`image_url` is a string; {service} requires an object: {{"url": ...}}.'
            yield "bad-image", f"{where}.image_url", text


def _check_detail(detail: Any, rules: ImageRules, where: str) -> Iterator[Finding]:
    if detail is not None and not (isinstance(detail, str) and detail in rules.details):
        known = ", ".join(sorted(rules.details))
        yield "bad-image", where, f"The detail {quote(detail)} is unknown; use {known}."


def image_type(data: bytes) -> str | None:
    """The media type of an image that services accept, from its first bytes."""
    return next((kind for kind, magic in _MAGIC.items() if data.startswith(magic)), None)


def _image_error(image: Any, inline_only: str) -> str | None:
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str) or not url:
        return "The image has no URL in `image_url.url`."
    if url.startswith("data:"):
        return _inline_image_error(url)
    if not url.startswith(("https://", "http://")):
        return f"{quote(url)} is neither an https URL nor data:image/...;base64,..."
    return f"{inline_only} accepts images only as base64 in the row." if inline_only else None


def _inline_image_error(url: str) -> str | None:
    head, _, payload = url[len("data:") :].partition(",")
    kind, _, encoding = head.partition(";")
    magic = _MAGIC.get(kind.lower())
    if magic is None:
        return f"The image type {quote(kind)} is not JPEG, PNG or WEBP."
    if encoding != "base64" or not payload:
        return "The image is not base64."
    if len(payload) // 4 * 3 > LARGEST_IMAGE:
        return f"The image has {len(payload) // 4 * 3 / 1e6:.1f} MB; services accept at most 10 MB."
    try:
        data = binascii.a2b_base64(payload, strict_mode=True)
    except (binascii.Error, ValueError):
        return "The base64 of the image is invalid."
    return None if data.startswith(magic) else f"The image data is not {kind}."
