"""Job requests: their limits, and how one is made from a server's job."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tui.domain.submission.job_request import JobRequest, request_from_job

BASE = {"model": "m", "provider": "p"}
FILE = {"training_file": "a.jsonl"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {**FILE, "training_file_id": "file-1"},
        {**FILE, "validation_file": "b", "validation_share": 0.1},
        {**FILE, "validation_file": "b", "validation_file_id": "file-2"},
        {"training_file_id": "file-1", "validation_share": 0.1},
        {**FILE, "validation_share": 1},
        {**FILE, "learning_rate_multiplier": math.nan},
        {**FILE, "hyperparameters": {"x": math.inf}},
        {**FILE, "hyperparameters": {"": 1}},
        {**FILE, "method": "supervised", "beta": 0.1},
        {**FILE, "model": "a\nb"},
        {"training_file": "\udcff.jsonl"},
    ],
)
def test_an_invalid_request_is_rejected(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        JobRequest.model_validate({**BASE, **fields})


def test_a_record_of_an_earlier_version_is_readable() -> None:
    record = '{"training_file": "a.jsonl", "model": "m", "provider": "local", "method": "dpo"}'
    assert JobRequest.model_validate_json(record).training_file == Path("a.jsonl")


def test_top_level_hyperparameters_of_older_jobs_are_read() -> None:
    job = {
        "model": "m",
        "training_file": "file-1",
        "hyperparameters": {"n_epochs": 3, "batch_size": "auto", "lora_r": 8, "odd": [1]},
    }
    request = request_from_job(job, "p")
    assert (request.epochs, request.batch_size) == (3, None)
    assert request.hyperparameters == {"lora_r": 8}


def test_an_explicit_learning_rate_is_dropped_next_to_a_multiplier() -> None:
    hyperparameters = {"learning_rate_multiplier": 2.0, "learning_rate": 2e-3}
    method = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    request = request_from_job({"model": "m", "training_file": "f", "method": method}, "p")
    assert (request.learning_rate_multiplier, request.hyperparameters) == (2.0, {})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_KEYS = ("model", "training_file", "validation_file", "method", "hyperparameters", "suffix", "seed")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(_KEYS, _JSON)))
def test_any_job_object_becomes_a_request_or_a_value_error(job: dict[str, object]) -> None:
    try:
        request = request_from_job(job, "p")
    except ValidationError:
        return
    assert JobRequest.model_validate_json(request.model_dump_json()) == request
