"""The files of a local model: where they are and what they say; nothing is downloaded here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from tui.domain.providers.model_names import HUB_CACHE, SourceKind, base_model
from tui.domain.rules.engine_refusals import supports_tools

Render = Callable[[Sequence[dict[str, str]]], str]
"""Messages -> the text that a model reads."""


def model_folder(model: str, home: Path) -> Path | None:
    """The folder of a local model's files, where they are on this machine already."""
    source = base_model(model, folders=True)
    if source is None:
        return None
    match source.kind:
        case SourceKind.FOLDER:
            folder = Path(source.name)
        case SourceKind.PACKAGE:
            folder = home / "models" / source.name
        case SourceKind.HUB:
            folder = _snapshot(home / "models" / HUB_CACHE, source.name)
    return folder if folder.is_dir() else None


def _snapshot(cache: Path, name: str) -> Path:
    """The folder of a model in the cache of the model hub."""
    folder = cache / f"models--{name.replace('/', '--')}"
    try:
        commit = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        commit = ""
    return folder / "snapshots" / (commit or "none")


def base_name(model: str) -> str:
    """The base model of a tuned one's name: `ft:<base>:...`."""
    return model.split(":")[1] if model.startswith("ft:") else model


def template_supports_tools(model: str, home: Path) -> bool | None:
    """Whether the chat template of a local model supports tools, read from its files.

    Args:
        model: its name, a hub id or a folder.
        home: the engine's home, where base models are kept.

    Returns:
        None where its files, or its template, are not on this machine.
    """
    folder = model_folder(base_name(model), home) if model else None
    if folder is None or (folder / "additional_chat_templates").exists():
        return None
    text = _template_file(folder)
    template = text or read_object(folder / "tokenizer_config.json").get("chat_template")
    return supports_tools(template) if template else None


def longest_input(folder: Path) -> int:
    """Most tokens that a model takes by its `config.json`; 0 where that is unknown."""
    config = read_object(folder / "config.json")
    for part in (config, config.get("text_config")):
        longest = part.get("max_position_embeddings") if isinstance(part, dict) else None
        if isinstance(longest, int) and longest > 0:
            return longest
    return 0


def chat_template(folder: Path) -> Render | None:
    """A model's chat template, run in a sandbox; None where there is none that can be run.

    The returned function raises ValueError where the template rejects the messages; a faulty
    template may raise anything.
    """
    config = read_object(folder / "tokenizer_config.json")
    text = _template_file(folder) or _default_template(config.get("chat_template"))
    try:
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        return None
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    special_tokens = {name: _token_text(config.get(name)) for name in ("bos_token", "eos_token")}
    if not text:
        return None
    try:
        template = environment.from_string(text)
    except TemplateError:
        return None

    def render(messages: Sequence[dict[str, str]]) -> str:
        try:
            return template.render(messages=messages, add_generation_prompt=False, **special_tokens)
        except TemplateError as error:
            raise ValueError("the template rejects the messages") from error

    return render


def _template_file(folder: Path) -> str:
    """The chat template in a file of its own; empty where there is none."""
    try:
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _default_template(value: Any) -> str:
    """The template of a tokenizer's config: a text, or several by name."""
    if isinstance(value, list):
        templates = {
            item.get("name"): item.get("template") for item in value if isinstance(item, dict)
        }
        value = templates.get("default")
    return value if isinstance(value, str) else ""


def _token_text(value: Any) -> str:
    text = value.get("content") if isinstance(value, dict) else value
    return text if isinstance(text, str) else ""


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty where there is none."""
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
