"""30 chat requests of the ticket task at once, against one after the other and against `generate`.

    python benchmarks/answering.py [--model NAME_OR_FOLDER] [--max-tokens 48] [--repeats 3]

The requests go through the engine's HTTP server on its Unix socket. `transformers.generate` answers
the same prompts as one batch in this process: the same model and precision, greedy, with the same
limit of tokens. While the one works the other is idle. Seconds are the best of the repeats.
Budgets: at once 3 times as fast as one after the other, and as fast as `generate`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from tui.domain.providers.model_names import base_model
from tui.engine.base_models import local_folder
from tui.engine.home import Home
from tui.engine.jobs.launcher import torch_environment
from tui.engine.training.resources.device import pick_device, pick_precision, torch_dtype
from tui.services.providers.engine_process import ENGINE_URL, EngineProcess, socket_client
from tui.settings import Settings, load_settings

TASK = Path(__file__).parents[1] / "sample_data" / "tickets_test.jsonl"
BUDGETS = {"one after the other": 3.0, "generate": 1.0}


@dataclass
class Measured:
    """What answering all of them took."""

    seconds: float
    tokens: int

    def __str__(self) -> str:
        rate = self.tokens / self.seconds
        return f"{self.seconds:6.2f} s, {self.tokens:5} tokens, {rate:6.0f} a second"


def conversations() -> list[list[dict[str, str]]]:
    """The task's questions, without the expected answers."""
    rows = [json.loads(line) for line in TASK.read_text().splitlines()]
    return [row["messages"][:-1] for row in rows]


async def measured(work: Callable[[], Awaitable[int]]) -> Measured:
    """How long some work takes that gives how many tokens it made."""
    begun = time.perf_counter()
    tokens = await work()
    return Measured(time.perf_counter() - begun, tokens)


class ThroughTheEngine:
    """Asks the engine with OpenAI's client."""

    def __init__(self, client: AsyncOpenAI, model: str, asked: Sequence[Any], limit: int) -> None:
        self._client = client
        self._model = model
        self._asked = asked
        self._limit = limit

    async def ask(self, messages: Any) -> int:
        """One request; gives the tokens of its answer."""
        answer = await self._client.chat.completions.create(
            model=self._model, messages=messages, max_tokens=self._limit, temperature=0
        )
        assert answer.usage is not None
        return answer.usage.completion_tokens

    async def at_once(self) -> int:
        """All of them."""
        return sum(await asyncio.gather(*map(self.ask, self._asked)))

    async def one_after_the_other(self) -> int:
        """Each when the one before is answered."""
        return sum([await self.ask(messages) for messages in self._asked])


class ByGenerate:
    """Answers with transformers' own loop, as one batch."""

    def __init__(self, settings: Settings, asked: Sequence[Any], limit: int) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        source = base_model(settings.model, folders=True)
        assert source is not None
        folder = local_folder(source, Home(settings.home), print)
        device = pick_device()
        dtype = torch_dtype(pick_precision(device))
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self._limit = limit
        self._texts = [
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
            for messages in asked
        ]

    async def __call__(self) -> int:
        """All of them; gives the tokens of the answers."""
        import torch

        batch = self._tokenizer(
            self._texts, return_tensors="pt", padding=True, add_special_tokens=False
        ).to(self._model.device)
        with torch.inference_mode():
            made = self._model.generate(**batch, max_new_tokens=self._limit, do_sample=False)
        answers = made[:, batch["input_ids"].shape[-1] :]
        return int((answers != self._tokenizer.pad_token_id).sum())


def report(measured: dict[str, Measured]) -> None:
    """Print seconds and ratios."""
    for name, one in measured.items():
        print(f"{name:20} {one}")
    for name, budget in BUDGETS.items():
        ratio = measured[name].seconds / measured["at once"].seconds
        kept = "kept" if ratio >= budget else "MISSED"
        print(f"at once against {name}: {ratio:.2f}x, budget >= {budget}x: {kept}")


async def measure(settings: Settings, limit: int, repeats: int) -> dict[str, Measured]:
    """Each way's best; the ways take turns, so that what else the machine does hits all alike."""
    asked = conversations()
    async with AsyncOpenAI(
        base_url=f"{ENGINE_URL}/v1", api_key="none", http_client=socket_client(settings.socket)
    ) as client:
        engine = ThroughTheEngine(client, settings.model, asked, limit)
        generate = ByGenerate(settings, asked, limit)
        await engine.at_once()  # loads the model
        await generate()
        found: dict[str, list[Measured]] = {
            "one after the other": [await measured(engine.one_after_the_other)],
            "at once": [],
            "generate": [],
        }
        for _ in range(repeats):
            found["at once"].append(await measured(engine.at_once))
            found["generate"].append(await measured(generate))
    return {name: min(all_, key=lambda one: one.seconds) for name, all_ in found.items()}


async def main(settings: Settings, limit: int, repeats: int) -> None:
    """Measure with an engine that runs already, or one for this run."""
    os.environ |= torch_environment()  # generate's threads wait for each other as the engine's do
    engine = EngineProcess(settings)
    was_running = (await engine.status()).running
    await engine.ensure()
    try:
        report(await measure(settings, limit, repeats))
    finally:
        if not was_running:
            await engine.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="SmolLM2-135M-Instruct unless given")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    chosen = load_settings({} if given.model is None else {"model": given.model})
    asyncio.run(main(chosen, given.max_tokens, given.repeats))
