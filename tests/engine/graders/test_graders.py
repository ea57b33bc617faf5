"""Graders through OpenAI's client: their rewards, and which are refused."""

from __future__ import annotations

import json
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
    async with InProcessEngine(tmp_path / "home").client() as client:
        yield client


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
async def test_each_grader_returns_its_reward(
    client: AsyncOpenAI, grader: dict[str, Any], sample: str, reward: float
) -> None:
    answer = await run(client, grader, sample)
    assert answer.reward == pytest.approx(reward)
    assert answer.metadata.scores == {grader["name"]: answer.reward}
    assert answer.metadata.type == grader["type"]
    assert not any(value for value in answer.metadata.errors.model_dump().values())


async def test_a_formula_combines_several_graders(client: AsyncOpenAI) -> None:
    grader = multi("(name + 3 * town) / 4", name=check("like"), town=similar())
    answer = await run(client, grader, "Paris!")
    assert answer.sub_rewards == {"name": 1.0, "town": pytest.approx(10 / 11)}
    assert answer.reward == pytest.approx((1 + 3 * 10 / 11) / 4)
    assert answer.metadata.scores == answer.sub_rewards
    single = {"type": "multi", "name": "all", "graders": check(), "calculate_output": "1 - check"}
    assert (await run(client, single, "Paris")).reward == 0


@pytest.mark.parametrize(
    ("grader", "sample", "kind"),
    [
        (check(input="{{ item.nothing }}"), "Paris", "invalid_variable_error"),
        (check(input="{{ sample.output_json.a }}"), '{"b": 1}', "invalid_variable_error"),
        (check(input="{{ sample.output_json.a }}"), "no JSON", "sample_parse_error"),
        (check(input="{{ sample.output_text }}" * 9), "x" * 20_000, "truncated_observation_error"),
        (multi("1 / (a - 1)", a=check()), "Paris", "other_error"),
        (multi("a", a=check(reference="{{ item.nothing }}")), "Paris", "invalid_variable_error"),
    ],
)
async def test_an_error_is_reported_by_its_kind_and_the_reward_is_zero(
    client: AsyncOpenAI, grader: dict[str, Any], sample: str, kind: str
) -> None:
    answer = await run(client, grader, sample)
    assert answer.reward == 0
    errors = answer.metadata.errors.model_dump()
    assert [name for name, occurred in errors.items() if occurred] == [kind]


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
async def test_an_unsupported_or_invalid_grader_is_refused_by_name(
    client: AsyncOpenAI, grader: dict[str, Any], param: str, code: str
) -> None:
    for call in (
        client.fine_tuning.alpha.graders.validate(grader=grader),  # type: ignore[arg-type]
        client.fine_tuning.alpha.graders.run(grader=grader, model_sample="x", item={}),  # type: ignore[arg-type]
    ):
        with pytest.raises(openai.BadRequestError) as raised:
            await call
        assert (raised.value.param, raised.value.code) == (param, code)
        assert raised.value.body["message"].endswith(".")  # type: ignore[index]


@pytest.mark.parametrize("grader", [check(), similar("bleu"), multi("a ^ 2", a=check())])
async def test_a_supported_grader_is_returned_unchanged(
    client: AsyncOpenAI, grader: dict[str, Any]
) -> None:
    response = await client.fine_tuning.alpha.graders.with_raw_response.validate(
        grader=grader  # type: ignore[arg-type]
    )
    # Compared as JSON: OpenAI's type of a multi grader has room for a single grader only.
    assert json.loads(response.text)["grader"] == grader


async def test_an_inserted_value_is_never_read_as_a_placeholder(client: AsyncOpenAI) -> None:
    sample = "{{ item.secret }} {% x %} {item.secret.__class__}"
    grader = check(reference="{{ item.secret }}")
    assert (await run(client, grader, sample, {"secret": sample})).reward == 1
    assert (await run(client, grader, sample, {"secret": "leaked"})).reward == 0


def test_any_number_of_unclosed_placeholders_is_refused() -> None:
    with pytest.raises(PlaceholderError):
        check_placeholders("{{" * 500_000, ("item",))  # endless if the work grew quadratically


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["{{", "}}", " item", ".a", "[0]", "x", "{%", "."])), JSON)
def test_random_templates_are_refused_filled_or_lack_a_value(
    pieces: list[str], item: object
) -> None:
    text = "".join(pieces)
    try:
        check_placeholders(text, ("item",))
        filled = fill(text, {"item": item})
    except (PlaceholderError, ValueMissing):
        return
    assert ("{{" in text) or filled == text
