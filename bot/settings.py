"""Settings of the bot, read once from the environment (see ``.env.example``)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class BotSettings(BaseSettings):
    """``DISCORD_TOKEN`` and ``AIGC_*`` variables; secrets never show in a repr."""

    model_config = SettingsConfigDict(env_prefix="AIGC_", env_file=".env", extra="ignore")

    token: SecretStr = Field(validation_alias="DISCORD_TOKEN")
    redis_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias="REDIS_URL")
    broker_url: SecretStr | None = Field(default=None, validation_alias="CELERY_BROKER_URL")
    discord_socket: Path | None = None
    heartbeat_file: Path | None = None
    default_models: str = "digits,bard"
    job_minutes: float = Field(default=60.0, gt=0)

    @property
    def broker(self) -> str:
        """Where Celery's messages go: Redis unless another broker is named."""
        return (self.broker_url or self.redis_url).get_secret_value()
