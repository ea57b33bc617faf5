"""The base models that the form for a job suggests."""

from __future__ import annotations

from pathlib import Path

from servers.misbehaving import misbehaving_server

from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services
from tui.services.providers.known_models import known_models
from tui.services.workspace.job_log import JobFile, JobLog
from tui.settings import ProviderProfile, Settings


async def models_of(services: Services, provider: str) -> list[str]:
    return await known_models(
        provider, services.settings, services.workspace, services.providers, services.probing
    )


async def test_local_suggestions_are_stored_and_trained_models(
    tmp_path: Path,
) -> None:
    services = Services(Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui"))
    (tmp_path / "home" / "models" / "hub" / "models--org--small-model").mkdir(parents=True)
    request = JobRequest(training_file=Path("a.jsonl"), model="/my/model", provider="local")
    log = JobLog(services.workspace, "local", "ftjob-1")
    await log.save_job_file(JobFile(provider="local", id="ftjob-1", request=request))
    await log.append([{"type": "status", "at": 1.0, "status": "succeeded"}])
    suggestions = await models_of(services, "local")
    assert suggestions == ["/my/model", DEFAULT_MODEL, "org/small-model"]


async def test_remote_suggestions_are_listed_tunable_models(
    tmp_path: Path,
) -> None:
    async with misbehaving_server() as server:
        server.models = {
            "data": [
                {"id": "base-1", "capabilities": {"fine_tune": True}},
                {"id": "ft:base-1:mine::x"},
                {"id": "other"},
            ]
        }
        far = ProviderProfile(base_url=server.url, api_key_env="")
        services = Services(
            Settings(home=tmp_path, workspace=tmp_path / ".ftui", providers={"far": far})
        )
        assert await models_of(services, "far") == [], "nobody is asked for suggestions"
        await services.probing.probe("far")
        suggestions = await models_of(services, "far")
        await services.providers.close()
    assert set(suggestions) == {"base-1", "other"}


async def test_openai_suggestions_include_the_price_table(tmp_path: Path) -> None:
    openai = ProviderProfile(base_url="https://api.openai.com/v1")
    services = Services(
        Settings(home=tmp_path, workspace=tmp_path / ".ftui", providers={"openai": openai})
    )
    assert "gpt-4.1-mini" in await models_of(services, "openai")
