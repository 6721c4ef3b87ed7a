"""What workers announce: themselves and the models they serve."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from contracts.values import Choice, ModelName, Value


class ModelCard(Value):
    """A model as a person meets it."""

    name: ModelName
    version: str
    title: str
    family: Literal["gan", "vae", "rnn"]
    kind: Literal["image", "text"]
    summary: str
    knows: str
    examples: tuple[str, ...] = ()
    licence: str
    credit: str = ""
    words: tuple[str, ...] = ()
    """Words that it knows, small letters: a prompt without a model goes to the one that knows most of its words."""
    language: str = ""
    """Of what it writes: a language's short name, "" where it may be any."""
    choices: dict[str, tuple[Choice, ...]] = Field(default_factory=dict)
    """What can be chosen beside the prompt, by ``kind`` and ``mood``, the usual one first."""


class Announcement(Value):
    """A live worker. It is believed for a few heartbeats."""

    worker_id: str
    device: str
    slots: Annotated[int, Field(ge=1)]
    models: tuple[ModelCard, ...]
    holds: dict[ModelName, int] = Field(default_factory=dict)
    """How many jobs of a model the worker can have dispatched or running; ``slots`` where nothing is said."""
