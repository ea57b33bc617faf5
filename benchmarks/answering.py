"""30 concurrent chat requests of the ticket task, against sequential ones and `generate`.

    python benchmarks/answering.py [--model NAME_OR_FOLDER] [--max-tokens 48] [--repeats 3]

The requests go through the engine's HTTP server on its Unix socket. `transformers.generate` answers
the same prompts as one batch in this process, with the same model, precision and token limit,
greedily. Only one of them runs at a time. Seconds are the best of the repeats.
Budgets: concurrent requests 3 times as fast as sequential ones, and as fast as `generate`.
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
from tui.engine.training.planning.device import pick_device, pick_precision, torch_dtype
from tui.services.providers.engine_process import ENGINE_URL, EngineProcess, socket_client
from tui.settings import Settings, load_settings

TASK = Path(__file__).parents[1] / "sample_data" / "tickets_test.jsonl"
BUDGETS = {"sequential": 3.0, "generate": 1.0}


@dataclass
class Measurement:
    """The time and the tokens of answering all requests."""

    seconds: float
    tokens: int

    def __str__(self) -> str:
        rate = self.tokens / self.seconds
        return f"{self.seconds:6.2f} s, {self.tokens:5} tokens, {rate:6.0f} tokens/s"


def conversations() -> list[list[dict[str, str]]]:
    """The task's messages without the expected answers."""
    rows = [json.loads(line) for line in TASK.read_text().splitlines()]
    return [row["messages"][:-1] for row in rows]


async def time_work(work: Callable[[], Awaitable[int]]) -> Measurement:
    """Time some work that returns how many tokens it generated."""
    start = time.perf_counter()
    tokens = await work()
    return Measurement(time.perf_counter() - start, tokens)


class EngineRequests:
    """Sends the requests to the engine with OpenAI's client."""

    def __init__(
        self, client: AsyncOpenAI, model: str, conversations: Sequence[Any], limit: int
    ) -> None:
        self._client = client
        self._model = model
        self._conversations = conversations
        self._limit = limit

    async def complete(self, messages: Any) -> int:
        """Send one request; return the tokens of its answer."""
        completion = await self._client.chat.completions.create(
            model=self._model, messages=messages, max_tokens=self._limit, temperature=0
        )
        assert completion.usage is not None
        return completion.usage.completion_tokens

    async def run_concurrently(self) -> int:
        """Send all requests at once."""
        return sum(await asyncio.gather(*map(self.complete, self._conversations)))

    async def run_sequentially(self) -> int:
        """Send each request when the one before is answered."""
        return sum([await self.complete(messages) for messages in self._conversations])


class TransformersBatch:
    """Answers all requests as one batch with transformers' own loop."""

    def __init__(self, settings: Settings, conversations: Sequence[Any], limit: int) -> None:
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
            for messages in conversations
        ]

    async def __call__(self) -> int:
        """Generate all answers; return their tokens."""
        import torch

        batch = self._tokenizer(
            self._texts, return_tensors="pt", padding=True, add_special_tokens=False
        ).to(self._model.device)
        with torch.inference_mode():
            output = self._model.generate(**batch, max_new_tokens=self._limit, do_sample=False)
        answers = output[:, batch["input_ids"].shape[-1] :]
        return int((answers != self._tokenizer.pad_token_id).sum())


def report(measurements: dict[str, Measurement]) -> None:
    """Print seconds and ratios."""
    for name, measurement in measurements.items():
        print(f"{name:20} {measurement}")
    for name, budget in BUDGETS.items():
        ratio = measurements[name].seconds / measurements["concurrent"].seconds
        verdict = "met" if ratio >= budget else "MISSED"
        print(f"concurrent against {name}: {ratio:.2f}x, budget >= {budget}x: {verdict}")


async def measure(settings: Settings, limit: int, repeats: int) -> dict[str, Measurement]:
    """Measure the best of each; they take turns, so that other load affects all alike."""
    requests = conversations()
    async with AsyncOpenAI(
        base_url=f"{ENGINE_URL}/v1", api_key="none", http_client=socket_client(settings.socket)
    ) as client:
        engine = EngineRequests(client, settings.model, requests, limit)
        generate = TransformersBatch(settings, requests, limit)
        await engine.run_concurrently()  # loads the model
        await generate()
        measurements: dict[str, list[Measurement]] = {
            "sequential": [await time_work(engine.run_sequentially)],
            "concurrent": [],
            "generate": [],
        }
        for _ in range(repeats):
            measurements["concurrent"].append(await time_work(engine.run_concurrently))
            measurements["generate"].append(await time_work(generate))
    return {name: min(runs, key=lambda run: run.seconds) for name, runs in measurements.items()}


async def main(settings: Settings, limit: int, repeats: int) -> None:
    """Measure with the running engine, or one started for this run."""
    os.environ |= torch_environment()  # the same thread settings as in the engine
    engine = EngineProcess(settings)
    was_running = (await engine.status()).running
    await engine.ensure_running()
    try:
        report(await measure(settings, limit, repeats))
    finally:
        if not was_running:
            await engine.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="default: SmolLM2-135M-Instruct")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    overrides = {} if arguments.model is None else {"model": arguments.model}
    asyncio.run(main(load_settings(overrides), arguments.max_tokens, arguments.repeats))
