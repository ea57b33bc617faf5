"""The offer to train on this machine after a provider refused the organisation."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.dialog_app import SIZES, outside, showing

from tui.dialogs.jobs.train_here import TrainHere, local_request
from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.domain.submission.job_request import JobRequest
from tui.services.errors import OrganisationRefused
from tui.settings import Settings

REQUEST = JobRequest(
    training_file=Path("tickets.jsonl"), model="gpt-4.1-mini", provider="openai", epochs=2, seed=7
)
REFUSED = OrganisationRefused(
    "The provider openai refused the job: [/no] \x1b]0;PWNED\x07. OpenAI takes no fine-tuning jobs."
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("key", "answer"), [("l", True), ("enter", True), ("escape", False)])
async def test_the_dialog_shows_the_reason_and_the_alternative(
    size: tuple[int, int], key: str, answer: bool
) -> None:
    async with showing(TrainHere(REFUSED, local_version(REQUEST)), size) as (app, pilot):
        assert not outside(app)
        text = app.screen_text()
        assert "OpenAI takes no fine-tuning jobs" in " ".join(text.replace("│", "").split())
        assert DEFAULT_MODEL in text
        assert "PWNED" not in text
        await pilot.press(key)
        assert app.answers == [answer]


def local_version(request: JobRequest, **settings: str) -> JobRequest:
    local = local_request(request, Settings.model_validate(settings))
    assert local
    return local


def test_the_local_request_keeps_data_and_settings() -> None:
    local = local_version(REQUEST, provider="openai", model="gpt-4.1-mini")
    assert local == REQUEST.model_copy(update={"provider": "local", "model": DEFAULT_MODEL})
    assert local_version(REQUEST, model="org/own").model == "org/own"


def test_hyperparameters_unknown_to_the_engine_are_dropped() -> None:
    own = {"lora_r": 8, "reasoning_effort": "low"}
    request = REQUEST.model_copy(update={"hyperparameters": own, "validation_file_id": "file-2"})
    assert local_version(request).hyperparameters == {"lora_r": 8}
    assert local_version(request).validation_file_id is None


def test_a_file_that_only_the_other_server_has_cannot_be_trained_on_here() -> None:
    request = JobRequest(training_file_id="file-1", model="gpt-4.1-mini", provider="openai")
    assert local_request(request, Settings()) is None
