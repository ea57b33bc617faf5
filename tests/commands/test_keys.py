"""`ftui keys`: listing, storing and removing keys without showing them."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from support.command_line import run
from support.providers import KEY
from support.terminal import Terminal

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environ(empty_home: Path, tmp_path: Path) -> dict[str, str]:
    config = empty_home / "config.toml"
    config.write_text('[providers.lab]\nbase_url = "http://lab.example/v1"\n')
    return {
        "FTUI_HOME": str(empty_home),
        "FTUI_CONFIG": str(config),
        "PYTHON_KEYRING_BACKEND": "support.keyrings.InFile",
        "TEST_KEYRING": str(tmp_path / "keyring.json"),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        "OPENAI_API_KEY": KEY,
        "LAB_API_KEY": "",
    }


def test_a_key_is_stored_without_being_shown(environ: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tui", "keys"]
    terminal = Terminal([*command, "set", "lab"], tmp_path, environ)
    terminal.wait_for("Key for lab (not shown):")
    terminal.press(KEY, "enter")
    terminal.wait_for("in the keyring of this machine")
    assert terminal.wait_for_end() == 0
    assert KEY not in terminal.text()
    assert KEY in Path(environ["TEST_KEYRING"]).read_text()

    terminal = Terminal(command, tmp_path, environ)
    terminal.wait_for("environment (OPENAI_API_KEY)")
    assert terminal.wait_for_end() == 0
    assert terminal.text().splitlines() == [
        "local   not needed",
        "openai  environment (OPENAI_API_KEY)",
        "lab     keyring",
    ]


def test_ctrl_c_at_the_prompt_stores_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    terminal = Terminal([sys.executable, "-m", "tui", "keys", "set", "lab"], tmp_path, environ)
    terminal.wait_for("(not shown):")
    terminal.press(KEY[:5])
    os.kill(terminal.pid, signal.SIGINT)
    assert terminal.wait_for_end() == 130
    assert not Path(environ["TEST_KEYRING"]).exists()


def test_the_list_is_json_for_scripts(
    environ: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("LAB_API_KEY", raising=False)
    code, out, err = run(capsys, "keys", "--json")
    assert code == 0
    assert KEY not in out + err
    assert json.loads(out) == [
        {"provider": "local", "source": "not needed", "variable": None},
        {"provider": "openai", "source": "environment", "variable": "OPENAI_API_KEY"},
        {"provider": "lab", "source": "missing", "variable": "LAB_API_KEY"},
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["set"], "needs the name of a provider"),
        (["set", "local"], "needs no key"),
        (["set", "nobody\x1b[31m"], "There is no provider nobody"),
        (["set", "openai"], "No key was entered"),
    ],
)
def test_invalid_key_commands_are_reported(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setattr("sys.stdin", Path("/dev/null").open())  # noqa: SIM115 - ends with the test
    code, _, err = run(capsys, "keys", *arguments)
    assert code == 2
    assert message in err
    assert "\x1b" not in err
