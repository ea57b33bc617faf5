"""What a command loads: help and the domain stay light, and the app paints before heavy imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tui.cli import COMMANDS

HEAVY = ("keyring", "openai", "torch", "transformers", "numpy", "fastapi", "datasets", "pandas")
HELP = """
import contextlib, io
from tui.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(['--help'])
"""
DOMAIN = """
import importlib, pkgutil, tui.domain
for module in pkgutil.walk_packages(tui.domain.__path__, 'tui.domain.'):
    importlib.import_module(module.name)
"""


def loaded_after(code: str) -> set[str]:
    process = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in process.stdout.splitlines()}


@pytest.mark.parametrize(
    "code",
    [HELP, DOMAIN],
    ids=["ftui --help", "tui.domain"],
)
def test_help_and_domain_load_nothing_heavy(code: str) -> None:
    assert not loaded_after(code) & {*HEAVY, "textual"}


def test_the_app_loads_nothing_heavy_before_its_first_paint() -> None:
    assert not loaded_after("import tui.app") & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_module_loads_nothing_heavy(name: str) -> None:
    assert not loaded_after(f"import tui.commands.{name}") & {*HEAVY, "textual"}
