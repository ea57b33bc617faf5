"""The documents agree with the code: keys of the screens, commands in the README."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from textual.binding import Binding

from tui.app import FtuiApp, screen_class
from tui.cli import COMMANDS, command_parser
from tui.domain.loop import Mode
from tui.screens.chat.screen import ChatScreen
from tui.screens.jobs.comparison_screen import RunComparisonScreen
from tui.screens.jobs.job_screen import JobScreen
from tui.services.container import Services
from tui.settings import Settings, load_settings
from tui.widgets.chat.message_input import MessageInput
from tui.widgets.jobs.chart_pane import JobChart
from tui.widgets.jobs.loss_chart import LossChart

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROW = re.compile(r"^\| `([^|]+)` \| ([^|]+) \|[^|]*\|$", re.MULTILINE)


def section(title: str) -> str:
    text = (ROOT / "screens.md").read_text()
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"screens.md has no section '## {title}'"
    return match[1]


def keys_written(title: str) -> set[tuple[str, str]]:
    return {(key.strip(), description.strip()) for key, description in ROW.findall(section(title))}


def keys_bound(app: FtuiApp, bindings: object) -> set[tuple[str, str]]:
    keys_of: dict[tuple[str, str], list[str]] = {}
    for binding in Binding.make_bindings(bindings):  # type: ignore[arg-type]
        if binding.description:
            keys = keys_of.setdefault((binding.action, binding.description), [])
            keys.append(binding.key_display or app.get_key_display(binding))
    return {
        (" ".join(dict.fromkeys(keys)), description) for (_, description), keys in keys_of.items()
    }


@pytest.mark.parametrize("mode", list(Mode))
def test_the_keys_in_screens_md_are_those_of_the_screen(mode: Mode, tmp_path: Path) -> None:
    app = FtuiApp(Services(Settings(workspace=tmp_path)))
    assert keys_written(f"{mode.key} {mode.label}") == keys_bound(app, screen_class(mode).BINDINGS)


def test_the_keys_on_one_job_are_in_screens_md(tmp_path: Path) -> None:
    app = FtuiApp(Services(Settings(workspace=tmp_path)))
    assert keys_written("3 Jobs: one job") == keys_bound(app, JobScreen.BINDINGS)


def test_the_keys_of_a_chat_are_in_screens_md(tmp_path: Path) -> None:
    app = FtuiApp(Services(Settings(workspace=tmp_path)))
    bound = keys_bound(app, [*MessageInput.BINDINGS, *ChatScreen.BINDINGS])
    assert keys_written("3 Jobs: chat") == bound


def test_the_keys_on_a_chart_are_in_screens_md(tmp_path: Path) -> None:
    app = FtuiApp(Services(Settings(workspace=tmp_path)))
    bindings = [*LossChart.BINDINGS, *JobChart.BINDINGS]
    assert keys_written("3 Jobs: the chart") == keys_bound(app, bindings)


def test_the_keys_on_compared_runs_are_in_screens_md(tmp_path: Path) -> None:
    app = FtuiApp(Services(Settings(workspace=tmp_path)))
    assert keys_written("3 Jobs: runs compared") == keys_bound(app, RunComparisonScreen.BINDINGS)


def test_the_keys_that_work_anywhere_are_in_screens_md(tmp_path: Path) -> None:
    app = FtuiApp(Services(Settings(workspace=tmp_path)))
    assert keys_written("Everywhere") == keys_bound(app, FtuiApp.BINDINGS)


def test_the_readme_opens_with_the_two_commands_that_ci_runs() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    first, second = blocks[:2]
    assert first.count("\n") == second.count("\n") == 1
    assert first.rstrip().endswith(".venv/bin/ftui sample_data/tickets_train.jsonl")
    assert second.rstrip().endswith("&& .venv/bin/pytest -n 2")


def test_the_readme_names_every_command_and_no_other() -> None:
    table = re.findall(r"^\| (`ftui .*?) \| [^|]*\|$", (ROOT / "README.md").read_text(), re.M)
    commands = {name for cell in table for name in re.findall(r"`ftui ([a-z]+)", cell)}
    assert commands == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_parses(page: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S)
    for line in (line for block in blocks for line in block.splitlines()):
        words = shlex.split(line, comments=True)
        if words[:1] == ["ftui"]:
            command_parser(words[1]).parse_args(words[2:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_config_in_the_documents_loads(page: Path, tmp_path: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.M | re.S):
        config = tmp_path / "config.toml"
        config.write_text(block)
        assert load_settings(environ={"FTUI_CONFIG": str(config)}).model


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_in_the_documents_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).is_file()] == []


def test_the_readme_links_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [
        page.name for page in PAGES if page.name != "README.md" and page.name not in readme
    ] == []
