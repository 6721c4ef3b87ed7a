"""What a person asks for, and the job that carries it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_serializer

from contracts.values import (
    MAX_COUNT,
    MAX_IMAGINE_PROMPT,
    MAX_LENGTH,
    MAX_TEMPERATURE,
    MAX_TRUNCATION,
    MAX_VARIATIONS,
    MAX_WRITE_PROMPT,
    MIN_TEMPERATURE,
    MIN_TRUNCATION,
    Choice,
    JobId,
    ModelName,
    Seed,
    Snowflake,
    Value,
)


class Variation(Value):
    """A move in latent space: towards the noise of ``seed``, by ``strength`` in [0, 1]."""

    seed: Seed
    strength: Annotated[float, Field(ge=0.0, le=1.0)]


class ImagineRequest(Value):
    """Pictures. Picture i has seed ``seed + i``; with variations, ``seed`` is the parent's and the last variation's seed counts up."""

    kind: Literal["imagine"] = "imagine"
    model: ModelName
    prompt: Annotated[str, Field(max_length=MAX_IMAGINE_PROMPT)]
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 4
    seed: Seed
    truncation: Annotated[float, Field(ge=MIN_TRUNCATION, le=MAX_TRUNCATION)] = 1.0
    variations: Annotated[tuple[Variation, ...], Field(max_length=MAX_VARIATIONS)] = ()
    place: Annotated[int, Field(ge=0, lt=MAX_COUNT)] | None = None
    """If set, every picture shows what picture ``place`` of the prompt would: a variation of the second picture stays what it was."""


class WriteRequest(Value):
    """A text of about ``length`` characters that goes on from ``prompt``."""

    kind: Literal["write"] = "write"
    model: ModelName
    prompt: Annotated[str, Field(max_length=MAX_WRITE_PROMPT)]
    length: Annotated[int, Field(ge=1, le=MAX_LENGTH)] = 600
    temperature: Annotated[float, Field(ge=MIN_TEMPERATURE, le=MAX_TEMPERATURE)] = 0.8
    seed: Seed
    sort: Choice = ""
    """The kind of text, of those that the model's card offers."""
    mood: Choice = ""
    continues: bool = False
    """The prompt is the end of an earlier text, which the reader has seen."""
    after: JobId | None = None
    """The job whose text this goes on from exactly where it stopped: what was kept of it spares reading the prompt again."""
    topic: Annotated[str, Field(max_length=MAX_WRITE_PROMPT)] = ""
    """What the earlier text was asked to be about, where its prompt was no part of it."""


Request = Annotated[ImagineRequest | WriteRequest, Field(discriminator="kind")]


class Reply(Value):
    """Where the answer goes: an interaction's token (good for 15 minutes), then the bot's own message, then the channel."""

    application_id: Snowflake
    channel_id: Snowflake
    message_id: Snowflake | None = None
    token: SecretStr
    token_expires_at: float

    @field_serializer("token", when_used="json")
    def _reveal(self, token: SecretStr) -> str:
        """The record in Redis needs the token itself; a log or repr never shows it."""
        return token.get_secret_value()


class Job(Value):
    """One request of one person. ``id`` is the interaction's id, so that a repeated submission is recognised."""

    id: JobId
    request: Request
    user_id: Snowflake
    guild_id: Snowflake | None = None
    reply: Reply
    parent: JobId | None = None
    weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    """The person's share of the server's turns, by role."""
    created_at: float
    deadline_at: float
