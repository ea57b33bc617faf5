"""The models in a server's list, of any shape, and the dates of their shutdown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.providers.probe import ProviderProbe
from tui.domain.providers.served_models import ServedModel, served_models
from tui.domain.tone import Tone

TODAY = date(2026, 11, 25)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "models",
                    "id",
                    "shutdown_date",
                    "deprecation",
                    "inference",
                    "capabilities",
                ]
            )
            | st.text(max_size=8),
            inside,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(ANYTHING)
def test_a_list_of_any_shape_is_parsed_without_errors(body: object) -> None:
    models = served_models(body)
    assert len({model.id for model in models}) == len(models)
    assert all(model.id.strip() for model in models)
    probe = ProviderProbe("far", "server", "http://far", "keyring", "ready", models=models)
    assert sorted(model.id for model in probe.ending_first) == sorted(m.id for m in models)
    for model in models:
        model.end_label(TODAY)


@pytest.mark.parametrize(
    ("item", "model"),
    [
        ({"id": "a", "shutdown_date": "2027-01-14"}, ServedModel("a", date(2027, 1, 14))),
        ({"id": "a", "shutdown_date": "2027-01-14T12:00:00Z"}, ServedModel("a", date(2027, 1, 14))),
        ({"id": "a", "shutdown_date": 1_799_884_800}, ServedModel("a", date(2027, 1, 14))),
        ({"id": "a", "shutdown_date": "soon"}, ServedModel("a")),
        ({"id": "a", "shutdown_date": True}, ServedModel("a")),
        (
            {
                "id": "a",
                "capabilities": {"fine_tune": True},
                "deprecation": {"inference": 1_799_884_800},
            },
            ServedModel("a", date(2027, 1, 14), tunable=True),
        ),
        ("a", ServedModel("a")),
    ],
)
def test_models_of_different_servers_are_parsed(item: Any, model: ServedModel) -> None:
    assert served_models({"data": [item, {"id": 3}, None]}) == (model,)


@pytest.mark.parametrize(
    ("end", "tone", "label"),
    [
        (date(2026, 11, 25), Tone.BAD, "✗ ended 2026-11-25"),
        (date(2026, 11, 26), Tone.WARNED, "! ends 2026-11-26, in 1 day"),
        (date(2027, 1, 14), Tone.WARNED, "! ends 2027-01-14, in 50 days"),
        (date(2027, 12, 1), Tone.NONE, "ends 2027-12-01, in 371 days"),
    ],
)
def test_a_near_shutdown_is_a_warning(end: date, tone: Tone, label: str) -> None:
    assert ServedModel("m", end).end_label(TODAY) == (label, tone)


def test_a_model_without_a_shutdown_date_has_no_label() -> None:
    assert ServedModel("m").end_label(TODAY) is None
