"""Files made to harm a terminal, opened in the real app on one: nothing gets through."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.terminal import Terminal

from tui.services.samples import sample_path

PAYLOADS = {
    "window title": "\x1b]0;PWNED\x07",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "link": "\x1b]8;;http://evil\x1b\\",
    "clear the screen": "\x1b[2J",
    "colour": "\x1b[31m",
    "scroll region": "\x1b[3;5r",
    "report what is on the screen": "\x1b[6n",
    "device control": "\x1bP$q\x1b\\",
    "full reset": "\x1bc",
    "C1 control": "\x9b31m",
    "bell": "\x07",
    "backspace": "\x08",
    "delete": "\x7f",
    "bidi override": "\u202e",
    "bidi isolate": "\u2066",
    "zero width": "\u200b",
    "joiner": "\u200d",
    "soft hyphen": "\u00ad",
    "line separator": "\u2028",
    "tag": "\U000e0041",
}
EVIL = "".join(f"a{payload}z" for payload in PAYLOADS.values()) + "[red][/ [@click=app.quit]quit[/]"
NAME = f"evil {EVIL.replace('/', '')}.jsonl"

_STYLE = rb"(?:[0-9]|[34]8;2;\d+;\d+;\d+)"
OWN = re.compile(
    rb"\x1b\[%b(?:;%b)*m"
    % (_STYLE, _STYLE)  # colours in full, never one by its number
    + rb"|\x1b\[\d+;\d+H"  # where to write
    rb"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1049|2004|2026|2048)[hl]"  # modes
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[[>=]\d+u|\x1b\[<u"  # questions, keyboard
    rb"|\x1b\]22;[a-z-]+\x07"  # shape of the pointer
)
"""What Textual writes of its own accord."""

VIEWS = [
    *("home", "n", "N"),
    *("J", "down", "J"),
    *("enter", "down", "escape"),
    *("s", "escape"),
    *("x", "v", "escape", "u"),
    *("f", "escape", "F", "escape"),
    *("y", "escape", "c", "escape", "a", "escape", "w", "escape"),
    *("/", "lamp", "enter", "escape", "/", "is:invalid", "enter", "down", "escape"),
    *("z", "z", "z", "z"),
    *("o", "escape", "?", "escape"),
]


def foreign(sent: bytes) -> set[str]:
    """What does not come from the app: whatever steers a terminal, or hides or reorders text."""
    rest = OWN.sub(b"", sent).decode("utf-8")
    at = [at for at, char in enumerate(rest) if char not in "\r\n" and _steers(char)]
    return {rest[one : one + 9] for one in at}


def _steers(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or char in "\ufe0f\u3164"
    )


def chat(*messages: dict[str, Any], **more: object) -> bytes:
    return json.dumps({"messages": messages, **more}, ensure_ascii=False).encode()


def rows_with_evil_everywhere() -> list[bytes]:
    user = {"role": "user", "content": f"The lamp {EVIL}"}
    answer = {"role": "assistant", "content": f"It is {EVIL}"}
    function = {"name": EVIL, "arguments": json.dumps({EVIL: EVIL})}
    call = {"id": EVIL, "type": "function", "function": function}
    image = {"type": "image_url", "image_url": {"url": EVIL}}
    declared = {"name": EVIL, "description": EVIL, "parameters": {EVIL: EVIL}}
    return [
        chat({"role": "system", "content": EVIL}, user, answer),
        chat({"role": EVIL, "content": EVIL}, answer),
        chat(user | {EVIL: EVIL}, answer | {"name": EVIL, "weight": EVIL}),
        chat(user, answer, **{EVIL: EVIL}),
        chat(
            user,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": EVIL, "content": EVIL},
            answer,
            tools=[{"type": "function", "function": declared}],
        ),
        chat({"role": "user", "content": [{"type": "text", "text": EVIL}, image]}, answer),
        chat({"role": "user", "content": [{"type": EVIL, EVIL: EVIL}]}, answer),
        json.dumps({"input": EVIL, "ideal_output": EVIL}, ensure_ascii=False).encode(),
        json.dumps({EVIL: EVIL}, ensure_ascii=False).encode(),
        b'{"messages": "' + EVIL.encode(),
        EVIL.encode() + b"\xff\xfe\x80\x9b",
        json.dumps(EVIL).encode(),
    ]


@contextmanager
def app(folder: Path, *arguments: str) -> Iterator[Terminal]:
    """The real app on a pseudo-terminal."""
    environ = {"FTUI_HOME": str(folder), "EDITOR": "true", "VISUAL": "true"}
    terminal = Terminal([sys.executable, "-m", "tui", *arguments], folder, environ)
    try:
        yield terminal
    finally:
        terminal.hang_up()


def go_through(terminal: Terminal, keys: list[str]) -> None:
    """Press keys, each once the last one's work is painted."""
    for key in keys:
        terminal.press(key)
        terminal.wait_until_calm(0.05)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_every_payload_would_be_noticed(payload: str) -> None:
    own = b"\x1b[?2026h\x1b[3;7H\x1b[38;2;1;2;3;1mThe lamp\x1b[0m\r\n\x1b[?2026l\x1b]22;default\x07"
    assert not foreign(own)
    assert foreign(own + payload.encode() + b"z")


@pytest.mark.long
def test_no_control_character_of_a_hostile_file_reaches_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / NAME
    sample = sample_path("hostile.jsonl").read_bytes().splitlines()
    rows = rows_with_evil_everywhere()
    path.write_bytes(b"\n".join(sample + rows))
    with app(tmp_path, str(path)) as terminal:
        terminal.wait_for("lamp")
        terminal.wait_until_calm()
        go_through(terminal, ["down"] * (len(sample) + len(rows)))
        go_through(terminal, VIEWS)
        sent = terminal.sent()
    assert foreign(sent) == set()
    assert "\N{REPLACEMENT CHARACTER}" in terminal.text()


def test_a_file_that_is_not_there_is_told_without_the_controls_in_its_name(tmp_path: Path) -> None:
    with app(tmp_path, str(tmp_path / NAME)) as terminal:
        terminal.wait_for("There is no file")
        terminal.wait_until_calm()
        sent = terminal.sent()
    assert foreign(sent) == set()


def test_the_check_prints_no_control_character_of_a_file_or_its_name(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"\n".join(rows_with_evil_everywhere()))
    command = [sys.executable, "-m", "tui", "check", str(path)]
    terminal = Terminal(command, tmp_path, {"FTUI_HOME": str(tmp_path)})
    assert terminal.wait_for_end() == 1
    assert foreign(terminal.sent()) == set()
    assert "unknown-role" in terminal.text()
