"""Models in memory for answering: loaded in a thread of their own, tuned ones merged, few kept."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tui.domain.providers.model_names import ModelSource
from tui.engine.answering.grammars import Vocabulary
from tui.engine.answering.kv_cache import layer_types
from tui.engine.answering.out_of_memory import is_out_of_memory
from tui.engine.base_models import local_folder
from tui.engine.home import Home
from tui.engine.model_download import ModelUnavailable
from tui.engine.training.resources.device import pick_device, pick_precision, torch_dtype

_KEPT = 3
"""Models that stay in memory: a base and two results of it are what is compared."""

Key = tuple[ModelSource, str | None]
"""A base model and the folder of an adapter."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model that can answer.

    Attributes:
        model: with the adapter merged into its weights.
        tokenizer: with a chat template.
        ends: ids of the tokens that end an answer.
    """

    model: Any
    tokenizer: Any
    ends: frozenset[int]

    @property
    def longest(self) -> int:
        """Tokens that it can take, question and answer together."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", None) or 4096)

    @property
    def width(self) -> int:
        """How many logits it gives: one for each token, and perhaps some without one."""
        return int(self.model.config.get_text_config().vocab_size)

    @property
    def shares_beginnings(self) -> bool:
        """Whether prompts that begin alike can share what was read of their beginning.

        A window counts columns, and shared columns stand apart from what follows them.
        """
        return layer_types(self.model.config) == {"full_attention"}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Its tokens as bytes.

        Raises:
            GrammarError: its tokenizer cannot be read.
        """
        return Vocabulary(self.tokenizer, self.width, self.ends)


class Shelf:
    """The models in memory, the least recently used one leaving first."""

    def __init__(self, home: Home, *, kept: int = _KEPT) -> None:
        """An empty shelf.

        Args:
            home: where the base models are.
            kept: how many models stay in memory.
        """
        self._home = home
        self._kept = kept
        self._lock = threading.Lock()
        self._models: OrderedDict[Key, Future[Loaded]] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def get(self, key: Key, when_there: Callable[[], None]) -> Loaded | None:
        """The model, or None while it is being loaded.

        Args:
            key: which.
            when_there: is called once, from another thread, when a model that was not there is
                loaded or failed.

        Raises:
            ModelUnavailable: it cannot be loaded.
        """
        with self._lock:
            future = self._models.get(key)
            if future is None:
                future = self._models[key] = self._start_loading(key)
                future.add_done_callback(lambda _: when_there())
            self._models.move_to_end(key)
            if not future.done():
                return None
            error = future.exception()
            if error is None:
                self._make_room(key)
                return future.result()
            del self._models[key]
        if isinstance(error, ModelUnavailable):
            raise error
        traceback.print_exception(error, file=sys.stderr)
        if is_out_of_memory(error):
            raise ModelUnavailable(
                f"The memory is not enough to load the model {key[0].name} beside what is there. "
                "Ask again when less is going on, or take a smaller model."
            ) from error
        raise ModelUnavailable(f"The model cannot be loaded: {error}") from error

    def _start_loading(self, key: Key) -> Future[Loaded]:
        """Load in a thread that ends with it.

        One that stayed would keep its part of OpenMP's threads; with more of these than cores they
        hardly wait for each other awake, and every step of an answer would take a third longer.
        """
        loading = ThreadPoolExecutor(max_workers=1)
        future = loading.submit(self._load_alone, key)
        loading.shutdown(wait=False)
        return future

    def _load_alone(self, key: Key) -> Loaded:
        with self._one_at_a_time:
            return self._load(key)

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
            raise ModelUnavailable(
                f"The model {base.name} has no chat template: it is no chat model."
            )
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch_dtype(pick_precision(device)), use_safetensors=True, **where
        )
        if adapter is not None:
            model = _merged(model, Path(adapter))
        model = model.to(device).eval()
        return Loaded(model, tokenizer, _ends(model, tokenizer))


def _merged(model: Any, adapter: Path) -> Any:
    """The model with the adapter in its weights: answers come faster than with it beside them."""
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(model, adapter, local_files_only=True)
    return tuned.merge_and_unload()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ends = configured if isinstance(configured, list) else [configured]
    return frozenset(end for end in (*ends, tokenizer.eos_token_id) if end is not None)
