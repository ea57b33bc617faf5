"""Validation errors as sentences."""

from __future__ import annotations

from typing import Any, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tui.domain.validation import first_error


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")

    low: int = Field(ge=0)
    high: int = 10

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Config(BaseModel):
    limits: Limits


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (
            {"low": -1},
            "The key limits.low cannot be used: input should be greater than or equal to 0.",
        ),
        ({}, "The key limits.low is missing."),
        ({"low": 1, "mid": 2}, "The key limits.mid is unknown."),
        ({"low": 11}, "The key limits cannot be used: low is above high."),
    ],
)
def test_the_first_error_names_the_field_and_the_problem(
    limits: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        Config.model_validate({"limits": limits})
    assert first_error(raised.value, "The key {}".format) == sentence


def test_an_error_of_the_whole_model_has_no_label() -> None:
    with pytest.raises(ValidationError) as raised:
        Limits(low=11)
    assert first_error(raised.value) == "Low is above high."
