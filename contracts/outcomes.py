"""How a job ended, how far it is, and why one was refused."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from contracts.values import ModelName, Seed, Value


class State(StrEnum):
    """The states of a job; see the diagram in ARCHITECTURE.md."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def ended(self) -> bool:
        """Whether the job has an outcome that will not change any more."""
        return self not in (State.QUEUED, State.RUNNING)


class ErrorCode(StrEnum):
    """Why a job failed or was refused. The bot owns the words for each."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_MODEL = "unknown_model"
    TOO_MANY_OF_YOURS = "too_many_of_yours"
    TOO_MANY_OF_SERVER = "too_many_of_server"
    QUEUE_FULL = "queue_full"
    WORKER_LOST = "worker_lost"
    DEADLINE = "deadline"
    OUT_OF_MEMORY = "out_of_memory"
    INTERNAL = "internal"


class Picture(Value):
    """One picture of an answer; ``alt`` describes it to those who cannot see it."""

    seed: Seed
    alt: Annotated[str, Field(max_length=1000)]


class ImageOutcome(Value):
    """Pictures. File 0 is the sheet with all of them, file i + 1 is picture i; all are PNG."""

    kind: Literal["images"] = "images"
    model: ModelName
    version: str
    pictures: tuple[Picture, ...]
    understood: tuple[str, ...]
    ignored: tuple[str, ...]
    seconds: float
    batch_size: Annotated[int, Field(ge=1)]


class TextOutcome(Value):
    """A text. ``stopped`` says why it ended; where it is ``titled``, the prompt is no part of it but says what it is about."""

    kind: Literal["text"] = "text"
    model: ModelName
    version: str
    text: str
    ignored: tuple[str, ...]
    stopped: Literal["length", "person"]
    titled: bool = False
    seconds: float


class Failure(Value):
    """No result; ``details`` fill the placeholders of the code's words."""

    kind: Literal["failure"] = "failure"
    code: ErrorCode
    details: dict[str, str] = Field(default_factory=dict)


Outcome = Annotated[ImageOutcome | TextOutcome | Failure, Field(discriminator="kind")]


class Progress(Value):
    """How far a running job is; ``text`` is what has been written so far."""

    done: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=1)]
    text: str | None = None


class Snapshot(Value):
    """What can be said of a job right now. ``position`` is 1 for the next to run; times are in seconds."""

    job_id: str
    state: State
    position: int | None = None
    seconds_left: float | None = None
    has_worker: bool = True
    progress: Progress | None = None
    cancel_requested: bool = False
