"""Evaluation with 16 requests in flight against sequential requests; the server takes 200 ms.

Run: python benchmarks/evaluate_concurrency.py [CASES]. Budget: at least 12 times as fast.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers.chat import chat_server

from tui.services.container import Services
from tui.services.evaluation.evaluations import EvaluationRequest
from tui.settings import ProviderProfile, Settings

DELAY = 0.2
BUDGET = 12.0


async def time_evaluation(concurrency: int, url: str, folder: Path, cases: int) -> float:
    """Return the seconds of a whole evaluation, which sends two requests a case."""
    test = folder / "test.jsonl"
    rows = [{"input": f"Question {i}", "ideal_output": "yes"} for i in range(cases)]
    test.write_text("\n".join(json.dumps(row) for row in rows))
    services = Services(
        Settings(
            home=folder / "home",
            workspace=folder / f"ftui-{concurrency}",
            concurrency=concurrency,
            providers={"here": ProviderProfile(base_url=url, api_key_env="BENCHMARK_KEY")},
        )
    )
    evaluations = services.evaluations
    request = EvaluationRequest(test=test, provider="here", base="no", tuned="yes")
    await services.providers.client("here")
    start = time.perf_counter()
    run = await evaluations.start(request)
    async for _ in evaluations.stream_results(run):
        pass
    await evaluations.finish(run)
    seconds = time.perf_counter() - start
    await services.providers.close()
    return seconds


async def main(cases: int) -> None:
    """Measure both and print the ratio."""
    os.environ["BENCHMARK_KEY"] = "benchmark"
    models = {"no": lambda messages: "no", "yes": lambda messages: "yes"}
    with tempfile.TemporaryDirectory() as folder:
        async with chat_server(models) as server:
            server.delay = DELAY
            concurrent = await time_evaluation(16, server.url, Path(folder), cases)
            sequential = await time_evaluation(1, server.url, Path(folder), cases)
    ratio = sequential / concurrent
    print(f"{cases} cases, two answers each, {DELAY * 1000:.0f} ms an answer")
    print(f"16 in flight {concurrent:.2f} s, sequential {sequential:.2f} s")
    print(f"ratio {ratio:.1f}x, budget >= {BUDGET:.0f}x: {'met' if ratio >= BUDGET else 'MISSED'}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 64))
