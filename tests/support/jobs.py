"""Jobs for tests."""

from __future__ import annotations

import itertools
import time

from pydantic import SecretStr

from contracts.cards import Announcement, ModelCard
from contracts.outcomes import ImageOutcome, Picture, TextOutcome
from contracts.requests import ImagineRequest, Job, Reply, WriteRequest

_numbers = itertools.count(1)
TOKEN = "a-very-secret-interaction-token"


def imagine(model: str = "digits", prompt: str = "7", count: int = 1, seed: int = 1) -> ImagineRequest:
    return ImagineRequest(model=model, prompt=prompt, count=count, seed=seed)


def write(prompt: str = "To be", length: int = 20, seed: int = 1, model: str = "bard") -> WriteRequest:
    return WriteRequest(model=model, prompt=prompt, length=length, seed=seed)


def job(
    request: ImagineRequest | WriteRequest | None = None,
    *,
    job_id: str | None = None,
    user_id: str = "42",
    guild_id: str | None = None,
    weight: float = 1.0,
    deadline_at: float | None = None,
    token_expires_at: float | None = None,
) -> Job:
    now = time.time()
    return Job(
        id=job_id or f"job{next(_numbers)}",
        request=request or imagine(),
        user_id=user_id,
        guild_id=guild_id,
        weight=weight,
        reply=Reply(
            application_id="1",
            channel_id="2",
            message_id="3",
            token=SecretStr(TOKEN),
            token_expires_at=now + 900 if token_expires_at is None else token_expires_at,
        ),
        created_at=now,
        deadline_at=deadline_at if deadline_at is not None else now + 3600,
    )


def pictures(count: int = 1, ignored: tuple[str, ...] = ()) -> ImageOutcome:
    drawn = tuple(Picture(seed=index, alt="A handwritten digit 7") for index in range(count))
    return ImageOutcome(model="digits", version="abcd1234", pictures=drawn, understood=("7",), ignored=ignored, seconds=0.1, batch_size=1)


def text(written: str = " or not to be", stopped: str = "length") -> TextOutcome:
    return TextOutcome.model_validate({"model": "bard", "version": "abcd1234", "text": written, "ignored": (), "stopped": stopped, "seconds": 0.5})


def card(name: str = "digits", kind: str = "image") -> ModelCard:
    return ModelCard.model_validate(
        {
            "name": name,
            "version": "abcd1234",
            "title": name.capitalize(),
            "family": "gan" if kind == "image" else "rnn",
            "kind": kind,
            "summary": "Draws.",
            "knows": "the digits 0 to 9",
            "examples": ("7",),
            "licence": "MIT",
        }
    )


def announcement(*names: str, worker_id: str = "w1") -> Announcement:
    return Announcement(worker_id=worker_id, device="cpu", slots=4, models=tuple(card(name) for name in names))
