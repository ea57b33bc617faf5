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
    GivenKind,
    ServerKind,
    detected,
    shown_address,
)
from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.submission.prices import PRICES, Price
from tui.domain.validation import first_error

LONGEST_NAME = 40
"""Characters of a provider's name."""


class ProviderProfile(BaseModel):
    """A server that speaks OpenAI's protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str = Field(repr=False)

    kind: GivenKind | None = None
    """Which server it is; told from the base_url where it is not given."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; the key itself is never in a file.

    Empty for a server that asks for none. Where it is not given, the kind's custom decides, and
    for a server of one's own the provider's name: `LAB_API_KEY` for `lab`.
    """
    training_type: str | None = None
    """Azure's trainingType: Standard, GlobalStandard or DeveloperTier."""
    custom_llm_provider: str | None = None
    """Whom a LiteLLM proxy passes requests on to: openai (by default) or azure; empty where it
    tells that from the model."""
    proxy: str | None = Field(default=None, repr=False)
    """Address of an HTTP proxy; otherwise HTTPS_PROXY and NO_PROXY of the environment hold."""
    timeout: float = Field(default=120.0, ge=1, le=3600)
    """Seconds of silence after which a request is given up."""

    @field_validator("base_url", "proxy")
    @classmethod
    def _is_an_address(cls, url: str | None, info: ValidationInfo) -> str | None:
        from urllib.parse import urlsplit

        if url is None:
            return None
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not url.isprintable() or " " in url:
            raise ValueError(f"a {info.field_name} looks like https://host:port/v1")
        if info.field_name == "base_url" and "@" in parts.netloc:
            raise ValueError(
                "a base_url holds no user and no password; the key belongs into the environment "
                "or the keyring"
            )
        return url

    @model_validator(mode="before")
    @classmethod
    def _holds_no_key(cls, given: object) -> object:
        if isinstance(given, dict) and "api_key" in given:
            raise ValueError(
                "a key does not belong into a file; put it into the environment, or into the "
                "keyring with ftui keys set"
            )
        return given

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        """A setting of one kind of server means nothing to another."""
        for field, kind in (("training_type", "azure"), ("custom_llm_provider", "litellm")):
            if getattr(self, field) is not None and self.server.name != kind:
                raise ValueError(f'{field} is for a server of kind = "{kind}"')
        return self

    @property
    def server(self) -> ServerKind:
        """What the kind of this server does differently."""
        return KINDS[self.kind] if self.kind else detected(self.base_url)

    @property
    def address(self) -> str:
        """The base_url for people, without what may be secret in it."""
        return shown_address(self.base_url)

    @property
    def extra_body(self) -> dict[str, str]:
        """What the server wants in the body of a request that creates a job."""
        if self.training_type:
            return {"trainingType": self.training_type}
        return self.extra_query

    @property
    def extra_query(self) -> dict[str, str]:
        """What the server wants in the address of every request."""
        asked = self.custom_llm_provider
        if self.server is not KINDS["litellm"] or asked == "":
            return {}
        return {"custom_llm_provider": asked or "openai"}


class NotifySettings(BaseModel):
    """What is done when a job ends or stalls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bell: bool = True
    """Ring the terminal's bell."""
    desktop: Desktop = "off"
    """Ask the terminal for a desktop notification, by OSC 9 or OSC 777."""
    command: tuple[str, ...] = ()
    """A program and its arguments, never a shell; it reads the job as JSON."""


def _openai() -> dict[str, ProviderProfile]:
    return {"openai": ProviderProfile(base_url="https://api.openai.com/v1")}


class Settings(BaseModel):
    """Everything a person can set."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("ftui"))
    """The engine's home: jobs, uploaded files, base models. `FTUI_HOME` moves it."""
    workspace: Path = Path(".ftui")
    """Where decisions, job logs and evaluations of the current project are kept."""
    provider: str = LOCAL
    model: str = DEFAULT_MODEL
    concurrency: int = Field(default=16, ge=1, le=256)
    """Requests in flight while evaluating."""
    max_running: int = Field(default=1, ge=1, le=64)
    """Jobs that the embedded engine trains at a time; the rest queue."""
    gpus: int = Field(default=1, ge=1, le=64)
    """GPUs that share the training of a job; an engine reads it when it starts."""
    chart: Literal["braille", "ascii"] = "braille"
    """How loss charts are drawn; a terminal that is not UTF-8 gets ASCII anyway."""
    check: CheckOptions = DEFAULT_OPTIONS
    """What is checked in training files, and how strictly."""
    notify: NotifySettings = NotifySettings()
    """How a person is told that a job ended or stalled."""
    prices: dict[str, Price] = Field(default_factory=lambda: dict(PRICES))
    """What training costs, by model; those of the config file are added to the known ones."""
    providers: dict[str, ProviderProfile] = Field(default_factory=_openai)
    """Further servers by name; `local`, the embedded engine, is always there."""

    @field_validator("providers")
    @classmethod
    def _named(cls, profiles: dict[str, ProviderProfile]) -> dict[str, ProviderProfile]:
        for name in profiles:
            if name == LOCAL:
                raise ValueError(f"{LOCAL} is the engine on this machine; choose another name")
            if not (name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
                raise ValueError(f"a provider's name is 1 to {LONGEST_NAME} printable characters")
        return profiles

    @field_validator("home", "workspace")
    @classmethod
    def _in_full(cls, path: Path) -> Path:
        return Path(os.path.expanduser(path))  # noqa: PTH111 - the ~name of nobody is a name

    @property
    def socket(self) -> Path:
        """The engine's Unix socket: one a home, in the user's runtime folder, short enough to bind.

        A socket's path holds at most 107 bytes, so the home's path goes in as a digest.
        """
        import hashlib

        digest = hashlib.sha256(str(self.home.absolute()).encode()).hexdigest()[:12]
        given = os.environ.get("XDG_RUNTIME_DIR")
        if given and os.access(given, os.W_OK | os.X_OK):
            return Path(given) / f"ftui-{digest}" / "engine.sock"
        # One folder of the user's own: another user could put theirs between two of ours.
        return Path(tempfile.gettempdir()) / f"ftui-{os.getuid()}-{digest}" / "engine.sock"


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Path of the config file: `FTUI_CONFIG`, or `config.toml` in the user's config folder."""
    given = environ.get("FTUI_CONFIG")
    return Path(given) if given else platformdirs.user_config_path("ftui") / "config.toml"


_TABLES = ("check", "notify", "prices", "providers")


def load_settings(
    flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings from all four sources, the later ones winning.

    Raises:
        ValueError: a source holds something that cannot be used; the text says which and why.
    """
    values: dict[str, Any] = {}
    path = config_file(environ)
    try:
        written = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        written = ""
    except (OSError, ValueError) as error:
        raise ValueError(f"The config file {path} cannot be read: {error}.") from error
    if written:
        import tomllib

        try:
            values |= tomllib.loads(written)
        except ValueError as error:
            raise ValueError(f"The config file {path} cannot be used: {error}.") from error
    plain = [name for name in Settings.model_fields if name not in _TABLES]
    values |= {name: environ[key] for name in plain if environ.get(key := f"FTUI_{name.upper()}")}
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
