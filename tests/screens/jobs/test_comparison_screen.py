"""The comparison of runs, without a server, at 80x24 and 120x40."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from support.command_line import run
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Static

from tui.app import FtuiApp
from tui.screens.jobs.comparison_screen import RunComparisonScreen
from tui.screens.jobs.list_screen import JobsScreen
from tui.services.container import Services
from tui.services.submission.upload_records import UploadedFile, UploadRecords
from tui.services.workspace.job_log import JobFile, JobLog, JobRequest
from tui.settings import ProviderProfile, Settings
from tui.widgets.jobs.loss_chart import LossChart
from tui.widgets.line_table import LineTable

EVIL = "x\x1b]0;PWNED\x07[/red]y"


async def recorded(tmp_path: Path) -> Settings:
    """A workspace with four ended runs of two unreachable providers."""
    unreachable = ProviderProfile(base_url="http://127.0.0.1:9/v1", api_key_env="")
    settings = Settings(
        home=tmp_path / "home",
        workspace=tmp_path / ".ftui",
        provider="far",
        providers={"far": unreachable, "near": unreachable},
    )
    workspace = Services(settings).workspace
    for number, name in enumerate(("one", "two", "three", EVIL)):
        provider = ("far", "near")[number % 2]
        log = JobLog(workspace, provider, f"ftjob-{number}")
        request = JobRequest(
            training_file=tmp_path / "train.jsonl", model="base", provider=provider
        )
        await log.save_job_file(JobFile(provider=provider, id=log.job, request=request))
        await log.append(
            [
                {
                    "type": "status",
                    "at": 2_000.0 - number,
                    "created_at": 2_000.0 - number,
                    "status": "succeeded",
                    "model": "base",
                    "suffix": name,
                    "settings": {"n_epochs": 2 + number, "seed": 7, "training_file": "file-1"},
                },
                *(
                    {
                        "type": "metrics",
                        "id": f"e{step}",
                        "at": 1_000.0 + step,
                        "step": step,
                        "train_loss": 3 / step + number / 10,
                        "valid_loss": 3.5 / step + number / 10,
                    }
                    for step in range(1, 31)
                ),
            ]
        )
        uploaded = UploadedFile(name="train.jsonl", sha256="ab" * 32, bytes=1, file="file-1")
        await UploadRecords(workspace, provider).save(uploaded)
    return settings


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    return await recorded(tmp_path)


async def open_comparison(pilot: Pilot[None], marks: int) -> RunComparisonScreen:
    app = pilot.app
    await pilot.press("3")
    await until(
        pilot, lambda: isinstance(app.screen, JobsScreen) and len(app.screen.board.order) == 4
    )
    await pilot.press("g", *["space"] * marks, "equals_sign")
    await until(pilot, lambda: isinstance(app.screen, RunComparisonScreen))
    screen = app.screen
    assert isinstance(screen, RunComparisonScreen)
    await until(pilot, lambda: bool(screen.rows))
    return screen


def table(screen: RunComparisonScreen) -> list[str]:
    lines = screen.query_one(LineTable)
    return [lines.render_line(y).text.rstrip() for y in range(lines.size.height)]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_marked_runs_are_compared_without_a_server(
    settings: Settings, size: tuple[int, int]
) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=size) as pilot:
        screen = await open_comparison(pilot, marks=4)
        headline = str(screen.query_one("#headline", Static).render())
        assert headline.startswith("4 runs · best validation loss 0.117: A one at step 30")
        lines = table(screen)
        assert [title in lines[0] for title in ("A one", "B two")] == [True, True]
        assert ("D x" in lines[0]) == (size[0] == 120)
        assert lines[1].startswith("▸ ≠ provider")
        assert any(line.startswith("    seed") for line in lines)
        assert any("train.jsonl (abababab)" in line for line in lines)
        chart = screen.query_one(LossChart)
        chart_lines = "\n".join(chart.render_line(y).text for y in range(chart.size.height))
        assert "B two" in chart_lines
        assert not any("\x1b" in text for text in (*lines, chart_lines, headline))
        if size[0] == 80:
            await pilot.press("right_square_bracket", "right_square_bracket")
            await pilot.pause()
            assert "D x�[/red]y" in table(screen)[0]
        await pilot.press("d")
        await pilot.pause()
        assert not any(line.startswith("    ") for line in table(screen) if line.strip())
        await pilot.press("v")
        await pilot.pause()
        chart_lines = "\n".join(chart.render_line(y).text for y in range(chart.size.height))
        assert "validation" not in chart_lines
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))


async def test_a_single_run_cannot_be_compared(settings: Settings) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen = app.screen
        assert isinstance(screen, JobsScreen)
        await until(pilot, lambda: len(screen.board.order) == 4)
        await pilot.press("space")
        assert screen.disabled_reason("compare") == "Mark two to six jobs with space first."
        await pilot.press("equals_sign")
        assert app.screen is screen


def test_the_command_prints_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = asyncio.run(recorded(tmp_path))
    monkeypatch.setenv("FTUI_WORKSPACE", str(settings.workspace))
    monkeypatch.setenv("FTUI_HOME", str(settings.home))
    monkeypatch.setenv("FTUI_CONFIG", str(tmp_path / "none.toml"))
    code, out, _ = run(capsys, "jobs", "--compare", "ftjob-0", "ftjob-1", "--json")
    comparison = json.loads(out)
    assert code == 0
    assert comparison["jobs"][1] == {"job": "ftjob-1", "provider": "near"}
    assert {"name": "n_epochs", "values": ["2", "3"], "differs": True} in comparison["rows"]
    code, out, _ = run(capsys, "jobs", "--compare", "ftjob-0", "ftjob-3")
    assert out.splitlines()[0].split() == ["one", "x�[/red]y"]
    assert "≠ n_epochs" in out
    code, out, err = run(capsys, "jobs", "--compare", "ftjob-0", "ftjob-9")
    assert (code, out) == (2, "")
    assert "There is no job ftjob-9." in err
