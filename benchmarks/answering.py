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
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI

from tui.domain.model_names import base_model
from tui.engine.base_models import local_folder
from tui.engine.device import pick_device, pick_precision, torch_dtype
from tui.engine.home import Home
from tui.services.engine_process import ENGINE_URL, EngineProcess, socket_client
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


async def best(repeats: int, work: Callable[[], Awaitable[int]]) -> Measured:
    """The fastest of the repeats; `work` gives how many tokens it made."""
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        tokens = await work()
        found.append(Measured(time.perf_counter() - begun, tokens))
    return min(found, key=lambda one: one.seconds)


async def through_the_engine(
    settings: Settings, asked: Sequence[Any], max_tokens: int, repeats: int
) -> tuple[Measured, Measured]:
    """At once, and one after the other."""
    async with AsyncOpenAI(
        base_url=f"{ENGINE_URL}/v1", api_key="none", http_client=socket_client(settings.socket)
    ) as client:

        async def ask(messages: Any) -> int:
            answer = await client.chat.completions.create(
                model=settings.model, messages=messages, max_tokens=max_tokens, temperature=0
            )
            assert answer.usage is not None
            return answer.usage.completion_tokens

        async def at_once() -> int:
            return sum(await asyncio.gather(*map(ask, asked)))

        async def one_after_the_other() -> int:
            return sum([await ask(messages) for messages in asked])

        await ask(asked[0])  # loads the model
        return await best(repeats, at_once), await best(1, one_after_the_other)


async def by_generate(
    settings: Settings, asked: Sequence[Any], max_tokens: int, repeats: int
) -> Measured:
    """All of them as one batch of transformers' own."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = base_model(settings.model, folders=True)
    assert source is not None
    folder = local_folder(source, Home(settings.home), print)
    device = pick_device()
    dtype = torch_dtype(pick_precision(device))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    texts = [
        tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        for messages in asked
    ]

    async def generate() -> int:
        batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        batch = batch.to(device)
        with torch.inference_mode():
            made = model.generate(**batch, max_new_tokens=max_tokens, do_sample=False)
        answers = made[:, batch["input_ids"].shape[-1] :]
        return int((answers != tokenizer.pad_token_id).sum())

    await generate()
    return await best(repeats, generate)


def report(measured: dict[str, Measured]) -> None:
    """Print seconds and ratios."""
    for name, one in measured.items():
        print(f"{name:20} {one}")
    for name, budget in BUDGETS.items():
        ratio = measured[name].seconds / measured["at once"].seconds
        kept = "kept" if ratio >= budget else "MISSED"
        print(f"at once against {name}: {ratio:.2f}x, budget >= {budget}x: {kept}")


async def main(settings: Settings, max_tokens: int, repeats: int) -> None:
    """Measure all three."""
    asked = conversations()
    engine = EngineProcess(settings)
    was_running = (await engine.status()).running
    await engine.ensure()
    try:
        at_once, single = await through_the_engine(settings, asked, max_tokens, repeats)
        generated = await by_generate(settings, asked, max_tokens, repeats)
    finally:
        if not was_running:
            await engine.stop()
    report({"at once": at_once, "one after the other": single, "generate": generated})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="SmolLM2-135M-Instruct unless given")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    chosen = load_settings({} if given.model is None else {"model": given.model})
    asyncio.run(main(chosen, given.max_tokens, given.repeats))
