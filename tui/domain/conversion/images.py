"""Images that other formats keep beside the conversation: put into its messages, and out again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tui.domain.rows.formats import Row

MARK = "<image>"
"""Where an image stands in ShareGPT's texts."""


def placed_images(messages: list[Row], images: Any) -> list[Row] | str:
    """Messages with a row's images in their places, or why that cannot be.

    An image stands at `<image>` in a text or at a part `{"type": "image"}`; where there is no such
    place at all, images open the user's first message, as TRL does it.

    Args:
        messages: the conversation.
        images: what stands under `images`: addresses, or objects with `url` or `path`.
    """
    if not images:
        return [_filled(message, iter(())) for message in messages]
    urls = [_url(image) for image in (images if isinstance(images, list) else [images])]
    if None in urls:
        return "`images` is not a list of addresses."
    places = sum(map(_places, messages))
    if not places:
        return _opened(messages, [image_part(str(url)) for url in urls])
    if places != len(urls):
        return f"The row has {len(urls)} in `images` for {places} places in its messages."
    coming = iter([image_part(str(url)) for url in urls])
    return [_filled(message, coming) for message in messages]


def image_part(url: str) -> Row:
    """An image as a part of a message, in OpenAI's format."""
    return {"type": "image_url", "image_url": {"url": url}}


def text_and_images(content: Any) -> tuple[str, list[str]] | None:
    """Content as one text with `<image>` in it, and the images' addresses; None where it loses."""
    if isinstance(content, str):
        return content, []
    if not isinstance(content, list) or not content:
        return None
    told, urls = "", []
    kinds = [part.get("type") if isinstance(part, dict) else None for part in content]
    for part, kind, before in zip(content, kinds, [None, *kinds], strict=False):
        if kind == "text" and before != "text" and part.keys() == {"type", "text"}:
            if not part["text"] or MARK in str(part["text"]):
                return None
            told += str(part["text"])
        elif kind == "image_url" and _only_url(part):
            told += MARK
            urls.append(part["image_url"]["url"])
        else:
            return None
    return (told, urls) if urls else None


def _only_url(part: Row) -> bool:
    image = part.get("image_url")
    return isinstance(image, dict) and image.keys() == {"url"} and isinstance(image["url"], str)


def _url(image: Any) -> str | None:
    """The address of an image; data sets write it bare, or in an object."""
    if isinstance(image, dict):
        image = next((image[key] for key in ("url", "path", "image") if image.get(key)), None)
    return image if isinstance(image, str) and image else None


def _places(message: Row) -> int:
    """Places for images in a message."""
    content = message.get("content")
    if isinstance(content, str):
        return content.count(MARK)
    return sum(map(_is_place, content)) if isinstance(content, list) else 0


def _is_place(part: Any) -> bool:
    return isinstance(part, dict) and part == {"type": "image"}


def _filled(message: Row, images: Iterator[Row]) -> Row:
    """A message with the coming images in its places; its own images as OpenAI writes them."""
    content = message.get("content")
    if isinstance(content, str) and MARK in content:
        parts = list(_split(content, images))
        return message if parts == [_text(content)] else {**message, "content": parts}
    if not isinstance(content, list):
        return message
    return {**message, "content": [_filled_part(part, images) for part in content]}


def _filled_part(part: Any, images: Iterator[Row]) -> Any:
    if _is_place(part):
        return next(images, part)
    own = _url(part) if isinstance(part, dict) and part.get("type") == "image" else None
    return image_part(own) if own else part


def _split(text: str, images: Iterator[Row]) -> Iterator[Row]:
    """The pieces of a text around its marks, and an image at each; no image leaves the mark."""
    kept = ""
    for number, piece in enumerate(text.split(MARK)):
        image = next(images, None) if number else None
        if image is None:
            kept += (MARK if number else "") + piece
            continue
        if kept:
            yield _text(kept)
        yield image
        kept = piece
    if kept:
        yield _text(kept)


def _opened(messages: list[Row], images: list[Row]) -> list[Row] | str:
    """Messages whose first one of the user begins with images."""
    for index, message in enumerate(messages):
        if message.get("role") == "user":
            content = message.get("content")
            said = [_text(content)] if isinstance(content, str) and content else content
            parts = [*images, *(said if isinstance(said, list) else ())]
            return [*messages[:index], {**message, "content": parts}, *messages[index + 1 :]]
    return "The row has `images`, but no message of the user for them."


def _text(text: str) -> Row:
    return {"type": "text", "text": text}
