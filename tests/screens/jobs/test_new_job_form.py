"""The form for a new job on the Jobs screen, against a real server, at 80x24 and 120x40."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.jobs_screen import SIZES, fast_app, headline, screen
from support.sample_rows import good_rows, pair_rows
from support.waiting import until
from textual.widgets import Button, Input, Select, Static

from tui.app import FtuiApp
from tui.dialogs.jobs.new_job import NewJob
from tui.dialogs.jobs.train_here import TrainHere
from tui.screens.messages import TrainRequested
from tui.settings import Settings


@pytest.fixture
def settings(far_settings: Settings) -> Settings:
    return far_settings


@pytest.fixture
def app(settings: Settings) -> FtuiApp:
    return fast_app(settings)


def form_is_open(app: FtuiApp) -> bool:
    return isinstance(app.screen, NewJob) and bool(app.screen.query("#start"))


async def test_the_form_recognises_a_file_of_preference_pairs(
    app: FtuiApp, server: MisbehavingServer, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in pair_rows(60)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        app.screen.post_message(TrainRequested(path))
        await until(pilot, lambda: form_is_open(app))
        message = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "60 pairs of answers" in str(message.render()))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ftjob-1" in server.jobs)
        assert server.jobs["ftjob-1"]["method"] == {"type": "dpo"}


@pytest.mark.parametrize("size", SIZES)
async def test_the_new_job_form_fits_and_starts_by_keyboard(
    app: FtuiApp, server: MisbehavingServer, training: Path, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        app.screen.post_message(TrainRequested(training))
        await until(pilot, lambda: form_is_open(app))
        message = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "60 rows" in str(message.render()))
        start = app.screen.query_one("#start", Button)
        assert start.region.bottom < size[1]
        assert start.region.width > 0
        app.screen.query_one("#epochs", Input).value = "2"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ftjob-1" in server.jobs)
        await until(pilot, lambda: "queued" in headline(app))
        method = server.jobs["ftjob-1"]["method"]
        assert method["supervised"]["hyperparameters"] == {"n_epochs": 2}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("epochs", "many", "Epochs: many is not a whole number."),
        ("epochs", "77", "Epochs: "),
        ("model", "", "Give a base model."),
        ("training_file", "", "Give a training file"),
    ],
)
async def test_an_invalid_field_is_explained_in_one_sentence(
    app: FtuiApp, training: Path, field: str, value: str, sentence: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen(app).offer_job(training)
        await until(pilot, lambda: form_is_open(app))
        app.screen.query_one(f"#{field}", Input).value = value
        await pilot.press("ctrl+s")
        message = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: str(message.render()).startswith(sentence))
        assert isinstance(app.screen, NewJob)


async def test_a_file_with_errors_blocks_the_start_and_names_the_line(
    app: FtuiApp, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("".join(json.dumps(row) + "\n" for row in good_rows(20)) + '{"oops"\n')
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen(app).offer_job(bad)
        await until(pilot, lambda: form_is_open(app))
        message = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "line 21" in str(message.render()))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, NewJob)


async def test_a_refused_job_is_offered_again_with_the_same_values(
    app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    body = {"error": {"message": "No such model."}}
    server.faults = [Fault("status", 400, path="fine_tuning/jobs", method="POST", body=body)]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen(app).offer_job(training)
        await until(pilot, lambda: form_is_open(app))
        app.screen.query_one("#suffix", Input).value = "mine"
        first = app.screen
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form_is_open(app) and app.screen is not first)
        assert app.screen.query_one("#suffix", Input).value == "mine"
        assert any("No such model" in str(note.message) for note in app._notifications)


async def test_a_job_of_a_refused_organisation_can_be_trained_on_this_machine(
    app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    body = {"error": {"message": "Your organization may not.", "code": "not_allowed"}}
    server.faults = [Fault("status", 403, path="fine_tuning/jobs", method="POST", body=body)]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen(app).offer_job(training)
        await until(pilot, lambda: form_is_open(app))
        app.screen.query_one("#suffix", Input).value = "mine"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, TrainHere))
        await pilot.press("l")
        await until(pilot, lambda: form_is_open(app))
        assert app.screen.query_one("#provider", Select).value == "local"
        assert app.screen.query_one("#suffix", Input).value == "mine"
