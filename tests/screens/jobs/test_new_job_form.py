"""The form for a new job on the Jobs screen, against a real server, at 80x24 and 120x40."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.jobs_screen import SIZES, form_is_open, headline, screen
from support.sample_rows import good_rows, pair_rows
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select, Static

from tui.app import FtuiApp
from tui.dialogs.jobs.new_job import NewJob
from tui.dialogs.jobs.train_here import TrainHere
from tui.screens.messages import TrainRequested


async def open_form(app: FtuiApp, pilot: Pilot[None], training: Path) -> None:
    await pilot.press("3")
    screen(app).offer_job(training)
    await until(pilot, lambda: form_is_open(app))


async def test_the_form_recognises_a_file_of_preference_pairs(
    far_app: FtuiApp, server: MisbehavingServer, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in pair_rows(60)))
    async with far_app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        far_app.screen.post_message(TrainRequested(path))
        await until(pilot, lambda: form_is_open(far_app))
        message = far_app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "60 preference pairs" in str(message.render()))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ftjob-1" in server.jobs)
        assert server.jobs["ftjob-1"]["method"] == {"type": "dpo"}


@pytest.mark.parametrize("size", SIZES)
async def test_the_new_job_form_fits_and_starts_by_keyboard(
    far_app: FtuiApp, server: MisbehavingServer, training: Path, size: tuple[int, int]
) -> None:
    async with far_app.run_test(size=size) as pilot:
        await pilot.press("3")
        far_app.screen.post_message(TrainRequested(training))
        await until(pilot, lambda: form_is_open(far_app))
        message = far_app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "60 rows" in str(message.render()))
        start = far_app.screen.query_one("#start", Button)
        assert start.region.bottom < size[1]
        assert start.region.width > 0
        far_app.screen.query_one("#epochs", Input).value = "2"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "ftjob-1" in server.jobs)
        await until(pilot, lambda: "queued" in headline(far_app))
        method = server.jobs["ftjob-1"]["method"]
        assert method["supervised"]["hyperparameters"] == {"n_epochs": 2}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("epochs", "many", "Epochs: many is not a whole number."),
        ("epochs", "77", "Epochs cannot be used: "),
        ("model", "", "Enter a base model."),
        ("training_file", "", "Enter a training file"),
    ],
)
async def test_an_invalid_field_is_explained_in_one_sentence(
    far_app: FtuiApp, training: Path, field: str, value: str, sentence: str
) -> None:
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_form(far_app, pilot, training)
        far_app.screen.query_one(f"#{field}", Input).value = value
        await pilot.press("ctrl+s")
        message = far_app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: str(message.render()).startswith(sentence))
        assert isinstance(far_app.screen, NewJob)


async def test_a_file_with_errors_blocks_the_start_and_names_the_line(
    far_app: FtuiApp, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("".join(json.dumps(row) + "\n" for row in good_rows(20)) + '{"oops"\n')
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_form(far_app, pilot, bad)
        message = far_app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "line 21" in str(message.render()))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(far_app.screen, NewJob)


async def test_rows_that_the_local_engine_refuses_block_the_start_until_the_model_changes(
    far_app: FtuiApp, tmp_path: Path
) -> None:
    path, model = tmp_path / "tools.jsonl", tmp_path / "model"
    tools = [{"type": "function", "function": {"name": "find"}}]
    rows = [*good_rows(20), {**good_rows(1)[0], "tools": tools}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    model.mkdir()
    config = model / "tokenizer_config.json"
    config.write_text(json.dumps({"chat_template": "{{ messages }}"}))
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_form(far_app, pilot, path)
        far_app.screen.query_one("#provider", Select).value = "local"
        far_app.screen.query_one("#model", Input).value = str(model)
        message = far_app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "does not support tools" in str(message.render()))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(far_app.screen, NewJob)
        far_app.screen.query_one("#model", Input).value = "acme/not-on-this-machine"
        await until(pilot, lambda: "21 rows" in str(message.render()))


async def test_a_refused_job_is_offered_again_with_the_same_values(
    far_app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    body = {"error": {"message": "No such model."}}
    server.faults = [Fault("status", 400, path="fine_tuning/jobs", method="POST", body=body)]
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_form(far_app, pilot, training)
        far_app.screen.query_one("#suffix", Input).value = "mine"
        first = far_app.screen
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form_is_open(far_app) and far_app.screen is not first)
        assert far_app.screen.query_one("#suffix", Input).value == "mine"
        assert any("No such model" in str(note.message) for note in far_app._notifications)


async def test_a_job_of_a_refused_organisation_can_be_trained_on_this_machine(
    far_app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    body = {"error": {"message": "Your organization may not.", "code": "not_allowed"}}
    server.faults = [Fault("status", 403, path="fine_tuning/jobs", method="POST", body=body)]
    async with far_app.run_test(size=(80, 24)) as pilot:
        await open_form(far_app, pilot, training)
        far_app.screen.query_one("#suffix", Input).value = "mine"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(far_app.screen, TrainHere))
        await pilot.press("l")
        await until(pilot, lambda: form_is_open(far_app))
        assert far_app.screen.query_one("#provider", Select).value == "local"
        assert far_app.screen.query_one("#suffix", Input).value == "mine"
