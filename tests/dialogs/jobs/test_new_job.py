"""The form for a new job: its fields, its forecast and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.misbehaving import misbehaving_server
from support.dialog_app import DialogApp, showing
from support.sample_rows import chat_row, good_rows, pair_rows
from support.waiting import until
from textual.widgets import Button, Input, Select

from tui.dialogs.jobs.job_fields import FIELDS, FieldError, form_values, read_request
from tui.dialogs.jobs.new_job import NewJob
from tui.domain.providers.kinds import KINDS
from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services
from tui.services.workspace.job_log import JobFile, JobLog
from tui.settings import ProviderProfile, Settings

SIZES = [(80, 24), (120, 40), (60, 16)]
FAR = ProviderProfile(base_url="https://api.openai.com/v1")


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(
        Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui", providers={"openai": FAR})
    )


@pytest.fixture
def training(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in good_rows(60)))
    return path


def message(app: DialogApp[object]) -> str:
    return app.static_text("#new-job-word")


def type_into(app: DialogApp[object], **values: str) -> None:
    for name, value in values.items():
        app.dialog.query_one(f"#{name}", Input).value = value


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_the_start_button_is_visible_and_every_field_reachable(
    services: Services, training: Path, size: tuple[int, int]
) -> None:
    async with showing(NewJob(services, training), size) as (app, pilot):
        await until(pilot, lambda: "60 rows" in message(app))
        reached = set()
        for _ in range(len(FIELDS) + 2):
            app.screen.focus_next()
            await pilot.pause()
            focused = app.screen.focused
            assert focused is not None
            geometry = app.screen.find_widget(focused)
            assert geometry.visible_region == geometry.region, f"{focused.id} is out of sight"
            reached.add(focused.id)
            start = app.screen.find_widget(app.dialog.query_one("#start", Button))
            assert start.visible_region == start.region
            assert start.region.bottom <= size[1]
        assert set(FIELDS) <= reached


@pytest.mark.parametrize("size", SIZES)
async def test_the_forecast_is_visible(
    services: Services, training: Path, size: tuple[int, int]
) -> None:
    async with showing(NewJob(services, training), size) as (app, pilot):
        await until(pilot, lambda: "60 rows" in message(app))
        assert "3 epochs · 90 steps" in app.screen_text()
        assert "time: unknown" in app.screen_text()


async def test_the_focused_field_shows_its_help(services: Services, training: Path) -> None:
    async with showing(NewJob(services, training)) as (app, pilot):
        for name, words in (
            ("epochs", "Passes over the training file"),
            ("model", "SmolLM2-135M-Instruct"),
            ("beta", "For dpo"),
            ("more", "lora_alpha"),
        ):
            app.dialog.query_one(f"#{name}").focus()
            await until(pilot, lambda words=words: words in app.static_text("#new-job-about"))  # type: ignore[misc]
        type_into(app, more="lora_dropout=0.1")
        await until(pilot, lambda: "against overfitting" in app.static_text("#new-job-about"))


async def test_the_shutdown_date_of_a_model_is_shown(tmp_path: Path) -> None:
    async with misbehaving_server() as server:
        server.models = {"data": [{"id": "old-base", "shutdown_date": "2099-01-14"}]}
        far = ProviderProfile(base_url=server.url, api_key_env="")
        services = Services(
            Settings(home=tmp_path, workspace=tmp_path / ".ftui", providers={"far": far})
        )
        await services.probing.probe("far")
        await services.providers.close()
    request = JobRequest(training_file_id="file-9", model="old-base", provider="far")
    async with showing(NewJob(services, request=request)) as (app, pilot):
        app.dialog.query_one("#model").focus()
        await until(pilot, lambda: "It ends 2099-01-14, in" in app.static_text("#new-job-about"))


async def test_lora_fields_are_hidden_for_servers_without_lora(
    services: Services, training: Path
) -> None:
    async with showing(NewJob(services, training)) as (app, pilot):
        assert app.dialog.query_one("#lora").region.width > 0
        app.dialog.query_one("#provider", Select).value = "openai"
        type_into(app, model="gpt-4.1-mini", lora_r="8")
        await until(pilot, lambda: "price: about" in message(app))
        assert app.dialog.query_one("#lora").region.width == 0
        await pilot.press("ctrl+s")
        await pilot.pause()
        (request,) = app.answers
        assert request.hyperparameters == {}


async def test_a_validation_share_is_in_forecast_and_request(
    services: Services, training: Path
) -> None:
    async with showing(NewJob(services, training)) as (app, pilot):
        type_into(app, validation_file="10%", epochs="2", batch_size="4", more="packing=no")
        await until(pilot, lambda: "54 rows" in message(app))
        assert "2 epochs · 28 steps" in message(app)
        await pilot.press("ctrl+s")
        await pilot.pause()
        (request,) = app.answers
        assert request.validation_share == 0.1
        assert request.hyperparameters == {"packing": False}


async def test_truncation_is_shown_before_the_start(
    services: Services, tmp_path: Path, tiny_model: Path
) -> None:
    path = tmp_path / "long.jsonl"
    rows = [*good_rows(20), chat_row("why?", "because " * 400)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with showing(NewJob(services, path), (120, 40)) as (app, pilot):
        type_into(app, model=str(tiny_model))
        await until(pilot, lambda: "! truncated: " in message(app))
        assert "tokens of 1 row; limit 512 tokens per example" in message(app)
        assert "counted by tiny-llama" in message(app)
        type_into(app, more="context_length=64")
        await until(pilot, lambda: "limit 64 tokens per example" in message(app))


async def test_the_file_is_checked_while_other_fields_are_missing(
    services: Services, training: Path
) -> None:
    async with showing(NewJob(services)) as (app, pilot):
        type_into(app, model="", training_file=str(training))
        await until(pilot, lambda: message(app) == "Enter a base model.")
        await pilot.pause(0.5)
        type_into(app, model="gpt-4.1-mini")
        await until(pilot, lambda: "60 rows" in message(app))


async def test_a_measured_job_gives_a_time_estimate(services: Services, training: Path) -> None:
    model = services.settings.model
    log = JobLog(services.workspace, "local", "ftjob-1")
    earlier = JobRequest(training_file=training, model=model, provider="local", method="supervised")
    request = earlier.model_copy(update={"suffix": "tickets"})
    await log.save_job_file(
        JobFile(provider="local", id="ftjob-1", created_at=1.0, request=request)
    )
    metrics = [
        {"type": "metrics", "id": str(i), "at": 100.0 + 2 * i, "step": i, "num_tokens": 500 * i}
        for i in range(1, 11)
    ]
    await log.append(metrics)
    async with showing(NewJob(services, training)) as (app, pilot):
        await until(pilot, lambda: "measured in tickets" in message(app))


async def test_errors_of_the_file_block_and_warnings_are_shown(
    services: Services, training: Path, tmp_path: Path
) -> None:
    async with showing(NewJob(services, training)) as (app, pilot):
        with training.open("a") as file:
            file.write('{"oops"\n')
        type_into(app, training_file=str(training) + " ")
        bad = tmp_path / "bad.jsonl"
        bad.write_bytes(training.read_bytes())
        type_into(app, training_file=str(bad))
        await until(pilot, lambda: "line 61" in message(app))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.open
        warned = tmp_path / "warned.jsonl"
        warned.write_text("".join(json.dumps(row) + "\n" for row in good_rows(20)))
        type_into(app, training_file=str(warned))
        await until(pilot, lambda: "! The file has 20 examples" in message(app))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert not app.open


async def test_a_method_that_does_not_fit_the_rows_is_reported(
    services: Services, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in pair_rows(60)))
    async with showing(NewJob(services, path)) as (app, pilot):
        await until(pilot, lambda: "60 preference pairs" in message(app))
        app.dialog.query_one("#method", Select).value = "supervised"
        await until(pilot, lambda: "the method must be dpo, not supervised" in message(app))
        app.dialog.query_one("#method", Select).value = "dpo"
        type_into(app, beta="0.3")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert (app.answers[0].method, app.answers[0].beta) == ("dpo", 0.3)


async def test_a_rerun_starts_with_all_earlier_values(services: Services, training: Path) -> None:
    request = JobRequest(
        training_file=training,
        model="m",
        provider="local",
        method="supervised",
        epochs=4,
        learning_rate_multiplier=0.5,
        hyperparameters={"lora": False, "warmup_ratio": 0.1},
        suffix="again",
        seed=11,
    )
    async with showing(NewJob(services, request=request)) as (app, pilot):
        assert app.static_text("#new-job-title") == "Rerun with changes"
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.answers == [request]


async def test_a_file_at_the_server_is_reused(
    services: Services,
) -> None:
    request = JobRequest(training_file_id="file-9", model="m", provider="local")
    async with showing(NewJob(services, request=request)) as (app, pilot):
        await until(pilot, lambda: "Trains on file-9, a file already at local" in message(app))
        app.dialog.query_one("#provider", Select).value = "openai"
        await until(pilot, lambda: "file-9 is a file at local" in message(app))
        app.dialog.query_one("#provider", Select).value = "local"
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.answers == [request]


async def test_untrusted_text_in_the_form_is_scrubbed(services: Services, tmp_path: Path) -> None:
    path = tmp_path / "x\x1b]0;PWNED\x07[red].jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in good_rows(60)))
    async with showing(NewJob(services, path)) as (app, pilot):
        assert "\x1b" not in app.dialog.query_one("#training_file", Input).value
        await until(pilot, lambda: "60 rows" in message(app))
        type_into(app, training_file="no[/red]thing")
        await until(pilot, lambda: "no[/red]thing" in message(app))
        assert all(
            str(title.render()).isprintable() for title in app.dialog.query("#new-job-title")
        )


_WILD = st.text(max_size=30) | st.sampled_from(
    [
        "auto",
        "",
        "0",
        "-1",
        "1e999",
        "nan",
        "10%",
        "100%",
        "9" * 5000,
        "~\0",
        "a=b",
        "lora=yes",
        "٣",
    ]
)
_VALUES = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, _WILD))
_SERVERS = st.sampled_from(list(KINDS.values()))


@settings(max_examples=100, deadline=None)
@given(_VALUES, _SERVERS)
def test_any_values_give_a_request_or_a_field_error(values: dict[str, str], server: object) -> None:
    try:
        request = read_request(values, server)  # type: ignore[arg-type]
    except FieldError as error:
        reason = str(error)
        assert reason.endswith((".", "?"))
        assert len(reason) < 400
    else:
        stored = JobRequest.model_validate_json(request.model_dump_json())
        assert stored == request


_REQUESTS = st.builds(
    JobRequest,
    training_file=st.sampled_from([Path("a.jsonl"), Path("/b c/d.jsonl")]),
    model=st.sampled_from(["m", "org/name"]),
    provider=st.just("local"),
    validation_file=st.none() | st.just(Path("v.jsonl")),
    method=st.sampled_from([None, "dpo"]),
    epochs=st.none() | st.integers(1, 50),
    batch_size=st.none() | st.integers(1, 256),
    learning_rate_multiplier=st.none() | st.floats(1e-6, 1000),
    beta=st.none() | st.floats(1e-6, 2),
    hyperparameters=st.dictionaries(
        st.sampled_from(["lora_r", "own", "checkpoint_steps"]), st.integers(1, 10**6)
    ),
    suffix=st.none() | st.from_regex(r"[a-z]{1,18}", fullmatch=True),
    seed=st.none() | st.integers(0, 2**31 - 1),
)


@given(_REQUESTS)
def test_form_values_convert_back_to_the_same_request(request: JobRequest) -> None:
    assert read_request(form_values(request), KINDS["local"]) == request
