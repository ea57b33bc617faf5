"""Settings: defaults < config file < environment < flags."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.settings import ProviderProfile, Settings, load_settings


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"FTUI_CONFIG": str(tmp_path / "config.toml")}


def test_defaults_apply_without_any_source(environ: dict[str, str]) -> None:
    settings = load_settings(environ=environ)
    assert settings.provider == "local"
    assert settings.model == DEFAULT_MODEL
    assert settings.workspace == Path(".ftui")


def test_flags_override_the_environment_which_overrides_the_file(environ: dict[str, str]) -> None:
    Path(environ["FTUI_CONFIG"]).write_text('model = "from-file"\nconcurrency = 3\n')
    assert load_settings(environ=environ).model == "from-file"
    environ["FTUI_MODEL"] = "from-environment"
    assert load_settings(environ=environ).model == "from-environment"
    settings = load_settings({"model": "from-flag", "workspace": None}, environ)
    assert (settings.model, settings.concurrency) == ("from-flag", 3)


def test_the_config_file_adds_providers(environ: dict[str, str]) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(
        '[providers.lab]\nbase_url = "http://lab:8000/v1"\napi_key_env = "LAB_KEY"\n'
    )
    providers = load_settings(environ=environ).providers
    assert providers["lab"].api_key_env == "LAB_KEY"
    assert "openai" in providers


def test_the_config_file_adds_and_overrides_prices(environ: dict[str, str]) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(
        '[prices]\n"gpt-4o" = { training = 1.5 }\n"org/model" = { training = 0.4 }\n'
    )
    prices = load_settings(environ=environ).prices
    assert prices["gpt-4o"].training == 1.5
    assert prices["org/model"].training == 0.4
    assert "gpt-4.1-mini" in prices


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("concurrency = 0", "concurrency"),
        ("colour = 1", "colour"),
        ("= broken", "config.toml"),
        ('[prices]\n"gpt-4o" = { training = -1 }', "prices.gpt-4o.training"),
        ("prices = 3", "prices"),
    ],
)
def test_an_invalid_setting_is_named_in_the_error(
    environ: dict[str, str], content: str, name: str
) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(content)
    with pytest.raises(ValueError, match=name):
        load_settings(environ=environ)


def test_keys_of_bindings_are_read_from_the_config_file(environ: dict[str, str]) -> None:
    Path(environ["FTUI_CONFIG"]).write_text('[keys]\n"data.filter" = "ctrl+f,slash"\n')
    assert load_settings(environ=environ).keys == {"data.filter": "ctrl+f,slash"}


@pytest.mark.parametrize("line", ['"data.filter" = ""', '"data.filter" = "a,,b"', '" " = "a"'])
def test_an_empty_key_or_binding_id_is_rejected(environ: dict[str, str], line: str) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(f"[keys]\n{line}\n")
    with pytest.raises(ValueError, match="setting keys cannot be used"):
        load_settings(environ=environ)


def test_each_home_has_its_own_socket_path_short_enough_to_bind(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-very-long-folder-name"] * 8)
    first = load_settings({"home": deep / "one"}, {}).socket
    second = load_settings({"home": deep / "two"}, {}).socket
    assert first != second
    assert len(str(first).encode()) <= 107


def test_a_tilde_expands_to_the_users_home(environ: dict[str, str]) -> None:
    Path(environ["FTUI_CONFIG"]).write_text('home = "~/ftui"\nworkspace = "~nobody-here/x"\n')
    settings = load_settings(environ=environ)
    assert settings.home == Path.home() / "ftui"
    assert settings.workspace == Path("~nobody-here/x")


@pytest.mark.parametrize("url", ["lab", "ftp://lab/v1", "http://lab:80a/v1", "http:///v1"])
def test_an_invalid_base_url_is_named_in_the_error(environ: dict[str, str], url: str) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(f'[providers.lab]\nbase_url = "{url}"\n')
    with pytest.raises(ValueError, match="base_url"):
        load_settings(environ=environ)


@pytest.mark.parametrize(
    ("base_url", "kind"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://lab.openai.azure.com/openai/v1/", "azure"),
        ("https://lab.services.ai.azure.com/openai/v1/", "azure"),
        ("https://api.tokenfactory.nebius.com/v1/", "nebius"),
        ("http://litellm.lab.example/v1", "litellm"),
        ("http://lab.example:8000/v1", "other"),
        ("https://api.openai.com.elsewhere.example/v1", "other"),
    ],
)
def test_the_kind_of_a_server_is_detected_from_its_host(base_url: str, kind: str) -> None:
    assert ProviderProfile(base_url=base_url).server.name == kind


def test_a_profile_can_set_the_kind_of_its_server() -> None:
    profile = ProviderProfile(base_url="http://gateway:4000", kind="litellm")
    assert profile.server.title == "LiteLLM proxy"
    assert profile.extra_query == profile.extra_body == {"custom_llm_provider": "openai"}


def test_azures_training_type_is_sent_in_the_body() -> None:
    profile = ProviderProfile(
        base_url="https://lab.openai.azure.com/openai/v1/", training_type="GlobalStandard"
    )
    assert profile.extra_body == {"trainingType": "GlobalStandard"}
    assert profile.extra_query == {}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('kind = "cohere"', "providers.lab.kind"),
        ('training_type = "Standard"', "azure"),
        ('proxy = "nowhere"', "a proxy must be a URL"),
    ],
)
def test_an_inconsistent_profile_is_named_in_the_error(
    environ: dict[str, str], line: str, name: str
) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(f'[providers.lab]\nbase_url = "http://lab"\n{line}\n')
    with pytest.raises(ValueError, match=name):
        load_settings(environ=environ)


def test_secrets_in_an_address_appear_in_no_error_or_repr(environ: dict[str, str]) -> None:
    secret = "hunter2-hunter2"
    url = f"https://lab.example:8000/v1?token={secret}"
    profile = ProviderProfile(base_url=url, proxy=f"http://me:{secret}@proxy:3128")
    assert profile.address == "https://lab.example:8000/v1"
    assert secret not in repr(Settings(providers={"lab": profile}))
    for base_url in (f"ftp://{secret}@lab", f"https://me:{secret}@lab/v1"):
        Path(environ["FTUI_CONFIG"]).write_text(f'[providers.lab]\nbase_url = "{base_url}"\n')
        with pytest.raises(ValueError, match="base_url") as raised:
            load_settings(environ=environ)
        assert secret not in "".join(traceback.format_exception(raised.value))


def test_an_api_key_in_the_config_file_is_rejected_and_not_repeated(
    environ: dict[str, str],
) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(
        '[providers.lab]\nbase_url = "http://lab/v1"\napi_key = "sk-verysecret123456"\n'
    )
    with pytest.raises(ValueError, match="ftui keys set") as raised:
        load_settings(environ=environ)
    assert "verysecret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("name", ["local", "", " ", "a\\u001b]0;pwned\\u0007", "n" * 41])
def test_an_unusable_provider_name_is_rejected(environ: dict[str, str], name: str) -> None:
    Path(environ["FTUI_CONFIG"]).write_text(f'[providers."{name}"]\nbase_url = "http://lab/v1"\n')
    with pytest.raises(ValueError, match="setting providers cannot be used"):
        load_settings(environ=environ)
