"""Graders by OpenAI's client: what they come to, and which are refused."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI
from openai.types.fine_tuning.alpha import GraderRunResponse
from support.engine.in_process_engine import InProcessEngine

from tui.engine.graders.placeholders import PlaceholderError, ValueMissing, check_placeholders, fill


def check(operation: str = "eq", **more: str) -> dict[str, Any]:
    grader = {"type": "string_check", "name": "check", "operation": operation}
    return grader | {"input": "{{ sample.output_text }}", "reference": "{{item.answer}}"} | more


def similar(metric: str = "fuzzy_match", **more: str) -> dict[str, Any]:
    grader = {"type": "text_similarity", "name": "similar", "evaluation_metric": metric}
    return grader | {"input": "{{sample.output_text}}", "reference": "{{item.answer}}"} | more


def multi(formula: str, **graders: dict[str, Any]) -> dict[str, Any]:
    return {"type": "multi", "name": "all", "graders": graders, "calculate_output": formula}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncOpenAI]:
    async with InProcessEngine(tmp_path / "home").client() as made:
        yield made


async def run(
    client: AsyncOpenAI, grader: dict[str, Any], sample: str, item: object = None
) -> GraderRunResponse:
    answer = await client.fine_tuning.alpha.graders.run(
        grader=grader,  # type: ignore[arg-type]
        model_sample=sample,
        item={"answer": "Paris"} if item is None else item,
    )
    return GraderRunResponse.model_validate(answer.model_dump(by_alias=True))


@pytest.mark.parametrize(
    ("grader", "sample", "reward"),
    [
        (check("eq"), "Paris", 1),
        (check("eq"), "paris", 0),
        (check("ne"), "paris", 1),
        (check("like"), "It is Paris.", 1),
        (check("like"), "It is paris.", 0),
        (check("ilike"), "It is PARIS.", 1),
        (similar(), "Pariss", 10 / 11),
        (similar("rouge_l"), "it is paris", 0.5),
        (check(input="{{ sample.output_json.a[0].b }}"), '{"a": [{"b": "Paris"}]}', 1),
        (check(input="{{sample.output_json.n}}", reference="3"), '{"n": 3}', 1),
        (check(input="{{ sample.output_json }}", reference='{"n": [true]}'), '{"n":[true]}', 1),
    ],
)
async def test_a_grader_gives_its_reward(
    client: AsyncOpenAI, grader: dict[str, Any], sample: str, reward: float
) -> None:
    answer = await run(client, grader, sample)
    assert answer.reward == pytest.approx(reward)
    assert answer.metadata.scores == {grader["name"]: answer.reward}
    assert answer.metadata.type == grader["type"]
    assert not any(value for value in answer.metadata.errors.model_dump().values())


async def test_several_graders_are_put_together_by_a_formula(client: AsyncOpenAI) -> None:
    grader = multi("(name + 3 * town) / 4", name=check("like"), town=similar())
    answer = await run(client, grader, "Paris!")
    assert answer.sub_rewards == {"name": 1.0, "town": pytest.approx(10 / 11)}
    assert answer.reward == pytest.approx((1 + 3 * 10 / 11) / 4)
    assert answer.metadata.scores == answer.sub_rewards
    single = {"type": "multi", "name": "all", "graders": check(), "calculate_output": "1 - check"}
    assert (await run(client, single, "Paris")).reward == 0


@pytest.mark.parametrize(
    ("grader", "sample", "trouble"),
    [
        (check(input="{{ item.nothing }}"), "Paris", "invalid_variable_error"),
        (check(input="{{ sample.output_json.a }}"), '{"b": 1}', "invalid_variable_error"),
        (check(input="{{ sample.output_json.a }}"), "no JSON", "sample_parse_error"),
        (check(input="{{ sample.output_text }}" * 9), "x" * 20_000, "truncated_observation_error"),
        (multi("1 / (a - 1)", a=check()), "Paris", "other_error"),
        (multi("a", a=check(reference="{{ item.nothing }}")), "Paris", "invalid_variable_error"),
    ],
)
async def test_trouble_is_told_by_its_kind_and_the_reward_is_nothing(
    client: AsyncOpenAI, grader: dict[str, Any], sample: str, trouble: str
) -> None:
    answer = await run(client, grader, sample)
    assert answer.reward == 0
    told = answer.metadata.errors.model_dump()
    assert [kind for kind, there in told.items() if there] == [trouble]


@pytest.mark.parametrize(
    ("grader", "param", "code"),
    [
        ({"type": "python", "name": "p", "source": "1"}, "grader.type", "unsupported_grader"),
        ({"type": "score_model", "name": "s"}, "grader.type", "unsupported_grader"),
        (multi("a", a={"type": "label_model"}), "grader.graders.a.type", "unsupported_grader"),
        (multi("a", a=multi("b", b=check())), "grader.graders.a.type", "invalid_value"),
        (similar("cosine"), "grader.evaluation_metric", "unsupported_grader"),
        (similar("meteor"), "grader.evaluation_metric", "unsupported_grader"),
        (similar("luck"), "grader.evaluation_metric", "invalid_value"),
        (check("matches"), "grader.operation", "invalid_value"),
        (check(colour="red"), "grader.colour", "unknown_parameter"),
        ({"type": "string_check", "name": "c"}, "grader.input", "missing_parameter"),
        ({}, "grader.type", "invalid_value"),
        (check(input="{{ os.environ }}"), "grader.input", "invalid_template"),
        (check(input="{{ item.answer | upper }}"), "grader.input", "invalid_template"),
        (check(reference="{% for x in y %}"), "grader.reference", "invalid_template"),
        (multi("a + b", a=check()), "grader.calculate_output", "invalid_formula"),
        (multi("__import__('os')", a=check()), "grader.calculate_output", "invalid_formula"),
        (multi("1"), "grader.graders", "invalid_value"),
    ],
)
async def test_a_grader_that_does_not_run_here_is_refused_by_name(
    client: AsyncOpenAI, grader: dict[str, Any], param: str, code: str
) -> None:
    for call in (
        client.fine_tuning.alpha.graders.validate(grader=grader),  # type: ignore[arg-type]
        client.fine_tuning.alpha.graders.run(grader=grader, model_sample="x", item={}),  # type: ignore[arg-type]
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            await call
        assert (refused.value.param, refused.value.code) == (param, code)
        assert refused.value.body["message"].endswith(".")  # type: ignore[index]


@pytest.mark.parametrize("grader", [check(), similar("bleu"), multi("a ^ 2", a=check())])
async def test_a_grader_that_runs_here_is_given_back(
    client: AsyncOpenAI, grader: dict[str, Any]
) -> None:
    given_back = await client.fine_tuning.alpha.graders.with_raw_response.validate(
        grader=grader  # type: ignore[arg-type]
    )
    # Looked at as JSON: OpenAI's type of a multi grader has room for a single one below it.
    assert json.loads(given_back.text)["grader"] == grader


async def test_what_is_put_in_is_never_a_placeholder_itself(client: AsyncOpenAI) -> None:
    sample = "{{ item.secret }} {% x %} {item.secret.__class__}"
    grader = check(reference="{{ item.secret }}")
    assert (await run(client, grader, sample, {"secret": sample})).reward == 1
    assert (await run(client, grader, sample, {"secret": "leaked"})).reward == 0


def test_placeholders_that_never_end_are_found_quickly() -> None:
    began = time.process_time()
    with pytest.raises(PlaceholderError):
        check_placeholders("{{" * 50_000, ("item",))
    assert time.process_time() - began < 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["{{", "}}", " item", ".a", "[0]", "x", "{%", "."])), JSON)
def test_wild_texts_are_refused_filled_or_lack_a_value(pieces: list[str], item: object) -> None:
    text = "".join(pieces)
    try:
        check_placeholders(text, ("item",))
        filled = fill(text, {"item": item})
    except (PlaceholderError, ValueMissing):
        return
    assert ("{{" in text) or filled == text
