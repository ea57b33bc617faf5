"""Models in memory for answering: loaded in a thread of their own, tuned ones merged, few kept."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.domain.model_names import ModelSource
from tui.engine.base_models import local_folder
from tui.engine.device import pick_device, pick_precision, torch_dtype
from tui.engine.fetching import FetchError
from tui.engine.home import Home

_KEPT = 3
"""Models that stay in memory: a base and two results of it are what is compared."""

Key = tuple[ModelSource, str | None]
"""A base model and the folder of an adapter."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that can answer.

    Attributes:
        model: with the adapter merged into its weights.
        tokenizer: with a chat template.
        ends: ids of the tokens that end an answer.
        longest: tokens that it can take, question and answer together.
    """

    model: Any
    tokenizer: Any
    ends: frozenset[int]
    longest: int


class Shelf:
    """The models in memory, the least recently used one leaving first."""

    def __init__(self, home: Home, when_loaded: Callable[[], None], *, kept: int = _KEPT) -> None:
        """An empty shelf.

        Args:
            home: where the base models are.
            when_loaded: is called, from the loading thread, when a model is there or failed.
            kept: how many models stay in memory.
        """
        self._home = home
        self._when_loaded = when_loaded
        self._kept = kept
        self._lock = threading.Lock()
        self._models: OrderedDict[Key, Future[Loaded]] = OrderedDict()
        self._loading = ThreadPoolExecutor(max_workers=1)

    def get(self, key: Key) -> Loaded | None:
        """The model, or None while it is being loaded.

        Raises:
            FetchError: it cannot be loaded.
        """
        with self._lock:
            future = self._models.get(key)
            if future is None:
                future = self._models[key] = self._loading.submit(self._load, key)
                future.add_done_callback(lambda _: self._when_loaded())
            self._models.move_to_end(key)
            if not future.done():
                return None
            error = future.exception()
            if error is None:
                self._make_room(key)
                return future.result()
            del self._models[key]
        if isinstance(error, FetchError):
            raise error
        traceback.print_exception(error, file=sys.stderr)
        raise FetchError(f"The model cannot be loaded: {error}") from error

    def _make_room(self, used: Key) -> None:
        for key in list(self._models):
            if len(self._models) <= self._kept:
                return
            if key != used and self._models[key].done():
                del self._models[key]

    def _load(self, key: Key) -> Loaded:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        base, adapter = key
        folder = local_folder(base, self._home, lambda said: print(said, file=sys.stderr))  # noqa: T201
        device = pick_device()
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(folder, **where)
        if not tokenizer.chat_template:
            raise FetchError(f"The model {base.name} has no chat template: it is no chat model.")
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch_dtype(pick_precision(device)), use_safetensors=True, **where
        )
        if adapter is not None:
            model = _merged(model, Path(adapter))
        model = model.to(device).eval()
        return Loaded(model, tokenizer, _ends(model, tokenizer), _longest(model))


def _merged(model: Any, adapter: Path) -> Any:
    """The model with the adapter in its weights: answers come faster than with it beside them."""
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(model, adapter, local_files_only=True)
    return tuned.merge_and_unload()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    return frozenset(end for end in (*ends, tokenizer.eos_token_id) if end is not None)


def _longest(model: Any) -> int:
    return int(getattr(model.config, "max_position_embeddings", None) or 4096)
