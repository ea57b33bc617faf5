"""The models in memory: loaded in the background, adapters merged, the least used evicted."""

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
from tui.engine.base_models import local_folder
from tui.engine.home import Home
from tui.engine.model_download import ModelUnavailable
from tui.engine.training.planning.device import pick_device, pick_precision, torch_dtype

_CAPACITY = 3
"""Models that stay in memory: a base model and two results of it are what people compare."""

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
"""What the messages of allocators contain."""

Key = tuple[ModelSource, str | None]
"""A base model and the folder of an adapter."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready for inference.

    Attributes:
        model: with the adapter merged into its weights.
        tokenizer: with a chat template.
        end_ids: ids of the tokens that end an answer.
    """

    model: Any
    tokenizer: Any
    end_ids: frozenset[int]

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together that it supports."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", None) or 4096)

    @property
    def vocabulary_size(self) -> int:
        """How many logits it gives: one for each token, and perhaps some for padding."""
        return int(self.model.config.get_text_config().vocab_size)

    @property
    def can_share_prefixes(self) -> bool:
        """Whether a common prefix of several prompts may be read once.

        A sliding window counts columns, and padding separates a shared prefix from what follows.
        """
        return layer_types(self.model.config) == {"full_attention"}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Its tokens as bytes.

        Raises:
            GrammarError: the kind of tokenizer is not supported.
        """
        return Vocabulary(self.tokenizer, self.vocabulary_size, self.end_ids)


class ModelCache:
    """The models in memory; the least recently used is evicted first."""

    def __init__(self, home: Home, *, capacity: int = _CAPACITY) -> None:
        """Start empty.

        Args:
            home: where the base models are.
            capacity: how many models stay in memory.
        """
        self._home = home
        self._capacity = capacity
        self._lock = threading.Lock()
        self._models: OrderedDict[Key, Future[LoadedModel]] = OrderedDict()
        self._loading_lock = threading.Lock()

    def get(self, key: Key, on_loaded: Callable[[], None]) -> LoadedModel | None:
        """Return the model, or None while it is being loaded.

        Args:
            key: the model.
            on_loaded: called once, from another thread, when a model that was missing has been
                loaded or has failed to.

        Raises:
            ModelUnavailable: it cannot be loaded.
        """
        with self._lock:
            future = self._models.get(key)
            if future is None:
                future = self._models[key] = self._start_loading(key)
                future.add_done_callback(lambda _: on_loaded())
            self._models.move_to_end(key)
            if not future.done():
                return None
            error = future.exception()
            if error is None:
                self._evict(key)
                return future.result()
            del self._models[key]
        if isinstance(error, ModelUnavailable):
            raise error
        traceback.print_exception(error, file=sys.stderr)
        if is_out_of_memory(error):
            raise ModelUnavailable(
                f"Not enough memory to load the model {key[0].name} beside those in use. Try again "
                "when less is running, or use a smaller model."
            ) from error
        raise ModelUnavailable(f"The model cannot be loaded: {error}") from error

    def _start_loading(self, key: Key) -> Future[LoadedModel]:
        """Load a model in a thread that ends with it.

        A thread that stayed would keep its share of OpenMP's threads; with more of these than cores
        they no longer spin while they wait, and every decoding step would take a third longer.
        """
        executor = ThreadPoolExecutor(max_workers=1)
        future = executor.submit(self._load_exclusively, key)
        executor.shutdown(wait=False)
        return future

    def _load_exclusively(self, key: Key) -> LoadedModel:
        with self._loading_lock:
            return self._load(key)

    def _evict(self, used: Key) -> None:
        for key in list(self._models):
            if len(self._models) <= self._capacity:
                return
            if key != used and self._models[key].done():
                del self._models[key]

    def _load(self, key: Key) -> LoadedModel:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        base, adapter = key
        folder = local_folder(base, self._home, lambda text: print(text, file=sys.stderr))  # noqa: T201
        device = pick_device()
        options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        if not tokenizer.chat_template:
            raise ModelUnavailable(
                f"The model {base.name} has no chat template, so it cannot chat."
            )
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch_dtype(pick_precision(device)), use_safetensors=True, **options
        )
        if adapter is not None:
            model = _merge(model, Path(adapter))
        model = model.to(device).eval()
        return LoadedModel(model, tokenizer, _end_ids(model, tokenizer))


def _merge(model: Any, adapter: Path) -> Any:
    """Merge the adapter into the weights, which is faster at inference than a separate one."""
    from peft import PeftModel

    tuned = PeftModel.from_pretrained(model, adapter, local_files_only=True)
    return tuned.merge_and_unload()


def _end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch, of a device or of Python means that memory ran out."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(text in message for text in _OUT_OF_MEMORY)
