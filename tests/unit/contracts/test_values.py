from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

import contracts
from contracts.outcomes import State
from contracts.requests import ImagineRequest, Job, WriteRequest
from contracts.schema import wire_schema
from tests.support.jobs import TOKEN, imagine, job, write


def test_the_wire_is_the_golden_file() -> None:
    """A change to what crosses a process shows in the diff. Regenerate: python -m contracts.schema > contracts/schema.json"""
    golden = json.loads((Path(contracts.__file__).parent / "schema.json").read_text())
    assert wire_schema() == golden


@pytest.mark.parametrize("request_", [imagine(), write()])
def test_a_job_comes_back_from_json(request_: ImagineRequest | WriteRequest) -> None:
    one = job(request_)
    assert Job.model_validate_json(one.model_dump_json()) == one


def test_the_interaction_token_shows_in_no_repr() -> None:
    one = job()
    assert TOKEN not in repr(one) and TOKEN not in str(one.reply)
    assert TOKEN in one.model_dump_json()


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"count": 10}, {"seed": -1}, {"seed": 2**32}, {"truncation": 9}, {"prompt": "x" * 401}, {"colour": "red"}, {"model": "../etc"}],
)
def test_values_out_of_bounds_and_unknown_fields_are_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ImagineRequest.model_validate({"model": "digits", "prompt": "7", "seed": 1, **wrong})


def test_states_that_end_a_job() -> None:
    assert [state for state in State if not state.ended] == [State.QUEUED, State.RUNNING]
