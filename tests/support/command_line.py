"""Commands as scripts call them: exit code, standard output, standard error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tui.cli import main

Run = Callable[..., tuple[int, list[Any], str]]
"""Runs a command: its exit code, the JSON values it printed, and its standard error."""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run `ftui ARGUMENTS`."""
    code = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def checked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    """Run `ftui check ARGUMENTS --json`; nothing may be printed to standard error."""
    code, out, err = run(capsys, "check", *arguments, "--json")
    assert err == ""
    assert out.isascii()
    return code, json.loads(out)
