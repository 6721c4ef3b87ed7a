"""Sends a job's Celery message by name, without knowing the task. In a thread: ``send_task`` blocks, and a heartbeat must not wait."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from celery import Celery
from kombu.exceptions import OperationalError

from contracts.routes import RUN_JOB, queue_of

logger = logging.getLogger(__name__)


class Dispatcher(Protocol):
    """Tells the workers that a job waits."""

    async def send(self, job_id: str, route: str) -> None:
        """Send the message. It may get lost: the workers' recovery sends it again."""


class CeleryDispatcher:
    """Messages over Celery's broker."""

    def __init__(self, broker_url: str) -> None:
        self._app = Celery("aigc", broker=broker_url, set_as_current=False)
        options = {"socket_connect_timeout": 2, "socket_timeout": 5}
        self._app.conf.update(task_serializer="json", accept_content=["json"], task_ignore_result=True, broker_transport_options=options)

    async def send(self, job_id: str, route: str) -> None:
        """Send the message; a broker that is away is no error, because the record is already written."""
        try:
            await asyncio.to_thread(self._app.send_task, RUN_JOB, args=[job_id], task_id=job_id, queue=queue_of(route), retry=False)
        except (OperationalError, OSError) as error:
            logger.warning("action=message_not_sent job_id=%s error=%s", job_id, type(error).__name__)
