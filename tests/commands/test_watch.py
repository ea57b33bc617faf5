"""`ftui watch`: one live line on a terminal, plain lines elsewhere, and how it ends."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.command_line import Run
from support.terminal import Terminal

from tui.cli import main
from tui.commands.console.output import in_characters_of
from tui.commands.console.status_line import StatusLine

WATCH = [sys.executable, "-m", "tui", "watch"]


def a_run(server: MisbehavingServer, count: int, **data: float) -> None:
    server.add_job(suffix="tickets")
    for step in range(1, count + 1):
        server.add_step(step, **data)


@pytest.mark.long
def test_a_terminal_shows_one_live_line_and_prints_messages_above_it(
    far: MisbehavingServer, tmp_path: Path
) -> None:
    a_run(far, 40)
    far.add_message("Half way \x1b[2J", at=1_700_000_020.5)
    for step, loss in ((41, 0.5), (42, 0.6), (43, 0.7), (44, 0.8)):
        far.add_step(step, valid_loss=loss)
    far.clock_ahead = 1_700_000_044 - time.time()
    watch = Terminal([*WATCH, "last"], tmp_path, {}, 120, 24)
    watch.wait_for("▶ running 44%  step 44/100  ETA ")
    watch.wait_for("! Validation loss has risen since step 41: 0.800 now")
    far.finish()
    watch.wait_for("✓ succeeded  tickets")
    assert watch.wait_for_end() == 0
    screen_text = watch.text()
    assert "loss 0.068 ↓  valid 0.800" in screen_text
    assert "Half way �" in screen_text
    assert "No step for" not in screen_text, "the server's clock is behind"
    assert "step 43" not in screen_text, "a step is no line of its own"
    assert screen_text.count("has risen since") == 1


def test_output_without_escape_sequences_is_one_line_for_each_record(
    far: MisbehavingServer, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    a_run(far, 3)
    far.finish()
    assert main(["watch", "last"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert [line.split("  ", 1)[1] for line in out.splitlines()] == [
        "step 1/100  train_loss 3.000",
        "step 2/100  train_loss 1.500",
        "step 3/100  train_loss 1.000",
        "succeeded  ft:base:ftjob-1",
    ]


def test_symbols_are_ascii_if_the_encoding_is_not_utf8() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert in_characters_of(stream, "▶ running  loss 0.5 ↓ …") == "> running  loss 0.5 v ."
    assert in_characters_of(stream, "日本 ✓") == "?? +"
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert in_characters_of(latin, "fünf · sechs") == "fünf · sechs"


def test_a_closed_pipe_ends_the_watch_without_a_message(far: MisbehavingServer) -> None:
    a_run(far, 500)
    with subprocess.Popen(
        [*WATCH, "last", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as watch:
        assert watch.stdout
        assert watch.stderr
        assert b'"step": 1,' in watch.stdout.readline()
        watch.stdout.close()
        assert watch.stderr.read() == b""
    assert watch.returncode == 141


def test_a_vanished_job_ends_the_watch_with_its_records_and_one_sentence(
    far: MisbehavingServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.services.watching.watch._MAX_NOT_FOUND", 1)
    a_run(far, 2)
    far.can_pause = True
    run("pause", "last", "--json")
    far.missing_paths = {"/ftjob-1"}
    code, lines, err = run("watch", "ftjob-1", "--json")
    assert code == 2
    assert [line["status"] for line in lines] == ["paused"]
    assert "The recorded history is kept." in err
    assert err.count("\n") == 1


def test_a_connection_failure_and_its_end_are_reported_once_on_standard_error(
    far: MisbehavingServer, run: Run
) -> None:
    a_run(far, 2)
    far.finish()
    far.faults = [Fault("status", 503, path="/events")]
    code, lines, err = run("watch", "ftjob-1", "--json")
    assert (code, len(lines)) == (0, 3)
    assert re.fullmatch(
        r"ftui: .*HTTP 503.*\(offline since \d\d:\d\d.*\)\nftui: The server answers again.\n", err
    )


class Screen(io.StringIO):
    """A stream that takes any character."""

    encoding = "utf-8"


def test_the_line_is_rewritten_only_when_its_text_changes() -> None:
    screen, width = Screen(), [20]
    line = StatusLine(screen, lambda: width[0])
    line.show("loss 0.5")
    output = screen.getvalue()
    line.show("loss 0.5")
    assert screen.getvalue() == output
    width[0] = 8
    line.show("loss 0.5")
    assert screen.getvalue()[len(output) :] == "\r\x1b[Jloss 0.\r"
    line.print_above("done")
    assert screen.getvalue().endswith("\r\x1b[Jdone\n\r\x1b[Jloss 0.\r")
    line.leave()
    line.leave()
    assert screen.getvalue().endswith("loss 0.\r\n")


def test_wide_characters_take_two_cells() -> None:
    screen = Screen()
    StatusLine(screen, lambda: 8).show("日本語日本語")
    assert screen.getvalue() == "\r\x1b[J日本語…\r"
