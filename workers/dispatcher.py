"""Keeps Celery's queues short and full enough: sends the messages of the jobs whose turn it is, as many as the workers can hold."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.ports import JobLedger
from workers.app import Broker


class Dispatcher:
    """Asks the records whose turn it is, and sends those messages. Safe to use from several threads and processes at once."""

    def __init__(self, ledger: JobLedger, broker: Broker) -> None:
        self.ledger, self.broker = ledger, broker

    def dispatch(self, routes: Sequence[str]) -> int:
        """Fill the window of these routes; a message that gets lost on the way is sent again by the recovery."""
        turns = self.ledger.dispatch(routes)
        for job_id, route in turns:
            self.broker.send(job_id, route)
        return len(turns)
