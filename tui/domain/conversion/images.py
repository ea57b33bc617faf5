"""Images in a field of their own, moved into the messages and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tui.domain.rows.formats import Row

MARK = "<image>"
"""Placeholder of an image in ShareGPT's texts."""


def placed_images(messages: list[Row], images: Any) -> list[Row] | str:
    """Messages with a row's images in their places, or the reason why that is impossible.

    A place is `<image>` in a text or a part `{"type": "image"}`. Without any place, the images go
    to the start of the user's first message, as in TRL.

    Args:
        messages: the conversation.
        images: the value of `images`: addresses, or objects with `url` or `path`.
    """
    if not images:
        return [_fill_places(message, iter(())) for message in messages]
    urls = [_url(image) for image in (images if isinstance(images, list) else [images])]
    if None in urls:
        return "`images` is not a list of addresses."
    places = sum(map(_places, messages))
    if not places:
        return _prepend_images(messages, [image_part(str(url)) for url in urls])
    if places != len(urls):
        return f"Images and their placeholders differ in number: {len(urls)} and {places}."
    remaining = iter([image_part(str(url)) for url in urls])
    return [_fill_places(message, remaining) for message in messages]


def row_images(row: Row) -> Any:
    """The images beside the messages of a row: `images`, or a single `image`."""
    return row.get("images") or row.get("image")


def image_part(url: str) -> Row:
    """An image as a part of a message, in OpenAI's format."""
    return {"type": "image_url", "image_url": {"url": url}}


def text_and_images(content: Any) -> tuple[str, list[str]] | None:
    """Content as text with `<image>` marks, and the addresses; None where data would be lost."""
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list) or not content:
        return None
    text, urls = "", []
    kinds = [part.get("type") if isinstance(part, dict) else None for part in content]
    for part, kind, before in zip(content, kinds, [None, *kinds], strict=False):
        if kind == "text" and before != "text" and part.keys() == {"type", "text"}:
            if not part["text"] or MARK in str(part["text"]):
                return None
            text += str(part["text"])
        elif kind == "image_url" and _only_url(part):
            text += MARK
            urls.append(part["image_url"]["url"])
        else:
            return None
    return (text, urls) if urls else None


def _only_url(part: Row) -> bool:
    image = part.get("image_url")
    return isinstance(image, dict) and image.keys() == {"url"} and isinstance(image["url"], str)


def _url(image: Any) -> str | None:
    """The address of an image, which may be bare or in an object."""
    if isinstance(image, dict):
        image = next((image[key] for key in ("url", "path", "image") if image.get(key)), None)
    return image if isinstance(image, str) and image else None


def _places(message: Row) -> int:
    """Number of places for images in a message."""
    content = message.get("content")
    if isinstance(content, str):
        return content.count(MARK)
    return sum(map(_is_place, content)) if isinstance(content, list) else 0


def _is_place(part: Any) -> bool:
    return isinstance(part, dict) and part == {"type": "image"}


def _fill_places(message: Row, images: Iterator[Row]) -> Row:
    """A message with the next images in its places, and its own images in OpenAI's form."""
    content = message.get("content")
    if isinstance(content, str) and MARK in content:
        parts = list(_split(content, images))
        return message if parts == [_text(content)] else {**message, "content": parts}
    if not isinstance(content, list):
        return message
    return {**message, "content": [_fill_part(part, images) for part in content]}


def _fill_part(part: Any, images: Iterator[Row]) -> Any:
    if _is_place(part):
        return next(images, part)
    own = _url(part) if isinstance(part, dict) and part.get("type") == "image" else None
    return image_part(own) if own else part


def _split(text: str, images: Iterator[Row]) -> Iterator[Row]:
    """Split a text at its marks with an image at each; a mark stays where no image is left."""
    pending = ""
    for number, piece in enumerate(text.split(MARK)):
        image = next(images, None) if number else None
        if image is None:
            pending += (MARK if number else "") + piece
            continue
        if pending:
            yield _text(pending)
        yield image
        pending = piece
    if pending:
        yield _text(pending)


def _prepend_images(messages: list[Row], images: list[Row]) -> list[Row] | str:
    """Messages with images at the start of the user's first message."""
    for index, message in enumerate(messages):
        if message.get("role") == "user":
            content = message.get("content")
            own_parts = [_text(content)] if isinstance(content, str) and content else content
            parts = [*images, *(own_parts if isinstance(own_parts, list) else ())]
            return [*messages[:index], {**message, "content": parts}, *messages[index + 1 :]]
    return "The row has `images` but no user message."


def _text(text: str) -> Row:
    return {"type": "text", "text": text}
