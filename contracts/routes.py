"""Which Celery task and queue a request goes to. One queue a model: a job that nobody serves blocks no other."""

from __future__ import annotations

from contracts.requests import ImagineRequest, WriteRequest

RUN_JOB = "aigc.run_job"
"""The one task: its id and only argument is the job's id; the record says the rest."""

QUEUE_PREFIX = "aigc."


def queue_of(model: str) -> str:
    """The Celery queue of a model's jobs."""
    return QUEUE_PREFIX + model


def route_of(request: ImagineRequest | WriteRequest) -> str:
    """The order in which a request waits: one for each model."""
    return request.model
