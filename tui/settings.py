"""Typed settings: defaults < config file < environment (`FTUI_*`) < flags."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import platformdirs
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tui.domain.jobs.notifications import Desktop
from tui.domain.providers.kinds import (
    KINDS,
    LOCAL,
    ConfigurableKind,
    ServerKind,
    detect_kind,
    shown_address,
)
from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.submission.prices import PRICES, Price
from tui.domain.validation import first_error

LONGEST_NAME = 40
"""Most characters of a provider's name."""


class ProviderProfile(BaseModel):
    """A server that speaks OpenAI's protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(repr=False)

    kind: ConfigurableKind | None = None
    """The kind of server; detected from the base_url by default."""
    api_key_env: str | None = None
    """Name of the environment variable with the key; the key itself is never in a file.

    Empty for a server without keys. Defaults to the variable customary for the kind, else to one
    named after the provider: `LAB_API_KEY` for `lab`.
    """
    training_type: str | None = None
    """Azure's trainingType: Standard, GlobalStandard or DeveloperTier."""
    custom_llm_provider: str | None = None
    """Where a LiteLLM proxy forwards requests: openai (default) or azure; empty to let it decide
    by the model."""
    proxy: str | None = Field(default=None, repr=False)
    """Address of an HTTP proxy; HTTPS_PROXY and NO_PROXY apply by default."""
    timeout: float = Field(default=120.0, ge=1, le=3600)
    """Seconds without a response after which a request fails."""

    @field_validator("base_url", "proxy")
    @classmethod
    def _validate_address(cls, url: str | None, info: ValidationInfo) -> str | None:
        from urllib.parse import urlsplit

        if url is None:
            return None
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            valid = False
        if not valid or not url.isprintable() or " " in url:
            raise ValueError(f"a {info.field_name} must be a URL such as https://host:port/v1")
        if info.field_name == "base_url" and "@" in parts.netloc:
            raise ValueError(
                "a base_url must not contain a user or password; put the key in the environment "
                "or the keyring"
            )
        return url

    @model_validator(mode="before")
    @classmethod
    def _reject_api_key(cls, values: object) -> object:
        if isinstance(values, dict) and "api_key" in values:
            raise ValueError(
                "a config file must not contain a key; put it in the environment, or in the "
                "keyring with ftui keys set"
            )
        return values

    @model_validator(mode="after")
    def _validate_kind_settings(self) -> Self:
        for field, kind in (("training_type", "azure"), ("custom_llm_provider", "litellm")):
            if getattr(self, field) is not None and self.server.name != kind:
                raise ValueError(f'{field} is only for a server of kind = "{kind}"')
        return self

    @property
    def server(self) -> ServerKind:
        """The kind of server, with its quirks."""
        return KINDS[self.kind] if self.kind else detect_kind(self.base_url)

    @property
    def address(self) -> str:
        """The base_url as shown to people, without credentials."""
        return shown_address(self.base_url)

    @property
    def extra_body(self) -> dict[str, str]:
        """Extra fields of the body that creates a job."""
        if self.training_type:
            return {"trainingType": self.training_type}
        return self.extra_query

    @property
    def extra_query(self) -> dict[str, str]:
        """Extra query parameters of every request."""
        provider = self.custom_llm_provider
        if self.server is not KINDS["litellm"] or provider == "":
            return {}
        return {"custom_llm_provider": provider or "openai"}


class NotifySettings(BaseModel):
    """What happens when a job ends or stalls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bell: bool = True
    """Ring the terminal's bell."""
    desktop: Desktop = "off"
    """Send a desktop notification through the terminal, by OSC 9 or OSC 777."""
    command: tuple[str, ...] = ()
    """A program and its arguments, run without a shell; gets the job as JSON on stdin."""


def _openai() -> dict[str, ProviderProfile]:
    return {"openai": ProviderProfile(base_url="https://api.openai.com/v1")}


