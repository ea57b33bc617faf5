"""The Jobs screen against a real server, at 80x24 and 120x40."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from jobs_screen import SIZES, a_job, hasty, headline, panel_text, rows, screen, until
from sample_rows import good_rows, pair_rows
from servers.misbehaving import Fault, MisbehavingServer
from textual.widgets import Button, Input, Select, Static

from tui.app import FtuiApp
from tui.dialogs.confirm import Confirm
from tui.dialogs.new_job import NewJob
from tui.dialogs.providers import ProviderList
from tui.dialogs.train_here import TrainHere
from tui.domain.job_request import JobRequest
from tui.domain.loop import Mode
from tui.screens.jobs import JobsScreen
from tui.screens.messages import TrainRequested
from tui.services.container import Services
from tui.services.engine_process import EngineProcess
from tui.settings import Settings
from tui.widgets.line_table import LineTable
from tui.widgets.loop_bar import LoopStep


@pytest.fixture
def settings(far_settings: Settings) -> Settings:
    return far_settings


@pytest.fixture
def app(settings: Settings) -> FtuiApp:
    return hasty(settings)


@pytest.fixture
def training(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in good_rows(60)))
    return path


def loop_words(app: FtuiApp) -> str:
    steps = app.screen.query(LoopStep)
    return "".join(str(step.render()) for step in steps if step.mode is Mode.JOBS)


def form_is_open(app: FtuiApp) -> bool:
    return isinstance(app.screen, NewJob) and bool(app.screen.query("#start"))


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_list_says_what_this_is_and_the_key_to_begin(
    app: FtuiApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "Nothing trained yet" in headline(app))
        said = str(app.screen.query_one("#jobs-empty", Static).render())
        assert "Press n for a new job" in said


@pytest.mark.parametrize("size", SIZES)
async def test_a_running_job_is_listed_and_opens_live(
    app: FtuiApp, server: MisbehavingServer, size: tuple[int, int]
) -> None:
    a_job(server)
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)) and "62%" in rows(app)[0])
        assert "▶ running" in rows(app)[0]
        assert "tickets" in rows(app)[0]
        assert "62%" in loop_words(app)
        await pilot.press("enter")
        await until(pilot, lambda: "step 56/90" in panel_text(app))
        assert "best 0.064 at 50" in panel_text(app)
        assert "updated" in panel_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen(app))


async def test_the_loop_bar_follows_a_recorded_job_from_another_screen(
    app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    request = JobRequest(training_file=training, model="base", provider="far")
    await app.services.jobs.submit(request)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "▶ queued" in loop_words(app))
        server.jobs["ftjob-1"]["status"] = "running"
        server.finish()
        await until(pilot, lambda: "✓ succeeded" in loop_words(app))
        assert app.current_mode == Mode.DECIDE.value


async def test_what_happened_while_the_app_was_closed_is_there(
    settings: Settings, server: MisbehavingServer
) -> None:
    a_job(server, 10)
    first = hasty(settings)
    async with first.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(first)) and "11%" in rows(first)[0])
    for step in range(11, 91):
        server.add_step(step, total_steps=90)["created_at"] = time.time() + step
    server.finish()
    again = hasty(settings)
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(again)) and "succeeded" in rows(again)[0])
        await pilot.press("enter")
        await until(pilot, lambda: "step 90/90" in panel_text(again))
        assert "→ ft:base:ftjob-1" in headline(again)


async def test_hostile_names_and_messages_are_shown_scrubbed(
    app: FtuiApp, server: MisbehavingServer
) -> None:
    evil = "x\x1b]0;PWNED\x07[/red]y"
    a_job(server, suffix=evil, model=evil)
    server.say(evil, time.time())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)) and "62%" in rows(app)[0])
        await pilot.press("enter")
        await until(pilot, lambda: "step 56/90" in panel_text(app))
        assert "\x1b" not in headline(app)
        assert "[/red]y" in headline(app)
        events = app.screen.query_one("#job-events", LineTable)
        assert "[/red]y" in events.render_line(1).text


@pytest.mark.parametrize("size", SIZES)
async def test_a_job_is_cancelled_only_after_a_yes(
    app: FtuiApp, server: MisbehavingServer, size: tuple[int, int]
) -> None:
    a_job(server)
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)))
        await pilot.press("C")
        await until(
            pilot, lambda: isinstance(app.screen, Confirm) and bool(app.screen.query(Button))
        )
        await pilot.press("n")
        await pilot.pause()
        assert server.jobs["ftjob-1"]["status"] == "running"
        await pilot.press("C")
        await until(
            pilot, lambda: isinstance(app.screen, Confirm) and bool(app.screen.query(Button))
        )
        await pilot.press("y")
        await until(pilot, lambda: server.jobs["ftjob-1"]["status"] == "cancelled")
        await until(pilot, lambda: "cancelled" in rows(app)[0])


async def test_what_cannot_be_done_says_why(app: FtuiApp, server: MisbehavingServer) -> None:
    a_job(server)
    server.finish(status="failed")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)))
        here = screen(app)
        assert "has ended" in str(here.reason_against("cancel"))
        assert "succeeded" in str(here.reason_against("evaluate"))


async def test_a_finished_job_goes_on_to_its_evaluation(
    app: FtuiApp, server: MisbehavingServer
) -> None:
    a_job(server)
    server.finish()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)) and "succeeded" in rows(app)[0])
        await pilot.press("e")
        await until(pilot, lambda: app.current_mode == Mode.EVALUATE.value)


async def test_the_new_job_form_knows_a_file_of_pairs(
    app: FtuiApp, server: MisbehavingServer, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in pair_rows(60)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        app.screen.post_message(TrainRequested(path))
        await until(pilot, lambda: form_is_open(app))
        word = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "60 pairs of answers" in str(word.render()))
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
        word = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "60 rows" in str(word.render()))
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
async def test_a_wrong_answer_in_the_form_is_one_plain_sentence(
    app: FtuiApp, training: Path, field: str, value: str, sentence: str
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen(app).offer_job(training)
        await until(pilot, lambda: form_is_open(app))
        app.screen.query_one(f"#{field}", Input).value = value
        await pilot.press("ctrl+s")
        word = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: str(word.render()).startswith(sentence))
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
        word = app.screen.query_one("#new-job-word", Static)
        await until(pilot, lambda: "line 21" in str(word.render()))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, NewJob)


async def test_a_refused_job_is_offered_again_with_the_same_answers(
    app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    said = {"error": {"message": "No such model."}}
    server.faults = [Fault("status", 400, path="fine_tuning/jobs", method="POST", body=said)]
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


async def test_a_refused_organisation_trains_the_same_on_this_machine_by_one_key(
    app: FtuiApp, server: MisbehavingServer, training: Path
) -> None:
    said = {"error": {"message": "Your organization may not.", "code": "not_allowed"}}
    server.faults = [Fault("status", 403, path="fine_tuning/jobs", method="POST", body=said)]
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


async def test_what_a_server_cannot_do_is_told_once_and_greyed_out_then(
    app: FtuiApp, server: MisbehavingServer
) -> None:
    a_job(server)
    server.lacks = {"pause", "ftui-no-such-path"}
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: bool(rows(app)))
        assert screen(app).reason_against("pause") is None
        await pilot.press("p")
        await until(pilot, lambda: screen(app).reason_against("pause") is not None)
        assert "far cannot pause a job" in str(screen(app).reason_against("pause"))
        await pilot.press("P")
        await until(pilot, lambda: isinstance(app.screen, ProviderList))
        await pilot.press("escape")
        assert isinstance(app.screen, JobsScreen)


async def test_a_machine_without_the_extra_gets_the_install_line(
    settings: Settings, training: Path
) -> None:
    services = Services(settings.model_copy(update={"provider": "local"}))
    services.engine = EngineProcess(services.settings, extra=["torch_that_is_not_installed"])
    app = FtuiApp(services)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "Nothing trained yet" in headline(app))
        said = str(app.screen.query_one("#jobs-empty", Static).render())
        assert 'pip install "fine-tui[local]"' in said
        assert "[local]" in said


async def test_listing_does_not_start_the_engine(app: FtuiApp, settings: Settings) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "Nothing trained yet" in headline(app))
        await asyncio.sleep(0.2)
        assert not settings.socket.exists()
        assert not settings.home.exists()
