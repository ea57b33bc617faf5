"""Probing providers: servers that work, misbehave or do not answer."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.providers import KEY

from tui.domain.providers.probe import FEATURES
from tui.services.container import Services
from tui.services.providers.engine_process import EngineProcess
from tui.services.providers.probing import Probing
from tui.services.providers.providers import Providers
from tui.settings import ProviderProfile, Settings

Prober = Callable[..., Probing]


@pytest.fixture
async def prober(tmp_path: Path, server: MisbehavingServer) -> AsyncIterator[Prober]:
    """Makes probers of the server, called `far`, and of others by their base_url."""
    opened: list[Providers] = []

    def make(seconds: float = 5.0, key: str = KEY, **addresses: str) -> Probing:
        urls = {"far": server.url, **addresses}
        settings = Settings(
            home=tmp_path / "home",
            workspace=tmp_path / ".ftui",
            providers={name: ProviderProfile(base_url=url) for name, url in urls.items()},
        )
        environ = {f"{name.upper()}_API_KEY": key for name in urls} if key else {}
        opened.append(Providers(settings, EngineProcess(settings), environ))
        return Probing(opened[-1], request_seconds=seconds)

    yield make
    for providers in opened:
        await providers.close()


async def test_a_server_that_has_everything_is_ready(
    server: MisbehavingServer, prober: Prober
) -> None:
    server.models = {"data": [{"id": "base", "shutdown_date": "2027-01-14"}]}
    probe = await prober().probe("far")
    assert probe.reach == "ready"
    assert probe.features == dict.fromkeys(FEATURES, "there")
    assert [(model.id, model.ends) for model in probe.models] == [("base", date(2027, 1, 14))]
    assert probe.seconds is not None
    assert probe.key == "environment (FAR_API_KEY)"


async def test_probing_creates_nothing(server: MisbehavingServer, prober: Prober) -> None:
    await prober().probe("far")
    assert {method for method, _ in server.requests} == {"GET"}
    assert server.jobs == {}


@pytest.mark.parametrize("feature", list(FEATURES))
async def test_a_missing_endpoint_switches_off_one_feature_with_the_reason(
    server: MisbehavingServer, prober: Prober, feature: str
) -> None:
    endpoint = FEATURES[feature][1]  # type: ignore[index]
    server.missing_paths = {"ftui-no-such-path", endpoint.rsplit("}", 1)[-1].split(" ")[-1]}
    own = prober()
    probe = await own.probe("far")
    assert probe.missing == [feature]
    assert probe.reach == "ready"
    reasons = {name: probe.blocker(name) for name in FEATURES}
    reason = reasons.pop(feature)  # type: ignore[call-overload]
    assert reason
    assert reason.startswith("The provider far cannot ")
    assert reason.endswith(f"it has no {endpoint}.")
    assert set(reasons.values()) == {None}
    assert own.last("far") == probe


@pytest.mark.parametrize(
    ("fault", "reach", "sentence"),
    [
        (Fault("status", 500), "in trouble", "having problems"),
        (Fault("status", 429), "in trouble", "rate limiting"),
        (Fault("hang"), "out of reach", "did not answer in time"),
        (Fault("reset"), "out of reach", "Could not reach far"),
        (Fault("status", 401, body={"detail": f"bad key {KEY}"}), "key refused", "FAR_API_KEY"),
    ],
)
async def test_an_unusable_server_gets_a_state_and_a_sentence(
    server: MisbehavingServer, prober: Prober, fault: Fault, reach: str, sentence: str
) -> None:
    server.faults = [fault]
    probe = await prober(seconds=0.3 if fault.kind == "hang" else 30).probe("far")
    assert probe.reach == reach
    assert sentence in probe.problem
    assert KEY not in repr(probe)


async def test_a_public_list_of_models_does_not_hide_a_refused_key(
    server: MisbehavingServer, prober: Prober
) -> None:
    server.faults = [Fault("status", 401, path="/fine_tuning/jobs")]
    assert (await prober().probe("far")).reach == "key refused"


async def test_without_a_key_no_request_is_sent(server: MisbehavingServer, prober: Prober) -> None:
    probe = await prober(key="").probe("far")
    assert probe.reach == "no key"
    assert "ftui keys set far" in probe.problem
    assert server.requests == []


async def test_a_web_page_is_not_taken_for_the_protocol(
    server: MisbehavingServer, prober: Prober
) -> None:
    server.faults = [Fault("html") for _ in range(12)]
    probe = await prober().probe("far")
    assert probe.reach == "not the protocol"
    assert "base_url" in probe.problem


async def test_a_failing_endpoint_is_not_taken_for_a_missing_one(
    server: MisbehavingServer, prober: Prober
) -> None:
    server.faults = [Fault("status", code, path="/files") for code in (503,)]
    probe = await prober().probe("far")
    assert probe.reach == "ready"
    assert "files" not in probe.features
    assert probe.blocker("files") is None


async def test_an_invalid_address_is_reported(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://me:hunter2-hunter2@proxy:1")
    probe = await prober().probe("far")
    assert probe.reach == "out of reach"
    assert "HTTPS_PROXY" in probe.problem
    assert "hunter2" not in repr(probe)


async def test_providers_are_probed_concurrently(server: MisbehavingServer, prober: Prober) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        slow = f"http://127.0.0.1:{mute.getsockname()[1]}/v1"
        own = prober(seconds=5.0, slow=slow, slower=slow, dead="http://127.0.0.1:9/v1")
        names = ["slow", "slower", "dead", "far", "local"]
        probes = {probe.provider: probe async for probe in own.probe_all(names)}
    assert set(list(probes)[-2:]) == {"slow", "slower"}, "the others did not wait for them"
    assert {name: probe.reach for name, probe in probes.items()} == {
        "far": "ready",
        "local": "asleep",
        "dead": "out of reach",
        "slow": "out of reach",
        "slower": "out of reach",
    }


async def test_the_engine_on_this_machine_has_everything(engine_settings: Settings) -> None:
    services = Services(engine_settings)
    probe = await Probing(services.providers).probe("local")
    await services.providers.close()
    assert probe.reach == "ready"
    assert probe.features == dict.fromkeys(FEATURES, "there")
    assert any(model.id == "SmolLM2-135M-Instruct" for model in probe.models)