class Settings(BaseModel):
    """All settings of ftui."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("ftui"))
    """The engine's home: jobs, uploaded files, base models. `FTUI_HOME` moves it."""
    workspace: Path = Path(".ftui")
    """Folder of the decisions, job logs and evaluations of the current project."""
    provider: str = LOCAL
    model: str = DEFAULT_MODEL
    concurrency: int = Field(default=16, ge=1, le=256)
    """Requests in flight while evaluating."""
    max_running: int = Field(default=1, ge=1, le=64)
    """Jobs that the embedded engine trains at a time; others queue."""
    gpus: int = Field(default=1, ge=1, le=64)
    """GPUs per job; takes effect when the engine starts."""
    chart: Literal["braille", "ascii"] = "braille"
    """How loss charts are drawn; always ASCII on a terminal without UTF-8."""
    check: CheckOptions = DEFAULT_OPTIONS
    """Rules and limits for training files."""
    notify: NotifySettings = NotifySettings()
    """Notifications when a job ends or stalls."""
    prices: dict[str, Price] = Field(default_factory=lambda: dict(PRICES))
    """Training prices by model; the config file adds to the built-in ones."""
    providers: dict[str, ProviderProfile] = Field(default_factory=_openai)
    """Further servers by name; `local`, the embedded engine, is always there."""
    keys: dict[str, str] = {}
    """Key bindings: from a binding's id to a key or comma-separated keys, such as
    `"data.filter" = "ctrl+f"`."""

    @field_validator("providers")
    @classmethod
    def _validate_names(cls, profiles: dict[str, ProviderProfile]) -> dict[str, ProviderProfile]:
        for name in profiles:
            if name == LOCAL:
                raise ValueError(f"{LOCAL} is the engine on this machine; choose another name")
            if not (name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
                raise ValueError(f"a provider's name is 1 to {LONGEST_NAME} printable characters")
        return profiles

    @field_validator("keys")
    @classmethod
    def _validate_keys(cls, keys: dict[str, str]) -> dict[str, str]:
        for binding, key in keys.items():
            if not binding.strip() or not all(part.strip() for part in key.split(",")):
                raise ValueError(
                    f'{binding or "a binding"} needs a key such as "ctrl+f", or several separated '
                    "by commas"
                )
        return keys

    @field_validator("home", "workspace")
    @classmethod
    def _expand_user(cls, path: Path) -> Path:
        return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for an unknown ~name

    @property
    def socket(self) -> Path:
        """The engine's Unix socket: one per home, in the user's runtime folder.

        A socket's path is limited to 107 bytes, so it contains a digest of the home's path.
        """
        import hashlib

        digest = hashlib.sha256(str(self.home.absolute()).encode()).hexdigest()[:12]
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime and os.access(runtime, os.W_OK | os.X_OK):
            return Path(runtime) / f"ftui-{digest}" / "engine.sock"
        # A single folder: between two levels another user could insert their own.
        return Path(tempfile.gettempdir()) / f"ftui-{os.getuid()}-{digest}" / "engine.sock"


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Path of the config file: `FTUI_CONFIG`, or `config.toml` in the user's config folder."""
    path = environ.get("FTUI_CONFIG")
    return Path(path) if path else platformdirs.user_config_path("ftui") / "config.toml"


_TABLES = ("check", "keys", "notify", "prices", "providers")


def load_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings from all four sources; later ones win.

    Raises:
        ValueError: a source is unreadable or holds an invalid value; the message names it.
    """
    values: dict[str, Any] = {}
    path = config_file(environ)
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        content = ""
    except (OSError, ValueError) as error:
        raise ValueError(f"The config file {path} cannot be read: {error}.") from error
    if content:
        import tomllib

        try:
            values |= tomllib.loads(content)
        except ValueError as error:
            raise ValueError(f"The config file {path} cannot be used: {error}.") from error
    scalars = [name for name in Settings.model_fields if name not in _TABLES]
    values |= {name: environ[key] for name in scalars if environ.get(key := f"FTUI_{name.upper()}")}
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    if isinstance(values.get("providers"), dict):
        values["providers"] = _openai() | values["providers"]
    if isinstance(values.get("prices"), dict):
        values["prices"] = dict(PRICES) | values["prices"]
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problem = first_error(error, "The setting {}".format)
        raise ValueError(
            f"{problem} Correct it in {path}, the environment (FTUI_*) or the flag."
        ) from error
