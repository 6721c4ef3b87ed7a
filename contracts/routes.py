"""Which Celery task and queue a request goes to. One queue a model: a job that nobody serves blocks no other."""

from __future__ import annotations

from contracts.requests import ImagineRequest, Job, WriteRequest

RUN_JOB = "aigc.run_job"
"""The one task: its id and only argument is the job's id; the record says the rest."""

QUEUE_PREFIX = "aigc."


def queue_of(model: str) -> str:
    """The Celery queue of a model's jobs."""
    return QUEUE_PREFIX + model


def server_of(job: Job) -> str:
    """The server that a job counts for; a private conversation is one of its own."""
    return job.guild_id or f"u{job.user_id}"


def size_of(request: ImagineRequest | WriteRequest) -> int:
    """What a job costs in units of its model: pictures, or characters with those of the prompt counting a tenth (they are read in parallel)."""
    if isinstance(request, ImagineRequest):
        return request.count
    return request.length + len(request.prompt) // 10


def route_of(request: ImagineRequest | WriteRequest) -> str:
    """The order in which a request waits: one for each model."""
    return request.model
