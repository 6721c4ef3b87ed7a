"""(model version, seed, parameters) decide the result, whoever else is in the batch: each family of the zoo, by hash."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator

import pytest

from contracts.outcomes import TextOutcome
from contracts.requests import ImagineRequest, WriteRequest
from workers.engine import Engine
from workers.shelf import Shelf
from workers.work import Work

NUM_NEIGHBOURS = 31
ASKED = {
    "digits": ImagineRequest(model="digits", prompt="7", count=2, seed=42),
    "handwriting": ImagineRequest(model="handwriting", prompt="2026-11-23", count=1, seed=42),
    "bard": WriteRequest(model="bard", prompt="To be", length=120, seed=42),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    running = Engine(Shelf.from_environment("cpu"), max_pictures=64, max_texts=64)
    running.start()
    yield running
    running.stop()


def neighbours(asked: ImagineRequest | WriteRequest, rng: random.Random) -> list[ImagineRequest | WriteRequest]:
    """Random requests of the same model: other prompts, sizes and settings."""
    if isinstance(asked, ImagineRequest):
        return [
            asked.model_copy(update={"prompt": str(rng.randrange(10**6)), "count": rng.randint(1, 4), "seed": rng.randrange(2**32)})
            for _ in range(NUM_NEIGHBOURS)
        ]
    return [
        asked.model_copy(
            update={
                "prompt": "ROMEO: " * rng.randint(1, 40),
                "length": rng.randint(1, 200),
                "temperature": rng.random(),
                "seed": rng.randrange(2**32),
            }
        )
        for _ in range(NUM_NEIGHBOURS)
    ]


def results(engine: Engine, requests: list[ImagineRequest | WriteRequest]) -> list[str]:
    """Hashes of what the engine makes of requests that come at once."""
    works = [Work(job_id=str(index), request=request, deadline_at=time.time() + 100) for index, request in enumerate(requests)]
    for work in works:
        engine.submit(work)
    return [_hash(work) for work in works]


def _hash(work: Work) -> str:
    result = work.result(100)
    text = result.outcome.text if isinstance(result.outcome, TextOutcome) else ""
    return hashlib.sha256(text.encode() + b"".join(result.files)).hexdigest()


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_result_is_the_same_alone_and_among_others(engine: Engine, name: str, record_property) -> None:  # type: ignore[no-untyped-def]
    asked, rng = ASKED[name], random.Random(7)
    (alone,) = results(engine, [asked])
    for place in (0, 13, NUM_NEIGHBOURS):
        others = neighbours(asked, rng)
        together = results(engine, [*others[:place], asked, *others[place:]])
        assert together[place] == alone
        assert len(set(together)) > NUM_NEIGHBOURS / 2  # the neighbours are others indeed
    record_property("sha256", alone)
