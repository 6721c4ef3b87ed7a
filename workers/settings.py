"""Settings of a worker, read once from the environment (see ``.env.example``)."""

from __future__ import annotations

import os
import socket

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """``AIGC_*`` variables; the URLs may hold passwords, so they never show in a repr."""

    model_config = SettingsConfigDict(env_prefix="AIGC_", env_file=".env", extra="ignore", env_ignore_empty=True)

    redis_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias="REDIS_URL")
    broker_url: SecretStr | None = Field(default=None, validation_alias="CELERY_BROKER_URL")
    device: str = "auto"
    threads: int = Field(default=1, ge=1)
    slots: int = Field(default=64, ge=1, le=512)
    max_pictures: int = Field(default=32, ge=1)
    max_texts: int = Field(default=32, ge=1)
    model_memory_mib: float = Field(default=0.0, ge=0)
    stuck_seconds: float = Field(default=120.0, gt=0)
    metrics_port: int = Field(default=0, ge=0, lt=65536)
    metrics_address: str = "127.0.0.1"
    drain_seconds: float = Field(default=5.0, ge=0)

    @property
    def sends(self) -> bool:
        """Whether the Redis of the records is Celery's broker too: messages are then written with the records, in one step."""
        return self.broker == self.redis_url.get_secret_value()

    @property
    def broker(self) -> str:
        """Where Celery's messages go: Redis unless another broker is named."""
        return (self.broker_url or self.redis_url).get_secret_value()

    def holds(self, kind: str) -> int:
        """How many jobs of a model may be dispatched or running: a batch, and what the next one needs to begin at once."""
        batch = self.max_pictures if kind == "image" else self.max_texts
        return min(self.slots, batch + max(1, batch // 4))

    def worker_id(self) -> str:
        """A name of this process that no other live process has."""
        return f"{socket.gethostname()}-{os.getpid()}"
