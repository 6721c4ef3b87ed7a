"""The Celery application: JSON only, no result backend; a message says "run this job" and may get lost or come twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import ChannelError, OperationalError

from contracts.routes import RUN_JOB, queue_of

REDIS_SCHEMES = ("redis://", "redis+socket://")  # with TLS ("rediss://") kombu chooses the transport by the scheme


def make_app(broker_url: str, routes: Sequence[str] = ()) -> Celery:
    """A Celery application that consumes the queues of ``routes``.

    Messages are not acknowledged at all: the records in Redis, not the messages, are the truth, and a message that got lost with its worker is
    sent again. That spares each job two round trips, and late acknowledgement makes Celery 5.7 exit when Redis restarts under a single job.
    """
    app = Celery("aigc", broker=broker_url, set_as_current=False)
    if broker_url.startswith(REDIS_SCHEMES):
        app.conf.broker_transport = "workers.transport:Transport"
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_queues=[Queue(queue_of(route), no_ack=True) for route in routes] or None,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"socket_connect_timeout": 5, "socket_timeout": 30, "health_check_interval": 10},
        enable_utc=True,
    )
    return app


class Broker:
    """Sends a job's message, and counts those that wait."""

    def __init__(self, app: Celery) -> None:
        self.app = app

    def send(self, job_id: str, route: str) -> None:
        """Send the message that runs a job; its task id is the job's id."""
        self.app.send_task(RUN_JOB, args=[job_id], task_id=job_id, queue=queue_of(route), retry=False)

    def backlog(self, route: str) -> int:
        """Messages in the queue of a route; a queue that does not exist holds none."""
        with self.app.connection_for_write() as connection:
            try:
                channel: Any = connection.default_channel
                return int(channel.queue_declare(queue=queue_of(route), passive=True).message_count)
            except (ChannelError, OperationalError):
                return 0
