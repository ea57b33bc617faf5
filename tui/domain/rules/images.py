"""Rules for images in the content of messages."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
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


def check_images(
    parts: Sequence[tuple[str, dict[str, Any]]], inline_only: str = ""
) -> Iterator[Finding]:
    """Check the images of a row.

    Args:
        parts: the content parts of all messages with their places.
        inline_only: name of the service that takes images as base64 only; empty otherwise.
    """
    images = [(where, part) for where, part in parts if part.get("type") == "image_url"]
    if len(images) > MOST_IMAGES:
        text = f"The row has {len(images)} images; services accept at most {MOST_IMAGES}."
        yield "too-many-images", "", text
    for where, part in images:
        error = _image_error(part.get("image_url"), inline_only)
        if error:
            yield "bad-image", f"{where}.image_url", error


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
