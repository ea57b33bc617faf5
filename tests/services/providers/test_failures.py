"""Failures of providers are plain sentences about the right provider, without its key."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.providers import KEY

from tui.services.errors import FtuiError, NotFound, OrganisationRefused, ProviderError
from tui.services.jobs.jobs import Jobs
from tui.services.providers.engine_process import EngineProcess
from tui.services.providers.providers import Providers
from tui.services.workspace.workspace import Workspace
from tui.settings import ProviderProfile, Settings

REFUSAL = {"error": {"message": "Your organization may not fine-tune.", "type": "x", "code": "y"}}


@pytest.fixture
def settings(server: MisbehavingServer, tmp_path: Path) -> Settings:
    every = {"base_url": server.url, "api_key_env": "KEY", "timeout": 1}
    own = {
        "openai": {"kind": "openai"},
        "azure": {"kind": "azure", "training_type": "Standard"},
        "lab": {},
        "gateway": {"kind": "litellm"},
    }
    profiles = {
        name: ProviderProfile.model_validate(every | profile) for name, profile in own.items()
    }
    return Settings(home=tmp_path, workspace=tmp_path / ".ftui", providers=profiles)


@pytest.fixture
async def providers(settings: Settings) -> AsyncIterator[Providers]:
    providers = Providers(
        settings, EngineProcess(settings), {"KEY": KEY}, today=lambda: date(2026, 11, 25)
    )
    yield providers
    await providers.close()


async def creation(providers: Providers, name: str, **more: Any) -> FtuiError:
    """The error of creating a job."""
    client = await providers.client(name)
    with pytest.raises(FtuiError) as failed, providers.explain_errors():
        await client.fine_tuning.jobs.create(model="base", training_file="file-1", **more)
    return failed.value


@pytest.mark.parametrize("name", ["openai", "lab", "gateway"])
async def test_a_refused_organisation_learns_of_the_shutdown_and_the_alternative(
    server: MisbehavingServer, providers: Providers, name: str
) -> None:
    server.faults = [Fault("status", 403, body=REFUSAL)]
    refused = await creation(providers, name)
    assert isinstance(refused, OrganisationRefused)
    assert f"The provider {name} refused the job: Your organization may not" in refused.message
    assert "no one from 2027-01-06 on (in 42 days)" in refused.message
    assert "--provider local" in refused.remedy


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("azure", REFUSAL),
        ("lab", {"detail": "Your organization may not."}),
        ("lab", {"error": {"message": "The model is private.", "code": "model_private"}}),
    ],
)
async def test_other_refusals_keep_the_servers_message(
    server: MisbehavingServer, providers: Providers, name: str, body: Any
) -> None:
    server.faults = [Fault("status", 403, body=body)]
    refused = await creation(providers, name)
    assert type(refused) is ProviderError
    assert "2027" not in str(refused)


async def test_a_refused_list_is_not_taken_for_a_refused_organisation(
    server: MisbehavingServer, providers: Providers
) -> None:
    server.faults = [Fault("status", 403, body=REFUSAL)]
    client = await providers.client("openai")
    with pytest.raises(ProviderError) as refused, providers.explain_errors():
        await client.fine_tuning.jobs.list()
    assert type(refused.value) is ProviderError


async def test_two_providers_at_one_address_are_distinguished(
    server: MisbehavingServer, providers: Providers
) -> None:
    server.faults = [Fault("status", 418, body={"detail": "tea"}) for _ in range(2)]
    assert "The provider lab refused" in str(await creation(providers, "lab"))
    assert "The provider azure refused" in str(await creation(providers, "azure"))


@pytest.mark.parametrize(
    "fault", [Fault("status", 500), Fault("status", 429), Fault("reset"), Fault("hang")]
)
async def test_a_client_never_creates_a_job_twice(
    server: MisbehavingServer, providers: Providers, fault: Fault
) -> None:
    server.faults = [fault]
    await creation(providers, "lab")
    assert server.count("POST", "/fine_tuning/jobs") == 1


async def test_an_undeployed_azure_model_is_reported_with_the_remedy(
    server: MisbehavingServer, providers: Providers
) -> None:
    body = {"error": {"code": "DeploymentNotFound", "message": "There is no deployment."}}
    server.faults = [Fault("status", 404, body=body)]
    client = await providers.client("azure")
    with pytest.raises(NotFound, match=r"There is no deployment.*create a deployment"):  # noqa: SIM117
        with providers.explain_errors():
            await client.chat.completions.create(model="tuned", messages=[])


async def test_a_silent_server_times_out_as_its_profile_sets(
    server: MisbehavingServer, providers: Providers
) -> None:
    server.faults = [Fault("hang")]
    assert "did not answer in time" in str(await creation(providers, "lab"))


async def test_a_litellm_proxy_gets_the_custom_provider(
    server: MisbehavingServer, providers: Providers, settings: Settings
) -> None:
    server.add_job()
    client = await providers.client("gateway")
    await client.fine_tuning.jobs.list(limit=1)
    jobs = Jobs(settings, Workspace(settings.workspace), providers)
    await jobs.steer("gateway", "ftjob-1", "cancel")
    listed, cancelled, *_ = server.received
    assert "custom_llm_provider=openai" in listed[0]
    assert json.loads(cancelled[1]) == {"custom_llm_provider": "openai"}
    assert providers.extra_body("gateway") == {"custom_llm_provider": "openai"}


async def test_azures_training_type_is_sent_only_when_creating_a_job(providers: Providers) -> None:
    assert providers.extra_body("azure") == {"trainingType": "Standard"}
    assert providers.steering_body("azure") is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": f"Incorrect API key provided: {KEY}."}},
        {"detail": [{"msg": f"header Authorization: Bearer {KEY}"}]},
        f"<p>{KEY}</p>",
        {"error": {"message": "\x1b]0;pwned\x07 sk-another123456"}},
    ],
)
async def test_a_key_echoed_by_a_server_is_redacted(
    server: MisbehavingServer, providers: Providers, body: Any
) -> None:
    server.faults = [Fault("status", 401, body=body)]
    message = str(await creation(providers, "lab"))
    assert "does not accept the key" in message
    assert KEY not in message
    assert "sk-another123456" not in message
    assert "\x1b" not in message


async def test_keys_appear_in_no_log_traceback_or_repr(
    server: MisbehavingServer, providers: Providers, caplog: pytest.LogCaptureFixture
) -> None:
    # As OPENAI_LOG=debug, and everything that lies below the client.
    for name in ("", "openai", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, name)
    server.faults = [Fault("status", 401, body={"error": {"message": f"bad key {KEY}"}})]
    failure = await creation(providers, "lab")
    client = await providers.client("lab")
    await client.models.list()
    assert caplog.records
    assert KEY not in caplog.text
    assert KEY not in "".join(traceback.format_exception(failure))
    assert KEY not in repr([client, providers, providers.keys, vars(providers)])
