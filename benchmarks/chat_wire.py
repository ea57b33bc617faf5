"""Bytes that a chat sends to a terminal of 120x40 while both models answer, as SSH carries them.

    python benchmarks/chat_wire.py [--seconds 15] [--tokens-a-second 20]

A real server streams prose of two models side by side, a word a token; the real app runs in a
pseudo-terminal with the chat open. Then nothing happens. Budgets: 1,500 bytes a second while both
stream, 20 with nothing new.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from servers.streaming import StreamingServer  # noqa: E402
from support.terminal import Terminal  # noqa: E402
from watch_wire import print_rates, rate  # noqa: E402

BUDGETS = {"both stream": 1_500, "nothing new": 20}
TUNED = "ft:base:tickets:1"
QUESTION = "Why was my card charged twice?"
WORDS = ("the", "a", "of", "and", "customer", "order", "was", "charged", "refund", "within")


def prose(seed: int) -> str:
    """An answer longer than the measurement: sentences, and a paragraph now and then."""
    chance = random.Random(seed)
    words = [chance.choice(WORDS) for _ in range(4_000)]
    for place in range(12, len(words), 13):
        words[place] += "." if place % 5 else ".\n\n"
    return " ".join(words)


async def measure(seconds: float, tokens_a_second: float) -> dict[str, float]:
    """Bytes a second while both models answer, and with nothing new."""

    def answer(seed: int) -> Any:
        return lambda _: prose(seed)

    server = StreamingServer({"base": answer(1), TUNED: answer(2)})
    server.pause = 1 / tokens_a_second
    server.add_job(suffix="tickets", created_at=time.time())
    server.finish()
    server.jobs["ftjob-1"]["fine_tuned_model"] = TUNED
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(
            f'provider = "far"\n[providers.far]\nbase_url = "{url}"\napi_key_env = ""\n'
        )
        environ = {"FTUI_HOME": folder, "FTUI_CONFIG": str(config), "SSH_CONNECTION": "far"}
        terminal = Terminal([sys.executable, "-m", "tui"], Path(folder), environ)
        try:
            return await _measure(terminal, seconds)
        finally:
            terminal.hang_up()
            server.hang_up()
            listening.close()


async def _measure(terminal: Terminal, seconds: float) -> dict[str, float]:
    for keys, text in (("3", "tickets"), ("c", "for a new line"), (QUESTION, "twice?")):
        await asyncio.sleep(3)
        terminal.press(keys)
        await asyncio.to_thread(terminal.wait_for, text)
    terminal.press("enter")
    await asyncio.to_thread(terminal.wait_for, "tok/s")
    await asyncio.sleep(2)
    rates = {"both stream": await rate(terminal, seconds)}
    terminal.press("escape")
    await asyncio.to_thread(terminal.wait_for, "stopped")
    await asyncio.sleep(2)
    return rates | {"nothing new": await rate(terminal, seconds)}


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--tokens-a-second", type=float, default=20)
    flags = parser.parse_args()
    rates = asyncio.run(measure(flags.seconds, flags.tokens_a_second))
    print_rates(rates, BUDGETS)


if __name__ == "__main__":
    main()
