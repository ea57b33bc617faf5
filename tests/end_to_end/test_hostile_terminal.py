"""Files crafted to harm a terminal, opened in the real app: no control character gets through."""

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
    "clear screen": "\x1b[2J",
    "colour": "\x1b[31m",
    "scroll region": "\x1b[3;5r",
    "cursor position report": "\x1b[6n",
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
HOSTILE = (
    "".join(f"a{payload}z" for payload in PAYLOADS.values()) + "[red][/ [@click=app.quit]quit[/]"
)
NAME = f"hostile {HOSTILE.replace('/', '')}.jsonl"

_STYLE = rb"(?:[0-9]|[34]8;2;\d+;\d+;\d+)"
APP_SEQUENCES = re.compile(
    rb"\x1b\[%b(?:;%b)*m"
    % (_STYLE, _STYLE)  # true colours, never by index
    + rb"|\x1b\[\d+;\d+H"  # cursor position
    rb"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1049|2004|2026|2048)[hl]"  # modes
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[[>=]\d+u|\x1b\[<u"  # queries, keyboard protocol
    rb"|\x1b\]22;[a-z-]+\x07"  # pointer shape
)
"""What Textual itself writes."""

TOUR = [
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


def foreign(output: bytes) -> set[str]:
    """Characters that the app never writes: control, hidden and reordering ones."""
    rest = APP_SEQUENCES.sub(b"", output).decode("utf-8")
    starts = [at for at, char in enumerate(rest) if char not in "\r\n" and _is_control(char)]
    return {rest[start : start + 9] for start in starts}


def _is_control(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or char in "\ufe0f\u3164"
    )


def chat(*messages: dict[str, Any], **more: object) -> bytes:
    return json.dumps({"messages": messages, **more}, ensure_ascii=False).encode()


def hostile_rows() -> list[bytes]:
    user = {"role": "user", "content": f"The lamp {HOSTILE}"}
    answer = {"role": "assistant", "content": f"It is {HOSTILE}"}
    function = {"name": HOSTILE, "arguments": json.dumps({HOSTILE: HOSTILE})}
    call = {"id": HOSTILE, "type": "function", "function": function}
    image = {"type": "image_url", "image_url": {"url": HOSTILE}}
    declaration = {"name": HOSTILE, "description": HOSTILE, "parameters": {HOSTILE: HOSTILE}}
    return [
        chat({"role": "system", "content": HOSTILE}, user, answer),
        chat({"role": HOSTILE, "content": HOSTILE}, answer),
        chat(user | {HOSTILE: HOSTILE}, answer | {"name": HOSTILE, "weight": HOSTILE}),
        chat(user, answer, **{HOSTILE: HOSTILE}),
        chat(
            user,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": HOSTILE, "content": HOSTILE},
            answer,
            tools=[{"type": "function", "function": declaration}],
        ),
        chat({"role": "user", "content": [{"type": "text", "text": HOSTILE}, image]}, answer),
        chat({"role": "user", "content": [{"type": HOSTILE, HOSTILE: HOSTILE}]}, answer),
        json.dumps({"input": HOSTILE, "ideal_output": HOSTILE}, ensure_ascii=False).encode(),
        json.dumps({HOSTILE: HOSTILE}, ensure_ascii=False).encode(),
        b'{"messages": "' + HOSTILE.encode(),
        HOSTILE.encode() + b"\xff\xfe\x80\x9b",
        json.dumps(HOSTILE).encode(),
    ]


@contextmanager
def app(folder: Path, *arguments: str) -> Iterator[Terminal]:
    """The real app on a pseudo-terminal."""
    environment = {"FTUI_HOME": str(folder), "EDITOR": "true", "VISUAL": "true"}
    terminal = Terminal([sys.executable, "-m", "tui", *arguments], folder, environment)
    try:
        yield terminal
    finally:
        terminal.hang_up()


def press_all(terminal: Terminal, keys: list[str]) -> None:
    """Press keys, each once the last one's effect is painted."""
    for key in keys:
        terminal.press(key)
        terminal.wait_until_calm(0.05)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_every_payload_would_be_detected(payload: str) -> None:
    output = (
        b"\x1b[?2026h\x1b[3;7H\x1b[38;2;1;2;3;1mThe lamp\x1b[0m\r\n\x1b[?2026l\x1b]22;default\x07"
    )
    assert not foreign(output)
    assert foreign(output + payload.encode() + b"z")


@pytest.mark.long
def test_no_control_character_of_a_hostile_file_reaches_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / NAME
    sample = sample_path("hostile.jsonl").read_bytes().splitlines()
    rows = hostile_rows()
    path.write_bytes(b"\n".join(sample + rows))
    with app(tmp_path, str(path)) as terminal:
        terminal.wait_for("lamp")
        terminal.wait_until_calm()
        press_all(terminal, ["down"] * (len(sample) + len(rows)))
        press_all(terminal, TOUR)
        output = terminal.output()
    assert foreign(output) == set()
    assert "\N{REPLACEMENT CHARACTER}" in terminal.text()


def test_a_missing_file_is_reported_without_the_control_characters_of_its_name(
    tmp_path: Path,
) -> None:
    with app(tmp_path, str(tmp_path / NAME)) as terminal:
        terminal.wait_for("There is no file")
        terminal.wait_until_calm()
        output = terminal.output()
    assert foreign(output) == set()


def test_the_check_prints_no_control_character_of_a_file_or_its_name(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"\n".join(hostile_rows()))
    command = [sys.executable, "-m", "tui", "check", str(path)]
    terminal = Terminal(command, tmp_path, {"FTUI_HOME": str(tmp_path)})
    assert terminal.wait_for_end() == 1
    assert foreign(terminal.output()) == set()
    assert "unknown-role" in terminal.text()
