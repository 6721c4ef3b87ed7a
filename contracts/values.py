"""The base of everything that crosses a process: frozen, closed to unknown fields, JSON only."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SEED_LIMIT = 2**32
MAX_COUNT = 9
MAX_VARIATIONS = 16
MAX_IMAGINE_PROMPT = 400
MAX_WRITE_PROMPT = 2000
MAX_LENGTH = 8000
MIN_TRUNCATION, MAX_TRUNCATION = 0.1, 1.5
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.0, 2.0

Seed = Annotated[int, Field(ge=0, lt=SEED_LIMIT)]
Snowflake = Annotated[str, Field(pattern=r"^\d{1,20}$")]
JobId = Annotated[str, Field(pattern=r"^[0-9a-z]{1,25}$")]
Choice = Annotated[str, Field(max_length=40)]
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Value(BaseModel):
    """A frozen value; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
