"""The key-value cache of a batch: rows join and leave, columns that no row needs are dropped."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

_SPARE_COLUMNS = 64
"""Columns that are allocated ahead, so that a step does not copy all earlier ones."""

_ATTENTION = {"full_attention", "sliding_attention", "chunked_attention"}


class PreallocatedLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of one layer, (rows, heads, columns, size), with room for more columns.

    Layers with a sliding window keep all columns too: the window is in the attention mask, so rows
    of different lengths can share a batch.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append columns; returns the keys and values of all columns."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        begin, end = self.keys.shape[-2], self.keys.shape[-2] + key_states.shape[-2]
        if self._buffers is None or end > self._buffers[0].shape[-2]:
            padding = (0, 0, 0, end - begin + _SPARE_COLUMNS)
            self._buffers = pad(self.keys, padding), pad(self.values, padding)
        keys, values = self._buffers
        keys[:, :, begin:end] = key_states
        values[:, :, begin:end] = value_states
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def select(self, rows: torch.Tensor, columns: torch.Tensor) -> None:
        """Keep these rows, repeats allowed, and these columns."""
        self._set(*(side[rows][:, :, columns] for side in (self.keys, self.values)))

    def absorb(self, other: PreallocatedLayer) -> None:
        """Append the rows of another layer; the shorter of both is padded on the left."""
        width = max(self.keys.shape[-2], other.keys.shape[-2])
        pairs = (self.keys, other.keys), (self.values, other.values)
        # Zeros, since the mask gives padding no weight, but zero times NaN would still be NaN.
        self._set(*(torch.cat([_pad_left(side, width) for side in pair]) for pair in pairs))

    def _set(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        self.keys, self.values, self._buffers = keys, values, None


def _pad_left(side: torch.Tensor, width: int) -> torch.Tensor:
    return pad(side, (0, 0, width - side.shape[-2], 0))


def layer_types(config: Any) -> set[str]:
    """Return the kinds of layers of a model."""
    text = config.get_text_config()
    if getattr(text, "layer_types", None):
        return set(text.layer_types)
    return {"sliding_attention" if getattr(text, "sliding_window", None) else "full_attention"}


def new_cache(config: Any) -> Cache:
    """Return an empty cache: of `PreallocatedLayer`s if the model has only attention layers."""
    if layer_types(config) <= _ATTENTION:
        return Cache(layer_class_to_replicate=PreallocatedLayer)
    return DynamicCache(config=config)


def can_grow(cache: Cache) -> bool:
    """Whether rows can join and columns can be dropped."""
    return all(isinstance(layer, PreallocatedLayer) for layer in cache.layers)


def select(cache: Cache, rows: torch.Tensor, columns: torch.Tensor) -> None:
    """Keep these rows and columns of all layers; all columns where they cannot be dropped."""
    if not can_grow(cache):
        cache.reorder_cache(rows)
        return
    for layer in cache.layers:
        layer.select(rows, columns)


def absorb(cache: Cache, other: Cache) -> None:
    """Append the rows of another cache."""
    for layer, addition in zip(cache.layers, other.layers, strict=True):
        layer.absorb(addition)
