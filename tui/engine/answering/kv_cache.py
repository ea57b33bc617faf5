"""What attention remembers of a batch: rows leave and join, columns that nobody needs go."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

_ROOM = 64
"""Columns that are allocated ahead, so that a step does not copy all that came before."""

_ATTENTION = {"full_attention", "sliding_attention", "chunked_attention"}


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, (rows, heads, columns, size), with room for more columns.

    Layers with a sliding window keep all columns too: the window is in the attention mask, and rows
    of different lengths can then stand beside each other.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._room: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add columns; gives all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        begin, end = self.keys.shape[-2], self.keys.shape[-2] + key_states.shape[-2]
        if self._room is None or end > self._room[0].shape[-2]:
            more = (0, 0, 0, end - begin + _ROOM)
            self._room = pad(self.keys, more), pad(self.values, more)
        keys, values = self._room
        keys[:, :, begin:end] = key_states
        values[:, :, begin:end] = value_states
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def keep(self, rows: torch.Tensor, columns: torch.Tensor) -> None:
        """Keep some rows (one may be named several times) and columns."""
        self._set(*(side[rows][:, :, columns] for side in (self.keys, self.values)))

    def absorb(self, other: RoomyLayer) -> None:
        """Take the rows of another in; the shorter of both is filled up on its left."""
        width = max(self.keys.shape[-2], other.keys.shape[-2])
        pairs = (self.keys, other.keys), (self.values, other.values)
        # The filling is zeros: the mask gives it no weight, but none of nothing is not a number.
        self._set(*(torch.cat([_widened(side, width) for side in pair]) for pair in pairs))

    def _set(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        self.keys, self.values, self._room = keys, values, None


def _widened(side: torch.Tensor, width: int) -> torch.Tensor:
    return pad(side, (0, 0, width - side.shape[-2], 0))


def layer_types(config: Any) -> set[str]:
    """The kinds of layers of a model."""
    text = config.get_text_config()
    if getattr(text, "layer_types", None):
        return set(text.layer_types)
    return {"sliding_attention" if getattr(text, "sliding_window", None) else "full_attention"}


def new_cache(config: Any) -> Cache:
    """An empty cache for a model; one of `RoomyLayer`s unless it has more than attention."""
    if layer_types(config) <= _ATTENTION:
        return Cache(layer_class_to_replicate=RoomyLayer)
    return DynamicCache(config=config)


def can_grow(cache: Cache) -> bool:
    """Whether rows can join, and columns go."""
    return all(isinstance(layer, RoomyLayer) for layer in cache.layers)


def keep(cache: Cache, rows: torch.Tensor, columns: torch.Tensor) -> None:
    """Keep some rows and columns of all layers; where columns cannot go they all stay."""
    if not can_grow(cache):
        cache.reorder_cache(rows)
        return
    for layer in cache.layers:
        layer.keep(rows, columns)


def absorb(cache: Cache, other: Cache) -> None:
    """Take the rows of another cache in."""
    for layer, joining in zip(cache.layers, other.layers, strict=True):
        layer.absorb(joining)
