"""Settings of ``aigc up``, from the environment or ``.env``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class LocalSettings(BaseSettings):
    """What decides where everything runs. An empty value counts as none."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    token: SecretStr | None = Field(default=None, validation_alias="DISCORD_TOKEN")
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    home: Path = Field(default=Path(".aigc"), validation_alias="AIGC_HOME")
