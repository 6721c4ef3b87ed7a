"""Settings of the bot, read once from the environment (see ``.env.example``)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.ports import Limits


class BotSettings(BaseSettings):
    """``DISCORD_TOKEN`` and ``AIGC_*`` variables; secrets never show in a repr."""

    model_config = SettingsConfigDict(env_prefix="AIGC_", env_file=".env", extra="ignore", env_ignore_empty=True)

    token: SecretStr = Field(validation_alias="DISCORD_TOKEN")
    redis_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias="REDIS_URL")
    broker_url: SecretStr | None = Field(default=None, validation_alias="CELERY_BROKER_URL")
    discord_socket: Path | None = None
    heartbeat_file: Path | None = None
    default_models: str = "sprites,avatars,emoji,digits,tales,poems,bard"
    job_minutes: float = Field(default=60.0, gt=0)
    metrics_port: int = Field(default=0, ge=0, lt=65536)
    metrics_address: str = "127.0.0.1"
    waiting_per_user: int = Field(default=10, ge=1)
    waiting_per_server: int = Field(default=500, ge=1)
    waiting_in_all: int = Field(default=10_000, ge=1)

    @property
    def limits(self) -> Limits:
        """The bounds on what waits."""
        return Limits(waiting_per_user=self.waiting_per_user, waiting_per_server=self.waiting_per_server, waiting_in_all=self.waiting_in_all)

    @property
    def sends(self) -> bool:
        """Whether the Redis of the records is Celery's broker too: messages are then written with the records, in one step."""
        return self.broker == self.redis_url.get_secret_value()

    @property
    def broker(self) -> str:
        """Where Celery's messages go: Redis unless another broker is named."""
        return (self.broker_url or self.redis_url).get_secret_value()
